"""Fits how ``vision.shop.slot_motion`` tells a package taken from one put back, and one that does not belong.

    python -m training.shelf_motion --seed 502 --held-out 503

draws the nano shop of each seed without people, in ten versions of its stock (five minutes of a CPU each), compares the
versions of a slot that differ by one package, in each camera, fits two logistic regressions on the first seed's changes
and prints how they do on the second's. ``vision/shop/slot_motion.json`` holds the weights that ship.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from training.errors import TrainingError
from training.films import ACCEPTANCE
from training.still_shelves import Stills, drawn
from vision.shop.slot_answers import ALIKE, CLEAR
from vision.shop.slot_change import Goods, deviations, differences, faces
from vision.shop.slot_motion import features

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]

CAMERAS = ("door-in", "door-out", "corner-nw", "corner-ne", "aisle-south", "over-north", "over-west", "over-east")
VERSIONS = 10
WAY_PENALTY, FOREIGN_PENALTY = 3.0, 1.0  # of the squared weights
STEPS = 25


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """n changes of slots as one camera saw them.

    ``way`` (n, 22) and ``foreign`` (n, 9) features; ``gone`` whether a package went, ``strange`` whether it was not the
    slot's, bool (n,); ``change`` int (n,), the same for all cameras that saw one change.
    """

    way: Float
    foreign: Float
    gone: Mask
    strange: Mask
    change: NDArray[np.int64]


def examples(stills: Stills) -> Examples:
    """All pairs of versions between which one package of a slot was moved, in every camera that shows the change."""
    slots = stills.plan.slots()
    goods = [Goods.of(slot, product.size_m) for slot, product in zip(slots, stills.products, strict=True)]
    places = [faces(each, slot) for each, slot in zip(goods, slots, strict=True)]
    rows: list[tuple[Float, Float, bool, bool, int]] = []
    for number, (old, new, place, column, gone) in enumerate(_changes(stills)):
        for name, views in stills.views.items():
            for row in np.flatnonzero(views.slots == place).tolist():
                before, after = (stills.patches[name][each][row].astype(np.float32) for each in (old, new))
                deviation = deviations(before, after, np.zeros(before.shape[:2], np.float32))
                found = np.nan_to_num(differences(deviation, views.seen[row], places[place]))
                at = int(np.argmax(found)) if column is None else column
                if found[at] >= CLEAR:
                    told = features(before, after, views, row, goods[place], places[place][at])
                    rows.append((*told, gone, column is None, number))
    way, foreign, went, strange, change = zip(*rows, strict=True)
    return Examples(np.array(way), np.array(foreign), np.array(went), np.array(strange), np.array(change))


def _changes(stills: Stills) -> Iterator[tuple[int, int, int, int | None, bool]]:
    """Old and new version, slot, column (None for a strange package), and whether the package went."""
    for old, new in combinations(range(len(stills.stock)), 2):
        for place, (was, now) in enumerate(zip(stills.stock[old], stills.stock[new], strict=True)):
            moved = now.gone - was.gone
            if was.strange is None and now.strange is None and np.abs(moved).sum() == 1:
                yield old, new, place, int(np.flatnonzero(moved)[0]), bool(moved.sum() > 0)
            elif (was.strange is None) != (now.strange is None) and not moved.any():
                yield old, new, place, None, now.strange is None


def fitted(features: Float, positive: Mask, penalty: float) -> Float:
    """The weights (d,) of a logistic regression on (n, d) by Newton's steps, with a penalty on their squares."""
    weights = np.zeros(features.shape[1])
    for _ in range(STEPS):
        probability = 1.0 / (1.0 + np.exp(-features @ weights))
        slope = features.T @ (probability - positive) + penalty * weights
        bend = (features * (probability * (1.0 - probability))[:, None]).T @ features
        weights -= np.linalg.solve(bend + penalty * np.eye(len(weights)), slope)
    return weights


def measured(found: Examples, way: Float, foreign: Float) -> dict[str, float]:
    """How often the way is right, in one camera and in all together, and how well strange packages are told (AUROC)."""
    own = ~found.strange
    told = found.way @ way
    changes, number = np.unique(found.change[own], return_inverse=True)
    together = ALIKE * np.bincount(number, told[own])
    went = np.bincount(number, found.gone[own]) > 0
    every, at = np.unique(found.change, return_inverse=True)
    strange = np.bincount(at, found.foreign @ foreign) / np.bincount(at)
    is_strange = np.bincount(at, found.strange) > 0
    above = strange[is_strange][:, None] > strange[~is_strange][None]
    return {
        "changes": float(len(changes)),
        "way_one_camera": float(np.mean((told > 0)[own] == found.gone[own])),
        "way_all_cameras": float(np.mean((together > 0) == went)),
        "way_log_loss": float(np.mean(np.log1p(np.exp(np.where(went, -together, together))))),
        "strange": float(len(every) - len(changes)),
        "strange_auroc": float(above.mean()),
    }


def main(
    seed: Annotated[int, typer.Option(help="Simulator seed to fit on.")] = 502,
    held_out: Annotated[int, typer.Option(help="Simulator seed to measure on.")] = 503,
    out: Annotated[Path, typer.Option(help="File of the weights.")] = Path("slot_motion.json"),
) -> None:
    """Fit the weights, and print how they do on a shop that they were not fitted on."""
    if max(seed, held_out) >= ACCEPTANCE:
        raise TrainingError(f"seeds from {ACCEPTANCE} on are for acceptance alone: give lower ones")
    way, foreign = weighed(examples(drawn(seed, VERSIONS, CAMERAS)))
    weights = {"way": way.round(4).tolist(), "foreign": foreign.round(4).tolist()}
    out.write_text(json.dumps(weights) + "\n", encoding="utf-8")
    measures = measured(examples(drawn(held_out, VERSIONS, CAMERAS)), way, foreign)
    typer.echo(json.dumps(measures, indent=2))


def weighed(found: Examples) -> tuple[Float, Float]:
    """The weights of the way and of strangeness that fit ``found``."""
    own = ~found.strange
    way = fitted(found.way[own], found.gone[own], WAY_PENALTY)
    foreign = fitted(found.foreign, found.strange, FOREIGN_PENALTY)
    # A likelihood: without how often strange packages were drawn. The last feature is 1.
    share = float(found.strange.mean())
    foreign[-1] -= np.log(share / (1.0 - share))
    return way, foreign


if __name__ == "__main__":
    typer.run(main)
