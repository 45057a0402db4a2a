"""The pictures of people in a simulated dataset, each with its vectors by one embedder or several."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cameras import open_source
from datasets.formats.coco import CocoFileError, read_coco
from models.persons import pictures_of

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Image = NDArray[np.uint8]

BOX_NOISE: Final = 0.04  # a box's edges are moved by a normal error of this share of its side
LEAST_VISIBLE: Final = 0.1  # of a body, of pictures that are looked at
LEAST_PX: Final = 24.0  # a box's height
THUMBNAIL: Final = (48, 96)
_MIDDLE_M: Final = 0.9  # of a body, over the floor


class Embedder(Protocol):
    """Turns boxes into vectors."""

    def embed(self, image: Image, xyxy: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Unit vectors (n, d) of boxes (n, 4) of a uint8 (H, W, 3) BGR image."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class RunPictures:
    """The n pictures of people in one run of ``visitors`` people.

    ``camera`` int (n,) into ``cameras``, ``person`` int (n,), ``time_s`` (n,) in UTC, ``visible`` (n,) share of the
    body, ``height_px`` (n,) of the box, ``angle_deg`` (n,) between straight down and the ray to the person's middle: 0
    is straight overhead, 90 level. ``thumbnail`` uint8 (n, 96, 48, 3) RGB; ``vectors`` (n, d) by the embedder's name.
    """

    run: str
    visitors: int
    cameras: tuple[str, ...]
    camera: Int
    person: Int
    time_s: Float
    visible: Float
    height_px: Float
    angle_deg: Float
    thumbnail: Image
    vectors: Mapping[str, Float]

    def __len__(self) -> int:
        return len(self.camera)

    def __getitem__(self, rows: NDArray[np.bool_]) -> RunPictures:
        """Those of a mask (n,)."""
        whole = {name: getattr(self, name) for name in ("run", "visitors", "cameras")}
        parts = {
            field.name: getattr(self, field.name)[rows]
            for field in fields(self)
            if field.name not in whole and field.name != "vectors"
        }
        return RunPictures(**whole, **parts, vectors={name: each[rows] for name, each in self.vectors.items()})


def gather(
    folder: Path,
    embedders: Mapping[str, Embedder],
    *,
    every: int = 1,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[RunPictures]:
    """The people of each run in a dataset of ``aisle simulate``, in every ``every``-th picture of each camera.

    ``seed`` draws the boxes' errors. Raises ``CocoFileError`` where ``folder`` holds no run with two cameras or more,
    and ``CameraError``.
    """
    runs = [path for path in sorted(folder.glob("runs/[!.]*")) or [folder] if len(_truths(path)) > 1]
    if not runs:
        raise CocoFileError(
            f"{folder}: no simulated dataset with two cameras or more (runs/RUN/cameras/NAME/coco.json)"
        )
    total = sum(len(_truths(run)) for run in runs)
    done = 0
    for number, run in enumerate(runs):
        calibration = _json(run / "calibration.json")
        people = {one["track_id"]: place for place, one in enumerate(_json(run / "people.json"))}
        truths = _truths(run)
        parts: list[dict[str, Any]] = []
        for camera, path in enumerate(truths):
            rng = np.random.default_rng([seed, number, camera])
            position = np.array(calibration[path.parent.name]["position"])
            parts += [part | {"camera": np.full(len(part["person"]), camera, np.int64)}
                      for part in _of_camera(path, people, position, embedders, every, rng)]  # fmt: skip
            done += 1
            progress(done, total)
        if not parts:
            continue
        names = tuple(path.parent.name for path in truths)
        vectors = {name: np.concatenate([part["vectors"][name] for part in parts]) for name in embedders}
        merged = {key: np.concatenate([part[key] for part in parts]) for key in parts[0] if key != "vectors"}
        yield RunPictures(run=run.name, visitors=len(people), cameras=names, vectors=vectors, **merged)


def _truths(run: Path) -> list[Path]:
    return sorted(run.glob("cameras/*/coco.json"))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CocoFileError(f"{path} cannot be read ({error}): the dataset is not whole") from None


def _of_camera(
    path: Path,
    people: Mapping[str, int],
    position: Float,
    embedders: Mapping[str, Embedder],
    every: int,
    rng: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """What is known of the people in each picture of a camera in which there are any."""
    dataset = read_coco(path)
    annotations = dataset.by_image()
    video = path.parent / f"{path.parent.name}.mp4"
    with open_source(str(video if video.exists() else path.parent / "frames")) as source:
        for frame, image in zip(source, dataset.images, strict=False):
            if frame.index % every:
                continue
            seen = [
                one
                for one in annotations[image["id"]]
                if one["visible_share"] >= LEAST_VISIBLE and one["bbox"][3] >= LEAST_PX and one["track_id"] in people
            ]
            if not seen:
                continue
            xywh = np.array([one["bbox"] for one in seen], np.float64)
            noise = BOX_NOISE * rng.standard_normal((len(seen), 4)) * xywh[:, [2, 3, 2, 3]]
            boxes = (np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1) + noise).astype(np.float32)
            xy = np.array([one["xy_m"] for one in seen], np.float64)
            away = np.linalg.norm(position[:2] - xy, axis=1)
            yield {
                "person": np.array([people[one["track_id"]] for one in seen], np.int64),
                "time_s": np.full(len(seen), image["captured_at"], np.float64),
                "visible": np.array([one["visible_share"] for one in seen], np.float64),
                "height_px": xywh[:, 3],
                "angle_deg": np.degrees(np.arctan2(away, position[2] - _MIDDLE_M)),
                "thumbnail": pictures_of(frame.image, boxes, THUMBNAIL),
                "vectors": {
                    name: each.embed(frame.image, boxes).astype(np.float64) for name, each in embedders.items()
                },
            }
