"""Calibration boards: ChArUco boards and grids of AprilTags, described in a word, found in pictures, drawn to print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.calibration.errors import BadBoardError

Float = NDArray[np.float64]
Gray = NDArray[np.uint8]

FORMS: Final = (
    "7x5:0.04:0.03[:4X4_50] (columns x rows : square : marker, metres) or apriltag:6x4:0.08:0.02[:36H11] (tag : gap)"
)
_SHAPE: Final = re.compile(r"(?:(charuco|apriltag):)?(\d+)x(\d+):([0-9.]+):([0-9.]+)(?::(\w+))?", re.IGNORECASE)
_DEFAULT: Final = {"charuco": "4X4_50", "apriltag": "36H11"}


@dataclass(frozen=True)
class Board:
    """A board of ``columns`` by ``rows``.

    ``charuco``: chess squares of ``pitch_m`` with markers of ``marker_m`` in the white ones. ``apriltag``: tags of
    ``marker_m`` every ``pitch_m``. Coordinates (x, y) of the board: metres from its printed upper left corner, x to
    the right, y down. ``legacy`` is a ChArUco board as OpenCV before 4.6 drew it.
    """

    kind: Literal["charuco", "apriltag"]
    columns: int
    rows: int
    pitch_m: float
    marker_m: float
    dictionary: str
    legacy: bool = False

    @classmethod
    def parse(cls, text: str) -> Board:
        """Read ``7x5:0.04:0.03`` and the like. Raises ``BadBoardError``."""
        found = _SHAPE.fullmatch(text.strip())
        if found is None:
            raise BadBoardError(f"board {text!r} is not understood; expected {FORMS}")
        kind: Any = (found[1] or "charuco").lower()
        try:
            first, second = float(found[4]), float(found[5])
        except ValueError:
            raise BadBoardError(f"board {text!r}: {found[4]} or {found[5]} is no number of metres") from None
        pitch, marker = (first, second) if kind == "charuco" else (first + second, first)
        return cls(kind, int(found[2]), int(found[3]), pitch, marker, (found[6] or _DEFAULT[kind]).upper())

    def __post_init__(self) -> None:
        if not 2 <= self.columns <= 40 or not 2 <= self.rows <= 40 or self.columns * self.rows < 6:
            raise BadBoardError(f"a board of {self.columns}x{self.rows} is too small or too large; 7x5 is usual")
        if not 0.002 <= self.marker_m < self.pitch_m <= 2.0:
            raise BadBoardError(
                f"a marker of {self.marker_m:g} m does not fit into squares of {self.pitch_m:g} m; both are metres, "
                "the marker the smaller"
            )
        if dictionary_number(self.dictionary) is None:
            raise BadBoardError(f"no dictionary {self.dictionary!r}; there are: {', '.join(dictionaries())}")
        need, there = self.markers, len(self._dictionary.bytesList)
        if need > there:
            raise BadBoardError(f"a board of {need} markers needs a larger dictionary than {self.dictionary} ({there})")

    @property
    def markers(self) -> int:
        """How many markers the board has."""
        cells = self.columns * self.rows
        return cells // 2 if self.kind == "charuco" else cells

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of what is printed."""
        gap = 0.0 if self.kind == "charuco" else self.pitch_m - self.marker_m
        return self.columns * self.pitch_m - gap, self.rows * self.pitch_m - gap

    @property
    def said(self) -> str:
        """The board as it is written on the command line."""
        first, second = self.pitch_m, self.marker_m
        kind = ""
        if self.kind == "apriltag":
            first, second, kind = self.marker_m, self.pitch_m - self.marker_m, "apriltag:"
        return f"{kind}{self.columns}x{self.rows}:{first:g}:{second:g}:{self.dictionary}"

    @cached_property
    def points(self) -> Float:
        """The points (k, 2) that are found in pictures: inner chess corners, or tags' corners."""
        if self.kind == "charuco":
            return np.asarray(self.made.getChessboardCorners(), np.float64)[:, :2]
        return np.concatenate([np.asarray(each, np.float64)[:, :2] for each in self.made.getObjPoints()])

    @cached_property
    def made(self) -> Any:
        """OpenCV's board."""
        size, words = (self.columns, self.rows), self._dictionary
        if self.kind == "charuco":
            board = cv2.aruco.CharucoBoard(size, self.pitch_m, self.marker_m, words)
            board.setLegacyPattern(self.legacy)
            return board
        return cv2.aruco.GridBoard(size, self.marker_m, self.pitch_m - self.marker_m, words)

    @cached_property
    def _dictionary(self) -> Any:
        number = dictionary_number(self.dictionary)
        assert number is not None
        return cv2.aruco.getPredefinedDictionary(number)

    def draw(self, px_per_m: float, margin_m: float = 0.0) -> Gray:
        """The board uint8 (H, W), with a white margin, upper left corner first."""
        width, height = (round(side * px_per_m) for side in self.size_m)
        plain = np.asarray(self.made.generateImage((width, height), marginSize=0, borderBits=1), np.uint8)
        rim = round(margin_m * px_per_m)
        return np.asarray(cv2.copyMakeBorder(plain, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=255), np.uint8)

    def on_floor(self, x_m: float, y_m: float, heading_deg: float) -> Float:
        """The points (k, 3) in the shop of a board that lies face up: its printed upper left corner at (x, y), its
        upper edge running along the heading (0 is +x, counter-clockwise).
        """
        turn = np.radians(heading_deg)
        along, down = np.array([np.cos(turn), np.sin(turn)]), np.array([np.sin(turn), -np.cos(turn)])
        xy = np.array([x_m, y_m]) + self.points[:, :1] * along + self.points[:, 1:] * down
        return np.column_stack([xy, np.zeros(len(xy))])


def dictionaries() -> tuple[str, ...]:
    """The names of the dictionaries of markers."""
    names = {name.removeprefix("DICT_").removeprefix("APRILTAG_").upper() for name in dir(cv2.aruco) if "DICT_" in name}
    return tuple(sorted(names))


def dictionary_number(name: str) -> int | None:
    """OpenCV's number of a dictionary by its name here, None where there is none. The first one is 0."""
    for each in (f"DICT_{name}", f"DICT_APRILTAG_{name}"):
        number = getattr(cv2.aruco, each, None)
        if number is not None:
            return int(number)
    return None
