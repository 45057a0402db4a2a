"""Fits how ``vision.shop.slot_counts`` tells how many packages are gone from a slot, or came, and strange ones.

    python -m training.slot_counts

draws the nano shop of each seed without people, in ten versions of its stock (three minutes of a CPU each), compares
the versions in each camera, fits a network of one hidden layer on all seeds but ``--held-out`` and prints how it does
on that. ``vision/shop/slot_counts.json`` holds the network that ships.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from training.errors import TrainingError
from training.films import ACCEPTANCE
from training.still_shelves import Stills, Stock, drawn
from vision.shop.slot_answers import ALIKE
from vision.shop.slot_change import Cell, Goods, cells_of, deviations
from vision.shop.slot_counts import CAME, CLASSES, FEATURES, GONE, WENT, Network, features

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

CAMERAS: Final = (
    "door-in", "door-out", "corner-nw", "corner-ne", "aisle-south", "over-north", "over-west", "over-east",
)  # fmt: skip
VERSIONS: Final = 10
HIDDEN: Final = 32
STEPS: Final = 3000
BATCH: Final = 2048
RATE: Final = 0.01
LEAST_SPREAD: Final = 0.01  # of a feature: what spreads less is the same everywhere
UNCHANGED: Final = 0.25  # of the slots that did not change, that are looked at


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """n cells that two looks of one camera show: ``features`` (n, 31), the class ``label`` (n,) and ``cell`` (n,), the
    same for all cameras that saw the same.
    """

    features: Float
    label: Ints
    cell: Ints


def examples(stills: Stills, seed: int) -> Examples:
    """All pairs of versions of each slot, in every camera; of those without a change a quarter."""
    rng = np.random.default_rng(seed)
    slots = stills.plan.slots()
    goods = [Goods.of(slot, product.size_m) for slot, product in zip(slots, stills.products, strict=True)]
    cells = [cells_of(each, slot) for each, slot in zip(goods, slots, strict=True)]
    found: list[tuple[Float, int, int]] = []
    first = np.cumsum([0, *map(len, cells)])
    for number, pair in enumerate(combinations(range(len(stills.stock)), 2)):
        old, new = pair if rng.random() < 0.5 else pair[::-1]
        for place, (was, now) in enumerate(zip(stills.stock[old], stills.stock[new], strict=True)):
            labels = [label_of(was, now, goods[place], cell, slots[place].width_m) for cell in cells[place]]
            if set(labels) == {GONE.index(0)} and rng.random() >= UNCHANGED:
                continue
            for name, views in stills.views.items():
                for row in np.flatnonzero(views.slots == place).tolist():
                    before, after = (stills.patches[name][each][row].astype(np.float32) for each in (old, new))
                    deviation = deviations(before, after, np.zeros(before.shape[:2], np.float32))
                    told = features(before, after, deviation, views.seen[row], views, row, goods[place], cells[place])
                    for k, label in enumerate(labels):
                        if label is not None and np.isfinite(told[k]).all():
                            found.append((told[k], label, number * int(first[-1]) + int(first[place]) + k))
    rows, classes, cells_seen = zip(*found, strict=True)
    return Examples(np.array(rows), np.array(classes), np.array(cells_seen))


def label_of(was: Stock, now: Stock, goods: Goods, cell: Cell, width_m: float) -> int | None:
    """The class of what happened to a cell; None where a strange package stands before a part of it."""
    if was.strange != now.strange:
        if was.strange is not None and now.strange is not None:
            return None
        left, right = (now if was.strange is None else was).span_m
        middle, half = (cell.column + 0.5) * width_m / goods.columns, goods.size_m[0] / 2
        covered = max(0.0, min(middle + half, right) - max(middle - half, left)) / (2 * half)
        if covered > 0.5 and cell.layer == 0:
            return CAME if was.strange is None else WENT
        if covered > 0.1:
            return None
    gone = (rows_gone(int(stock.gone[cell.column]), goods.layers, cell.layer) for stock in (was, now))
    shift = -next(gone) + next(gone)
    return GONE.index(int(np.clip(shift, GONE[0], GONE[-1])))


def rows_gone(packages: int, layers: int, layer: int) -> int:
    """The rows that are gone from a layer of a column (0 the lowest) that lost so many packages, the topmost first."""
    return -(-max(packages - (layers - 1 - layer), 0) // layers)


def fitted(found: Sequence[Examples], steps: int = STEPS) -> Network:
    """The network that tells the classes of ``found``, without how often each was drawn."""
    torch.manual_seed(0)
    told, label = (np.concatenate([getattr(each, name) for each in found]) for name in ("features", "label"))
    mean, scale = told.mean(axis=0), told.std(axis=0)
    scale = np.where(scale < LEAST_SPREAD, 1.0, scale)
    inputs, labels = torch.from_numpy((told - mean) / scale).float(), torch.from_numpy(label)
    hidden, out = torch.nn.Linear(FEATURES, HIDDEN), torch.nn.Linear(HIDDEN, CLASSES)
    network = torch.nn.Sequential(hidden, torch.nn.Tanh(), out)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        chosen = torch.randint(0, len(inputs), (BATCH,))
        loss = torch.nn.functional.cross_entropy(network(inputs[chosen]), labels[chosen])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    often = np.log(np.maximum(np.bincount(label, minlength=CLASSES), 1) / len(label))
    first, first_bias, last, last_bias = (
        each.detach().double().numpy() for each in (hidden.weight.T, hidden.bias, out.weight.T, out.bias)
    )
    return Network(mean, scale, first, first_bias, last, last_bias - often)


def measured(found: Examples, network: Network) -> dict[str, float]:
    """How often all cameras together are right about a cell, given how often each class is drawn; of cells that
    changed; of changes the share whose way is told wrongly; and of unchanged cells that are said to have changed.
    """
    number, at = np.unique(found.cell, return_inverse=True)
    sums = np.zeros((len(number), CLASSES))
    np.add.at(sums, at, ALIKE * network.likelihoods(found.features))
    label = np.zeros(len(number), np.int64)
    label[at] = found.label
    often = np.bincount(label, minlength=CLASSES) / len(label)
    said = (sums + np.log(np.maximum(often, 1e-6))).argmax(axis=1)
    nothing = GONE.index(0)
    counted = label < len(GONE)
    changed = counted & (label != nothing)
    way = np.sign(said - nothing) * np.sign(label - nothing) < 0
    return {
        "cells": float(len(number)),
        "right": float((said == label).mean()),
        "right_of_changed": float((said == label)[changed].mean()),
        "wrong_way": float((way & (said < len(GONE)))[changed].mean()),
        "false_changes": float((said != nothing)[label == nothing].mean()),
        "right_of_strange": float((said == label)[~counted].mean()) if (~counted).any() else float("nan"),
    }


def main(
    seeds: Annotated[str, typer.Option(help="Simulator seeds to fit on, A:B without B.")] = "502:505",
    held_out: Annotated[int, typer.Option(help="Simulator seed to measure on.")] = 505,
    out: Annotated[Path, typer.Option(help="File of the network.")] = Path("slot_counts.json"),
) -> None:
    """Fit the network, and print how it does on a shop that it was not fitted on."""
    first, end = (int(part) for part in seeds.split(":"))
    if max(end - 1, held_out) >= ACCEPTANCE:
        raise TrainingError(f"seeds from {ACCEPTANCE} on are for acceptance alone: give lower ones")
    network = fitted([examples(drawn(seed, VERSIONS, CAMERAS), seed) for seed in range(first, end) if seed != held_out])
    out.write_text(network.written(), encoding="utf-8")
    typer.echo(json.dumps(measured(examples(drawn(held_out, VERSIONS, CAMERAS), held_out), network), indent=2))


if __name__ == "__main__":
    typer.run(main)
