"""Datasets of `aisle simulate`: ``runs/RUN/cameras/NAME/`` with ``coco.json`` beside a video or ``frames/``.

Boxes bound what is seen of people. A seed's people play in all of its runs, so that a person here is who looks the same
with the same seed, not a visit; a shop is a plan and a seed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from datasets.formats.coco import KEYPOINTS, read_coco
from datasets.formats.coco_folder import coco_samples
from datasets.formats.files import stated_licence
from datasets.manifest import Manifest, read_manifest
from datasets.sample import DatasetFileError, OnFault, Sample, refuse

RUN: Final = "run.json"
EXPECTED: Final = "a simulated dataset: runs/RUN/run.json and runs/RUN/cameras/NAME/coco.json"


def runs(folder: Path) -> list[Path]:
    """The finished runs of a simulated dataset; none if it is not one."""
    return sorted(path.parent for path in folder.glob(f"runs/[!.]*/{RUN}"))


@dataclass(frozen=True)
class SimulatedDataset:
    """The simulated dataset at ``folder``. Raises ``CocoFileError``, ``ManifestError`` and ``DatasetFileError``."""

    folder: Path
    kind: str = field(default="simulated", init=False)
    classes: tuple[str, ...] = field(default=("person",), init=False)
    keypoint_names: tuple[str, ...] = field(default=KEYPOINTS, init=False)

    @cached_property
    def _runs(self) -> list[tuple[Path, Manifest]]:
        return [(path, read_manifest(path, RUN)) for path in runs(self.folder)]

    @property
    def licence(self) -> str:
        """What the dataset's manifest says, or while there is none its runs'."""
        return stated_licence(self.folder) or next((manifest.licence for _, manifest in self._runs), "")

    def __len__(self) -> int:
        return sum(int(manifest.counts["pictures"]) for _, manifest in self._runs)

    def samples(self, on_fault: OnFault = refuse) -> Iterator[Sample]:
        """Every picture by run and camera."""
        for run, manifest in self._runs:
            settings = manifest.made.get("settings", {})
            seed, plan = str(settings.get("seed", "")), str(settings.get("plan_sha256", ""))[:12]
            people = {one["track_id"]: f"seed {seed}, {_looks(one)}" for one in _people(run)}
            groups = {
                "run": (run.name,),
                "seed": (seed,),
                "shop": (f"plan {plan}, seed {seed}",),
                "scenario": (str(settings.get("scenario", "")),),
            }
            for camera in sorted((run / "cameras").glob("*/coco.json")):
                yield from coco_samples(
                    read_coco(camera),
                    [camera.parent],
                    self.folder,
                    len(KEYPOINTS),
                    sequence=f"{run.name}/{camera.parent.name}",
                    groups=groups | {"camera": (f"plan {plan}, {camera.parent.name}",)},
                    person_of=people,
                    on_fault=on_fault,
                )


def _people(run: Path) -> list[dict[str, Any]]:
    path = run / "people.json"
    try:
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return [one for one in found if one["track_id"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetFileError(f"{path} is no list of people ({error})") from None


def _looks(one: dict[str, Any]) -> str:
    return f"{one.get('top', '')}, {one.get('bottom', '')}, {one.get('height_m', '')} m"
