"""Clips for those who review: the moments around a reach, blurred, cut to where to look, and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.frame import Frame
from store.evidence import Box, EvidencePicture, EvidenceStore, Marked
from vision.blur import FaceFinder, PictureBlur
from vision.blurred import BlurredPicture, Image
from vision.jpeg import encode_jpeg

Float = NDArray[np.float32]

LONGEST_PX: Final = 320
"""No side of a kept picture is longer."""
_QUALITY: Final = 82
_AROUND: Final = 1.0  # of the focus' longer side, on each side of it
_LEAST_SHARE: Final = 0.35  # of the picture's shorter side: a hand alone tells nothing


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A picture that shows what happened.

    ``image`` uint8 (H, W, 3) BGR as the camera gave it; ``people`` (n, 4) the boxes of everybody in it, in pixels,
    weak detections too: their heads are blurred, and every face that is found. ``focus`` x1, y1, x2, y2 is where to
    look (None: the whole picture is kept), ``marks`` by track id the boxes of those who may have done it.
    """

    camera: str
    captured_at: float
    image: Image
    people: Float = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    focus: Box | None = None
    marks: Mapping[str, Box] = field(default_factory=dict)


class EvidenceWriter:
    """Blurs, cuts and keeps shots. No picture reaches the store on another way.

    Of more than ``most`` shots the clip has some that are spread over time. One object is for one thread.
    """

    def __init__(self, store: EvidenceStore, faces: FaceFinder, *, most: int = 8) -> None:
        self._store = store
        # Of its own: these pictures are past, and a live view's memory of heads is of now.
        self._blur = PictureBlur(faces, hold_s=1.0)
        self._most = most

    def keep(self, id: str, shots: Sequence[Shot]) -> str:
        """Keep a clip under ``id`` and return that, for the event's ``evidence``.

        Raises ``store.evidence.EvidenceError`` for an id that is no plain name, and for no shot at all.
        """
        self._blur.reset()
        chosen = _spread(sorted(shots, key=lambda shot: (shot.captured_at, shot.camera)), self._most)
        self._store.write(id, [self._kept(number, shot) for number, shot in enumerate(chosen)])
        return id

    def _kept(self, number: int, shot: Shot) -> tuple[EvidencePicture, bytes]:
        whole = self._blur.blur(Frame(shot.camera, number, shot.captured_at, shot.image), shot.people)
        region = _region(shot.focus, whole.size)
        cut = whole.cropped(region, LONGEST_PX)
        about = EvidencePicture(
            camera=shot.camera,
            captured_at=shot.captured_at,
            size=cut.size,
            focus=None if shot.focus is None else _inside(shot.focus, region, cut),
            people=tuple(
                Marked(track_id=name, xyxy=inside)
                for name, box in shot.marks.items()
                if (inside := _inside(box, region, cut))[2] > inside[0] and inside[3] > inside[1]
            ),
        )
        return about, encode_jpeg(cut, _QUALITY)


def _spread(shots: Sequence[Shot], most: int) -> list[Shot]:
    if len(shots) <= most:
        return list(shots)
    return [shots[place] for place in np.linspace(0, len(shots) - 1, most).round().astype(int).tolist()]


def _region(focus: Box | None, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A square around ``focus`` that lies in the picture as far as it fits, whole pixels."""
    if focus is None:
        return 0, 0, *size
    side = max(focus[2] - focus[0], focus[3] - focus[1])
    side = min(max(side * (1 + 2 * _AROUND), _LEAST_SHARE * min(size)), max(size))
    corners = []
    for axis in (0, 1):
        length = min(side, size[axis])
        start = (focus[axis] + focus[axis + 2]) / 2 - length / 2
        start = min(max(start, 0.0), size[axis] - length)
        corners.append((int(start), min(size[axis], int(np.ceil(start + length)))))
    (x1, x2), (y1, y2) = corners
    return x1, y1, x2, y2


def _inside(box: Box, region: tuple[int, int, int, int], cut: BlurredPicture) -> Box:
    """A box of the whole picture in the pixels of what was cut out, as far as it lies there."""
    scale = np.array(cut.size) / (region[2] - region[0], region[3] - region[1])
    corners = (np.reshape(box, (2, 2)) - region[:2]) * scale
    low, high = np.clip(corners, 0, cut.size).round(1).tolist()
    return low[0], low[1], high[0], high[1]
