"""One picture with all that is known about it, whatever the format of the dataset it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from datasets.pictures import Picture, PictureError

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class DatasetFileError(ValueError):
    """A dataset's folder or one of its files is not as its format wants it; the message says what and where."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A picture and its n objects.

    ``name`` is unique in its dataset and stays the same from one reading to the next. ``size`` (width, height) pixels.
    ``xyxy`` float64 (n, 4) pixels; a photo that shows one product has a box over all of it. ``label`` int64 (n,) places
    in the dataset's ``classes``. ``keypoints`` float64 (n, k, 3): x, y and COCO's visibility 0, 1 or 2; None without.
    ``ignored`` bool (n,): neither an object to find nor background (COCO's crowds, MOT's flag 0). ``track_id`` and
    ``person`` n names each, "" where unknown, or nothing: of the same object in a sequence, and of the same person in
    all sequences. ``details`` n mappings of what else COCO files say of an object, or nothing. ``sequence`` "" for a
    picture of its own, else the name of the footage of which it is frame ``frame``, from 0. ``split`` "" if in none.
    ``groups`` what the whole picture belongs to: run, shop, camera, product ..., each by name.

    Raises ``ValueError`` naming the field whose shape is wrong.
    """

    name: str
    picture: Picture
    size: tuple[int, int]
    xyxy: NDArray[np.float64]
    label: NDArray[np.int64]
    keypoints: NDArray[np.float64] | None = None
    ignored: NDArray[np.bool_] | None = None
    track_id: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()
    sequence: str = ""
    frame: int = 0
    split: str = ""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        n = len(self.label)
        if self.xyxy.shape != (n, 4):
            raise ValueError(f"{self.name}: expected xyxy ({n}, 4), got {self.xyxy.shape}")
        if self.keypoints is not None and (self.keypoints.ndim != 3 or self.keypoints.shape[::2] != (n, 3)):
            raise ValueError(f"{self.name}: expected keypoints ({n}, k, 3), got {self.keypoints.shape}")
        if self.ignored is not None and self.ignored.shape != (n,):
            raise ValueError(f"{self.name}: expected ignored ({n},), got {self.ignored.shape}")
        for what in ("track_id", "person", "details"):
            if len(getattr(self, what)) not in (0, n):
                raise ValueError(f"{self.name}: expected {n} of {what} or none, got {len(getattr(self, what))}")

    def __len__(self) -> int:
        return len(self.label)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Which objects are to be found, (n,)."""
        return np.ones(len(self), np.bool_) if self.ignored is None else np.logical_not(self.ignored)

    def values(self, key: str) -> tuple[str, ...]:
        """What this picture belongs to by ``key``: "picture", "person" (all that it shows), or a name in ``groups``."""
        if key == "picture":
            return (self.name,)
        if key == "person" and self.person:
            return tuple(sorted({person for person in self.person if person}))
        return self.groups.get(key, ())

    def take(self, kept: NDArray[np.bool_]) -> Sample:
        """The same picture with only the objects of ``kept`` (n,)."""
        places = np.flatnonzero(kept).tolist()
        return replace(
            self,
            xyxy=self.xyxy[kept],
            label=self.label[kept],
            keypoints=None if self.keypoints is None else self.keypoints[kept],
            ignored=None if self.ignored is None else self.ignored[kept],
            track_id=tuple(self.track_id[place] for place in places) if self.track_id else (),
            person=tuple(self.person[place] for place in places) if self.person else (),
            details=tuple(self.details[place] for place in places) if self.details else (),
        )

    def inside(self) -> Sample:
        """The same cut at the picture's edges: without boxes that are then empty, points outside all 0."""
        width, height = self.size
        cut = self.xyxy.clip(0, [width, height, width, height])
        keypoints = self.keypoints
        if keypoints is not None:
            x, y = keypoints[..., 0], keypoints[..., 1]
            seen = (keypoints[..., 2] > 0) & (x >= 0) & (y >= 0) & (x <= width) & (y <= height)
            keypoints = np.where(seen[..., None], keypoints, 0.0)
        return replace(self, xyxy=cut, keypoints=keypoints).take(np.all(cut[:, 2:] > cut[:, :2], axis=1))


OnFault = Callable[[str, str | PictureError], None]


def refuse(where: str, fault: str | PictureError) -> NoReturn:
    """The way to take a fault that ends the reading. Raises ``DatasetFileError``."""
    raise DatasetFileError(f"{where}: {fault}")


class Dataset(Protocol):
    """A dataset of any format, open for reading."""

    @property
    def kind(self) -> str:
        """The format's name: coco, yolo, mot, simulated, reviews or photos."""
        ...

    @property
    def folder(self) -> Path:
        """Where it is."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of labels."""
        ...

    @property
    def keypoint_names(self) -> tuple[str, ...]:
        """The names of the keypoints; empty without any."""
        ...

    @property
    def licence(self) -> str:
        """Who may use it, where the dataset says so."""
        ...

    def __len__(self) -> int:
        """How many pictures there are."""
        ...

    def samples(self, on_fault: OnFault = refuse) -> Iterator[Sample]:
        """Every picture in a fixed order, decoded only when its pixels are asked for.

        ``on_fault`` is told where something is wrong with one picture (a ``PictureError``) or label (a text), and what;
        if it returns, that picture or label is left out. By default it raises ``DatasetFileError``.
        """
        ...
