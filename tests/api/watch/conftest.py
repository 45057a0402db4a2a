"""Running `aisle watch` as its users do: the command, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data"
FRAMES = 60

# Imports Aisle once and runs each command in a fork, so that a case costs what it does and not what it imports.
DRIVER = """
import json, os, sys, traceback
import api.cli, api.watch.session
for case in json.load(sys.stdin):
    pid = os.fork()
    if not pid:
        code = 99
        try:
            for number, name in ((1, "out"), (2, "err")):
                os.dup2(os.open(case[name], os.O_CREAT | os.O_WRONLY), number)
            os.environ.update(case["env"])
            api.cli.app(["watch", *case["args"]])
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


# What a run of more than ten seconds says where there is no terminal: how far it is.
PROGRESS = re.compile(r"^\S+: \d+(?: of \d+)? frames, [\d.]+ frames/s, \d+ people\n", re.MULTILINE)


@dataclass
class Ran:
    """A command that has ended."""

    code: int
    out: str
    printed: str

    @property
    def err(self) -> str:
        """Standard error without the lines of progress, which only a slow machine shows."""
        return PROGRESS.sub("", self.printed)


def environment(**values: str) -> dict[str, str]:
    """This environment without what would make a run another one."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith("AISLE_") and not k.endswith("_URL")}
    return {**mine, "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **values}


def run_aisle(*args: str | Path, **values: str) -> Ran:
    command = [sys.executable, "-c", "from api.cli import main; main()", *map(str, args)]
    done = subprocess.run(command, env=environment(**values), capture_output=True, text=True, timeout=120)
    return Ran(done.returncode, done.stdout, done.stderr)


def write_clip(path: Path, frames: int, size: tuple[int, int] = (320, 240)) -> Path:
    """A brick that slides over a grey floor, 10 frames/s, with nobody in it."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 90, np.uint8)
            picture[50:80, 10 + number : 40 + number] = (40, 40, 200)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode(None))
    return path


def run_cases(cases: dict[str, tuple[list[str], dict[str, str]]], logs: Path) -> dict[str, Ran]:
    """Run each case, arguments of `aisle watch` and environment, one after another."""
    logs.mkdir()
    asked = [
        {"args": args, "env": env, "out": str(logs / f"{i}.out"), "err": str(logs / f"{i}.err")}
        for i, (args, env) in enumerate(cases.values())
    ]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DRIVER], input=json.dumps(asked), env=environment(),
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    codes = [int(code) for code in done.stdout.split()]
    assert len(codes) == len(cases), done.stderr
    return {
        name: Ran(code, Path(case["out"]).read_text(), Path(case["err"]).read_text())
        for name, code, case in zip(cases, codes, asked, strict=True)
    }


@pytest.fixture(scope="session")
def aisle() -> Callable[..., Ran]:
    """Run `aisle` with these arguments and variables."""
    return run_aisle


@pytest.fixture(name="run_cases", scope="session")
def _run_cases() -> Callable[..., dict[str, Ran]]:
    return run_cases


@pytest.fixture(name="environment", scope="session")
def _environment() -> Callable[..., dict[str, str]]:
    return environment


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The footage that is kept beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("no footage in ../shared/data")
    return SHARED


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watch")


@pytest.fixture(scope="module")
def empty(folder: Path) -> Path:
    """A clip of 8 frames, 320x240, with nobody in it."""
    return write_clip(folder / "empty.mp4", 8)


@pytest.fixture(name="write_clip", scope="session")
def _write_clip() -> Callable[..., Path]:
    return write_clip


@pytest.fixture(scope="session")
def street(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of vtest.avi, 7 frames/s."""
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    with av.open(str(shared / "vtest" / "vtest.avi")) as source, av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=7, options={"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 768, 576, "yuv420p"
        for _, frame in zip(range(FRAMES), source.decode(video=0), strict=False):
            picture = frame.to_ndarray(format="bgr24")
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode(None))
    return path
