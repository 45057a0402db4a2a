"""What an evaluation of product recognition asks: photos to enrol, pictures to recognise, who the candidates are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from datasets.formats.photos import CATALOGUE, PhotoFolder
from datasets.formats.simulated import RUN, runs
from datasets.sample import DatasetFileError
from datasets.simulation.filming.recipes import Filming, Recipe
from models.products.measures import Measured
from training.evaluate.slices import Slicing
from training.package_sets import VIEWS, PackageSet, filmed

Image = NDArray[np.uint8]
Enrol = Literal["catalogue", "train", "both"]

SIZE: Final = Slicing(
    "size",
    (0, 20, 30, 45, 70, 110, 1e9),
    ("below 20 px", "20-30 px", "30-45 px", "45-70 px", "70-110 px", "110 px and more"),
)
TURNED: Final = Slicing("turned", (0, 35, 60, 181), ("front", "slanted", "grazing"))
SEEN: Final = Slicing("visible", (0, 0.75, 0.95, 1.01), (".5-.75", ".75-.95", "whole"))
_HELD: Final = 18  # moments of packages in hands
_BOX_SHARE: Final = 0.03  # deviation of a detector's box, of its length, and in pixels
_BOX_PX: Final = 0.7


@dataclass(frozen=True, eq=False)
class Trial:
    """One shop: ``enrolled`` photos by GTIN, n ``queries`` made when they are asked for, and their ``truth`` (n,).

    ``candidates`` are what each query may show, None for all products. ``alike`` maps each product to a name that those
    that differ in size alone share. ``size_m`` is by GTIN; ``measured`` (n,) or None; ``pixels`` (n,) are the packages'
    longer sides. ``events`` (n,) name what shows one package or one row of a shelf, None where that is not known.
    ``groups`` (n,) are what a bootstrap draws; ``slices`` name parts by axis, (n,) each.
    """

    name: str
    enrolled: dict[str, list[Image]]
    queries: tuple[Callable[[], Image], ...]
    truth: tuple[str, ...]
    candidates: tuple[tuple[str, ...], ...] | None
    alike: dict[str, str]
    size_m: dict[str, tuple[float, float, float]]
    measured: tuple[Measured, ...] | None
    pixels: tuple[float, ...] | None
    events: tuple[str, ...] | None
    groups: tuple[str, ...]
    slices: dict[str, tuple[str, ...]]


def photo_trial(folder: Path, enrol: Enrol, split: str) -> Trial:
    """Of a folder of photos: recognise those of ``split``. Raises ``DatasetFileError``, ``PictureError``."""
    wanted = {"catalogue": (CATALOGUE,), "train": ("train",), "both": (CATALOGUE, "train")}[enrol]
    data = PhotoFolder(folder)
    enrolled: dict[str, list[Image]] = {}
    queries, truth = [], []
    for sample in data.samples():
        name = data.classes[int(sample.label[0])]
        if sample.split in wanted:
            enrolled.setdefault(name, []).append(sample.picture.read())
        elif sample.split == split:
            queries.append(sample.picture.read)
            truth.append(name)
    kept = [place for place, name in enumerate(truth) if name in enrolled]
    if not enrolled or not kept:
        raise DatasetFileError(
            f"{folder}: no photos to enrol ({' or '.join(wanted)}) or none of these products in the split {split!r}; "
            "see `aisle datasets info`"
        )
    truth = [truth[place] for place in kept]
    return Trial(
        folder.name,
        enrolled,
        tuple(queries[place] for place in kept),
        tuple(truth),
        None,
        {name: name for name in enrolled},
        {},
        None,
        None,
        None,
        tuple(truth),
        {"product": tuple(truth)},
    )


def simulated_trials(folder: Path) -> list[Trial]:
    """Of a simulated dataset: a trial a run. The run is played again, and its cameras' pictures are drawn again, at the
    run's resolution.

    All cameras of the run: their shelves once, and moments of packages in hands. Raises ``DatasetFileError`` and what
    playing raises.
    """
    trials = []
    for run in runs(folder):
        settings = json.loads((run / RUN).read_text(encoding="utf-8"))["made"]["settings"]
        scenario = settings["scenario"] if settings.get("scenario_sha256") is None else str(run / "scenario.yaml")
        size = settings["size"]
        filming = Filming(tuple(settings["cameras"]), (int(size[0]), int(size[1])) if size else None)
        recipe = Recipe(scenario, int(settings["seed"]), run / "plan.yaml", filming, float(settings["start"]))
        with TemporaryDirectory() as scratch:
            crops = Path(scratch) / "packages.npz"
            shop = filmed(recipe, crops, cameras=len(settings["cameras"]), held=_HELD, by_event=True)
        trials.append(set_trial(run.name, shop))
    if not trials:
        raise DatasetFileError(f"{folder}: no run of `aisle simulate` in it")
    return trials


def set_trial(name: str, shop: PackageSet, margin: float = 0.1) -> Trial:
    """The crops of one simulated shop, each with the products of the neighbouring slots as candidates."""
    beside = [[int(p) for p in shop.neighbours[product] if p >= 0] for product in shop.product]
    sides = [shop.gtins[product] for product in shop.product]

    def crop(row: int) -> Callable[[], Image]:
        return lambda: shop.cut(row, margin)

    return Trial(
        name,
        {gtin: [shop.photo(place, view) for view in range(len(VIEWS))] for place, gtin in enumerate(shop.gtins)},
        tuple(crop(row) for row in range(len(shop))),
        tuple(sides),
        # By number: the true one shall not be first, where ties would fall to it.
        tuple(tuple(sorted(shop.gtins[p] for p in near)) for near in beside),
        {gtin: str(shop.look[place]) for place, gtin in enumerate(shop.gtins)},
        {gtin: _three(shop.size_m[place]) for place, gtin in enumerate(shop.gtins)},
        tuple(measures(shop)),
        tuple(shop.size_px.tolist()),
        tuple(f"{name}/{number}" for number in shop.event.tolist()),
        tuple(f"{name}/{number}" for number in shop.picture.tolist()),
        {
            "where": tuple("hand" if held else "shelf" for held in shop.held.tolist()),
            SIZE.name: _named(SIZE, shop.size_px),
            TURNED.name: _named(TURNED, shop.turned_deg),
            SEEN.name: _named(SEEN, shop.visible_share),
        },
    )


def measures(shop: PackageSet) -> list[Measured]:
    """What a shop's cameras know of its packages' sizes: the box as a detector would find it, some hundredths and about
    a pixel off on each side; how a package stands on a shelf, but not in a hand.
    """
    rng = np.random.default_rng(0)
    boxes = shop.xyxy[:, 2:] - shop.xyxy[:, :2]
    noise = rng.normal(0.0, 1.0, boxes.shape) * np.hypot(_BOX_SHARE * boxes, _BOX_PX)
    boxes = np.maximum(boxes + noise, 1.0)
    scales = np.linalg.norm(shop.axes, axis=(1, 2)) / 2**0.5  # whichever way a package is turned
    return [
        Measured(float(scale), (float(box[0]), float(box[1])), None if held else axes)
        for scale, box, held, axes in zip(scales, boxes, shop.held, shop.axes, strict=True)
    ]


def _three(values: NDArray[np.floating]) -> tuple[float, float, float]:
    a, b, c = values.tolist()
    return (a, b, c)


def _named(slicing: Slicing, values: NDArray[np.floating]) -> tuple[str, ...]:
    return tuple(slicing.labels[place] if place >= 0 else "" for place in slicing.of(values).tolist())


def is_simulated(folder: Path) -> bool:
    """Whether a folder holds runs of `aisle simulate`."""
    return bool(runs(folder))


def left_out(gtins: Sequence[str], draw: int, share: float) -> list[str]:
    """The products that stay enrolled when a ``share`` of them (8 of 31 for .25) is left out, by the draw's number."""
    rng = np.random.default_rng([draw, 31])
    out = set(rng.permutation(len(gtins))[: round(share * len(gtins))].tolist())
    return [gtin for place, gtin in enumerate(gtins) if place not in out]
