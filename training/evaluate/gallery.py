"""The worst mistakes as pictures: one HTML file that needs nothing else, in the light or dark of who reads it."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

Kind = Literal["truth", "found", "wrong"]
TRUTH: Final[Kind] = "truth"
FOUND: Final[Kind] = "found"
WRONG: Final[Kind] = "wrong"
_LARGEST: Final = 480  # pixels of the longer side that a picture is shown with


@dataclass(frozen=True, slots=True)
class Mark:
    """A box ``xyxy`` or points (k, 2) in pixels of the picture they lie on, and a word beside them."""

    kind: Kind
    xyxy: tuple[float, float, float, float] | None = None
    points: tuple[tuple[float, float], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture, uint8 (H, W, 3) BGR, with marks and a line below."""

    image: Image
    caption: str = ""
    marks: tuple[Mark, ...] = ()

    def cropped(self, xyxy: tuple[float, float, float, float], margin: float = 0.6) -> Shown:
        """The part around a box, with ``margin`` of its larger side on each side, within the picture."""
        wide = margin * max(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1], 8.0)
        height, width = self.image.shape[:2]
        left, top = (int(np.clip(v - wide, 0, m - 1)) for v, m in ((xyxy[0], width), (xyxy[1], height)))
        right, bottom = (
            int(np.clip(np.ceil(v + wide), low + 1, m))
            for v, low, m in ((xyxy[2], left, width), (xyxy[3], top, height))
        )
        marks = tuple(
            Mark(
                mark.kind,
                None
                if mark.xyxy is None
                else (mark.xyxy[0] - left, mark.xyxy[1] - top, mark.xyxy[2] - left, mark.xyxy[3] - top),
                tuple((x - left, y - top) for x, y in mark.points),
                mark.text,
            )
            for mark in self.marks
        )
        return Shown(np.ascontiguousarray(self.image[top:bottom, left:right]), self.caption, marks)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One or more pictures side by side, and what is wrong with them. ``cost`` sorts: the worst first."""

    what: str
    pictures: tuple[Shown, ...]
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Section:
    """Mistakes of one kind; ``count`` is how many there are where only some are given."""

    title: str
    text: str
    mistakes: Sequence[Mistake] = field(default_factory=tuple)
    count: int | None = None


class Worst:
    """Keeps the ``most`` costly mistakes of many and counts all, so that pictures need not be kept for the others."""

    def __init__(self, most: int = 24) -> None:
        self.count = 0
        self._most = most
        self._kept: list[tuple[float, int, Mistake]] = []

    def add(self, cost: float, make: Callable[[], Mistake]) -> None:
        """Count a mistake; ``make`` is called if it is among the worst so far."""
        self.count += 1
        entry = (cost, -self.count)
        if len(self._kept) == self._most and entry <= self._kept[0][:2]:
            return
        push = heapq.heappush if len(self._kept) < self._most else heapq.heappushpop
        push(self._kept, (*entry, make()))

    @property
    def mistakes(self) -> list[Mistake]:
        """The worst first; of equal cost the one that came first."""
        return [mistake for _, _, mistake in sorted(self._kept, reverse=True)]


def write_gallery(
    path: Path, title: str, text: str, sections: Sequence[Section], *, figures: Mapping[str, str] | None = None,
    most: int = 24,
) -> None:  # fmt: skip
    """Write the page: of each section the ``most`` costly mistakes. ``figures`` are shown on top, by name."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("training.evaluate", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    shown = [
        {
            "title": section.title,
            "text": section.text,
            "count": len(section.mistakes) if section.count is None else section.count,
            "mistakes": [_mistake(each) for each in sorted(section.mistakes, key=lambda m: -m.cost)[:most]],
        }
        for section in sections
    ]
    page = environment.get_template("gallery.html").render(
        title=title, text=text, figures=dict(figures or {}), sections=shown
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _mistake(mistake: Mistake) -> dict[str, Any]:
    return {"what": mistake.what, "pictures": [_picture(each) for each in mistake.pictures]}


def _picture(shown: Shown) -> dict[str, Any]:
    """The picture as a data address, and its marks in pixels of the original."""
    import cv2

    height, width = shown.image.shape[:2]
    scale = _LARGEST / max(height, width)
    image: Any = shown.image
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    marks = [
        {
            "kind": mark.kind,
            "box": None if mark.xyxy is None else _box(mark.xyxy),
            "points": [(round(x, 1), round(y, 1)) for x, y in mark.points],
            "text": mark.text,
        }
        for mark in shown.marks
    ]
    source = f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"
    return {"source": source, "width": width, "height": height, "caption": shown.caption, "marks": marks}


def _box(xyxy: tuple[float, float, float, float]) -> dict[str, float]:
    x1, y1, x2, y2 = xyxy
    sides = {"x": x1, "y": y1, "width": max(x2 - x1, 0.0), "height": max(y2 - y1, 0.0)}
    return {name: round(float(value), 1) for name, value in sides.items()}
