"""The same script function on Ray Train, with two workers on CPUs."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training import tiny

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from functools import partial
from tests.training.tiny import train_plain
from training.parallel import launch
launch(partial(train_plain, sys.argv[1]), 2, "ray:cpu")
"""


def test_two_ray_workers_give_what_one_process_gives_on_the_joined_batch(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "ray")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (torch.load(tmp_path / "ray" / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))

    def joined(step):
        a, b = tiny.batch_of(2 * step), tiny.batch_of(2 * step + 1)
        return {key: torch.cat([a[key], b[key]]) for key in a}

    alone = tiny.train(tmp_path / "alone", tiny.make_plain_network(), batches=joined).state_dict()
    for name, value in alone.items():
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)
        torch.testing.assert_close(first[name], value, rtol=1e-4, atol=1e-5)
