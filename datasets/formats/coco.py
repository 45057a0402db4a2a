"""COCO's annotation files: boxes, masks as run lengths, the 17 keypoints of a person.

https://cocodataset.org/#format-data. Boxes are ``[left, top, width, height]`` in pixels; keypoints are flat triples
``x, y, v`` with v 0 (not labelled), 1 (labelled, hidden) or 2 (visible). Fields that COCO does not know may be added.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
# Pairs of places in KEYPOINTS, from 1 as COCO counts them.
SKELETON = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10), (9, 11),
    (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip


class CocoFileError(ValueError):
    """A COCO file cannot be read; the message names the file and what is wrong in it."""


class RunLengths(TypedDict):
    """A mask: ``size`` [height, width], ``counts`` COCO's compressed run lengths down the columns."""

    size: list[int]
    counts: str


class CocoImage(TypedDict):
    """One picture; ``captured_at`` seconds since 1970 in UTC, ``frame_index`` from 0 in a video."""

    id: int
    file_name: str
    width: int
    height: int
    frame_index: NotRequired[int]
    captured_at: NotRequired[float]
    stamped_at: NotRequired[float]


class CocoAnnotation(TypedDict):
    """One object in one picture.

    ``bbox`` bounds what is seen; ``bbox_full`` the whole object and may exceed the picture; ``visible_share`` is seen
    area by whole area; ``xy_m`` where the object stands on the floor in metres.
    """

    id: int
    image_id: int
    category_id: int
    bbox: list[float]
    area: float
    iscrowd: int
    segmentation: NotRequired[RunLengths]
    keypoints: NotRequired[list[float]]
    num_keypoints: NotRequired[int]
    track_id: NotRequired[str]
    bbox_full: NotRequired[list[float]]
    visible_share: NotRequired[float]
    xy_m: NotRequired[list[float]]


PERSON: dict[str, Any] = {
    "id": 1,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(KEYPOINTS),
    "skeleton": [list(pair) for pair in SKELETON],
}


@dataclass(frozen=True, eq=False)
class CocoDataset:
    """What one file holds."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: list[dict[str, Any]] = field(default_factory=lambda: [PERSON])
    info: dict[str, Any] = field(default_factory=dict)
    licenses: list[dict[str, Any]] = field(default_factory=list)

    def by_image(self) -> dict[int, list[CocoAnnotation]]:
        """The annotations of every image id, those without any included."""
        found: dict[int, list[CocoAnnotation]] = {image["id"]: [] for image in self.images}
        for annotation in self.annotations:
            found[annotation["image_id"]].append(annotation)
        return found


def write_coco(path: Path, dataset: CocoDataset) -> None:
    """Write a dataset as compact JSON, the same bytes for the same dataset."""
    document = {
        "info": dataset.info,
        "licenses": dataset.licenses,
        "categories": dataset.categories,
        "images": dataset.images,
        "annotations": dataset.annotations,
    }
    path.write_text(json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n", encoding="utf-8")


def read_coco(path: Path) -> CocoDataset:
    """Read a file, whoever wrote it.

    Raises ``CocoFileError`` for a file that cannot be read, lacks a part, names an image or category that is not in
    it, or gives an id twice.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CocoFileError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise CocoFileError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(document, dict):
        raise CocoFileError(f"{path}: expected an object with images and annotations, found {type(document).__name__}")
    missing = [part for part in ("images", "annotations", "categories") if not isinstance(document.get(part), list)]
    if missing:
        raise CocoFileError(f"{path}: no list of {', '.join(missing)}")
    ids: dict[str, set[Any]] = {}
    for part, wanted in (
        ("images", ("id", "file_name", "width", "height")),
        ("categories", ("id", "name")),
        ("annotations", ("id", "image_id", "category_id", "bbox")),
    ):
        for place, entry in enumerate(document[part]):
            lacking = [name for name in wanted if name not in entry]
            if lacking:
                raise CocoFileError(f"{path}: number {place + 1} of its {part} has no {', '.join(lacking)}")
        ids[part] = {entry["id"] for entry in document[part]}
        if len(ids[part]) < len(document[part]):
            (twice, _), *_ = Counter(entry["id"] for entry in document[part]).most_common(1)
            raise CocoFileError(f"{path}: two of its {part} have the id {twice}")
    for entry in document["annotations"]:
        for name, part in (("image_id", "images"), ("category_id", "categories")):
            if entry[name] not in ids[part]:
                raise CocoFileError(f"{path}: annotation {entry['id']} names {name} {entry[name]}, which is not there")
        if len(entry["bbox"]) != 4:
            raise CocoFileError(f"{path}: annotation {entry['id']} needs 4 numbers in bbox, has {len(entry['bbox'])}")
    parts = document["images"], document["annotations"], document["categories"]
    return CocoDataset(*parts, document.get("info") or {}, document.get("licenses") or [])


def encode_mask(mask: NDArray[np.bool_] | NDArray[np.uint8]) -> RunLengths:
    """A mask (H, W), seen where it is not 0, as run lengths."""
    return encode_columns(np.ascontiguousarray(np.asarray(mask).T != 0), 0, mask.shape[1])


def encode_columns(columns: NDArray[np.bool_], left: int, width: int) -> RunLengths:
    """Run lengths of a mask from some of its columns: bool (k, H), from ``left`` on, of a picture ``width`` wide.

    Outside these columns nothing is set. To look at these alone is many times quicker than at the whole picture.
    """
    from faster_coco_eval.core import mask as coding

    height = columns.shape[1]
    flat = columns.ravel()
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if len(flat) and flat[0]:
        starts = np.concatenate([[0], starts])
    edges = np.concatenate([[0], starts + left * height, [width * height]])
    counts = np.diff(edges)
    if len(flat) and flat[-1] and edges[-2] < (end := left * height + len(flat)) < width * height:
        counts = np.concatenate([counts[:-1], [end - edges[-2], width * height - end]])
    size = [height, width]
    encoded = coding.frPyObjects({"counts": counts.tolist(), "size": size}, height, width)
    return {"size": size, "counts": _text(encoded["counts"])}


def decode_mask(lengths: RunLengths) -> NDArray[np.bool_]:
    """The mask (H, W) of run lengths."""
    from faster_coco_eval.core import mask as coding

    packed = {"size": lengths["size"], "counts": lengths["counts"].encode("ascii")}
    return np.asarray(coding.decode(packed), dtype=np.bool_)


def _text(counts: bytes | str) -> str:
    return counts.decode("ascii") if isinstance(counts, bytes) else counts
