"""A tiny network and its data, for tests of the loop; run as a program it trains until it is killed or done.

python tiny.py FOLDER [pause_s]
"""

import sys
import time
from pathlib import Path

import torch
from torch import nn

from training.loop import fit
from training.parallel import ALONE, Parallel
from training.run import Run

STEPS = 60


def make_network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))


def make_plain_network():
    """Without what depends on the whole batch or on chance."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))


def batch_of(step):
    generator = torch.Generator().manual_seed(step)
    x = torch.randn(8, 4, generator=generator)
    return {"x": x, "y": (x.sum(dim=1) > 0).long()}


def loss_of(network, batch):
    scores = network(batch["x"])
    return {"class": nn.functional.cross_entropy(scores, batch["y"]), "size": 1e-3 * scores.square().mean()}


def train(
    folder, network=None, *, steps=STEPS, batches=batch_of, parallel: Parallel = ALONE, losses=loss_of, **settings
):
    network = network or make_network()
    optimizer = torch.optim.AdamW(network.parameters(), 0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    settings = {"average": 0.9, "checkpoint_every": 7, "log_every": 5, "progress": lambda *_: None} | settings
    with Run.open(folder, {"steps": steps}) as run:
        fit(
            run, network, losses, batches, steps=steps, optimizer=optimizer, schedule=schedule, parallel=parallel,
            **settings,
        )  # fmt: skip
    return network


def train_plain(folder, parallel):
    """What `launch` calls in each process."""
    network = train(Path(folder), make_plain_network(), parallel=parallel)
    torch.save(network.state_dict(), Path(folder) / f"rank{parallel.rank}.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    pause_s = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0

    def slow_batch_of(step):
        time.sleep(pause_s)
        return batch_of(step)

    train(Path(sys.argv[1]), batches=slow_batch_of)
