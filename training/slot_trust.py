"""Counts how often slots had changed, given what comparing their pictures told: what ``vision.shop.trust`` rests on.

    python -m training.slot_trust FOLDER...

plays simulated runs, filmed as `aisle evaluate checkout --clips` keeps them, through a shop's watcher with cameras
alone, compares what it told of each slot with the truth, and prints what a comparison is worth by its log likelihood
and by how many cameras made it, apart for slots where nobody stood any more, where somebody stayed, and a moment after
a reach. A minute of a CPU for a run, the networks for people aside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.optimize import minimize

from store.events import ProductMisplaced, ProductReturned, ProductTaken
from training.errors import TrainingError
from training.evaluate.checkout_clip import Clip
from training.evaluate.checkout_playing import play
from training.evaluate.checkout_suite import SuiteSettings
from training.films import ACCEPTANCE
from vision.shop.evidence import SlotChange
from vision.shop.loop import Watcher
from vision.shop.networks import Networks, open_networks
from vision.shop.perception import ShopPerception
from vision.shop.trust import FREE, REACHING, STAYING, Trust, trusted
from vision.shop.watcher import ShopWatcher

Float = NDArray[np.float64]

KINDS: Final = {FREE: "free", STAYING: "staying", REACHING: "reaching"}
EDGE_S: Final = 0.6  # what happened so near to either end of a comparison may be in it or not
SEVERAL: Final = 2  # cameras, of the comparisons that are fitted: one alone is seldom right
SHRINK: Final = 1e-3  # of squared weights, so that a perfect separation has an end


@dataclass(frozen=True, slots=True)
class Told:
    """The largest log likelihood of packages that went or came, by how many ``cameras``; and how many truly did."""

    kind: str
    log: float
    cameras: int
    gained: int


def told_of(clip: Clip, networks: Networks, settings: SuiteSettings) -> list[Told]:
    """Every comparison of a run; those at whose ends something happened are left out."""
    found: list[tuple[str, SlotChange]] = []

    def note(change: SlotChange, trust: Trust) -> SlotChange:
        if change.cameras and change.gained:
            found.append((KINDS[trust], change))
        return trusted(change, trust)

    def opened(clip: Clip, networks: Networks, is_staff: Callable[[str], bool]) -> Watcher:
        perception = ShopPerception(clip.plan, clip.catalogue, clip.cameras, reader=networks.hands, believe=note)
        return ShopWatcher(clip.plan, clip.catalogue, perception, is_staff=is_staff)

    play(clip, networks, settings, ("vision",), opened)
    rows = [(kind, change, gained(clip, change)) for kind, change in found]
    return [
        Told(kind, max(change.gained.values()), len(change.cameras), count)
        for kind, change, count in rows
        if count is not None
    ]


def gained(clip: Clip, change: SlotChange) -> int | None:
    """The packages of its own product that a slot truly gained between a comparison's looks; None where that depends
    on when exactly these were.
    """
    product = next(slot.slot.product for slot in clip.plan.slots() if slot.id == change.slot)
    own, count = clip.catalogue.product(product).gtin, 0
    for event in clip.truth.products:
        if event.slot != change.slot or event.gtin != own:
            continue
        if min(abs(event.time - change.before_s), abs(event.time - change.after_s)) < EDGE_S:
            return None
        if change.before_s < event.time < change.after_s:
            match event:
                case ProductTaken():
                    count -= 1
                case ProductReturned() | ProductMisplaced():
                    count += 1
    return count


def fitted(told: Sequence[Told]) -> dict[str, float]:
    """What a comparison is worth: ``scale`` times its log likelihood + ``camera`` times its cameras + ``offset``, and
    how well that tells changed slots from others: of all changed ones the share worth more than 0, and of others.
    """
    told = [each for each in told if each.cameras >= SEVERAL]
    log, cameras = (np.array([getattr(each, name) for each in told], np.float64) for name in ("log", "cameras"))
    changed = np.array([each.gained != 0 for each in told], np.bool_)
    counts = {"changed": float(changed.sum()), "unchanged": float((~changed).sum())}
    if not changed.any() or changed.all():
        return counts
    usual = float(np.log(changed.mean() / (1 - changed.mean())))

    def cost(weights: Float) -> float:
        odds = weights[0] * log + weights[1] * cameras + weights[2] + usual
        return float(np.logaddexp(0.0, np.where(changed, -odds, odds)).sum() + SHRINK * (weights**2).sum())

    weights = minimize(cost, np.zeros(3)).x
    worth = weights[0] * log + weights[1] * cameras + weights[2]
    return counts | {
        "scale": float(weights[0]),
        "camera": float(weights[1]),
        "offset": float(weights[2]),
        "told_of_changed": float((worth > 0)[changed].mean()),
        "told_of_unchanged": float((worth > 0)[~changed].mean()),
    }


def main(
    folders: Annotated[list[Path], typer.Argument(help="Simulated runs, filmed as videos.")],
    keep: Annotated[bool, typer.Option(help="Keep what the networks for people find beside each run.")] = False,
) -> None:
    """Print what comparisons of slots are worth."""
    clips = [Clip(folder) for folder in folders]
    if late := [clip.name for clip in clips if clip.seed >= ACCEPTANCE]:
        raise TrainingError(f"seeds from {ACCEPTANCE} on are for acceptance alone: leave out {', '.join(late)}")
    settings = SuiteSettings(keep=keep)
    networks = open_networks(settings.detector, settings.joints, settings.hands, size=settings.size, threads=1)
    told: list[Told] = []
    for clip in clips:
        told += told_of(clip, networks, settings)
        typer.echo(f"{clip.name}: {len(told)} comparisons so far", err=True)
    of_kind = {name: fitted([each for each in told if each.kind == name]) for name in KINDS.values()}
    rounded = {name: {key: round(value, 4) for key, value in found.items()} for name, found in of_kind.items()}
    typer.echo(json.dumps(rounded, indent=2))


if __name__ == "__main__":
    typer.run(main)
