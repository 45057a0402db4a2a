"""A pool whose owner is killed ends too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from datasets.orphans import end_with_parent

OWNER = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from datasets.orphans import end_with_parent

def busy():
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=end_with_parent) as pool:
        pool.submit(busy).result()
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_pool_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        worker = int(owner.stdout.readline())
        assert is_alive(worker)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        end = time.monotonic() + 30
        while is_alive(worker):
            assert time.monotonic() < end, "it works on"  # killed: no initialiser
            time.sleep(0.05)


def test_a_process_that_nobody_started_goes_on() -> None:
    end_with_parent()
    assert is_alive(os.getpid())
