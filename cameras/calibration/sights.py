"""The board in single pictures: which of its points are seen where, how sharply, and why none were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.calibration.boards import Board, dictionaries, dictionary_number
from cameras.calibration.errors import BoardNotFoundError, WrongBoardError
from cameras.frame import Frame

Float = NDArray[np.float64]
Gray = NDArray[np.uint8]

LEAST_POINTS: Final = 6
_BENT: Final = 0.12  # of a square: points further from where a plane board would have them are another board's
_ALL: Final = 0.7  # of the board's points are enough
_TRIED: Final = 6  # pictures in which other boards are looked for
_LIKELY: Final = (
    "4X4_50",
    "4X4_250",
    "5X5_100",
    "5X5_250",
    "6X6_250",
    "7X7_50",
    "ARUCO_ORIGINAL",
    "36H11",
    "25H9",
    "16H5",
)


@dataclass(frozen=True, eq=False)
class Sight:
    """The board in one picture: ``ids`` int (k,) into ``Board.points``, ``xy`` (k, 2) pixels, ``sharpness`` per pixel
    (the reciprocal of an edge's width).
    """

    index: int
    time_s: float
    ids: NDArray[np.int64]
    xy: Float
    sharpness: float


class BoardFinder:
    """Finds one board in pictures, and gathers what tells a wrong description from an absent board."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.pictures = 0
        self._markers: Counter[int] = Counter()
        self._bent = 0
        self._kept: list[Gray] = []
        refined = cv2.aruco.DetectorParameters()
        refined.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
        refined.relativeCornerRefinmentWinSize = 0.2
        if board.kind == "charuco":
            self._detector: Any = cv2.aruco.CharucoDetector(
                board.made, cv2.aruco.CharucoParameters(), refined, cv2.aruco.RefineParameters()
            )
        else:
            self._detector = cv2.aruco.ArucoDetector(board.made.getDictionary(), refined)

    def find(self, image: NDArray[np.uint8], index: int, time_s: float) -> Sight | None:
        """The board in ``image`` uint8 (H, W, 3) or (H, W), None where fewer than six of its points are seen."""
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image, np.uint8)
        self.pictures += 1
        ids, xy, markers = self._points(gray)
        if len(ids) < _ALL * len(self.board.points):
            # Markers far away are read from a larger picture.
            larger = cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            more = self._points(np.asarray(larger, np.uint8))
            if len(more[0]) > len(ids):
                ids, xy, markers = more[0], (more[1] + 0.5) / 2 - 0.5, more[2]
        self._markers.update(markers)
        if len(ids) < LEAST_POINTS:
            self._keep(gray)
            return None
        fit = _plane(self.board.points[ids], xy)
        if fit is None:
            return None
        matrix, off = fit
        pitch = self.board.pitch_m
        corner = self.board.points[ids].mean(axis=0)
        ends = _mapped(matrix, corner + np.array([[-pitch / 2, 0.0], [pitch / 2, 0.0]]))
        side = np.linalg.norm(ends[1] - ends[0])
        if float(np.median(off)) > max(_BENT * float(side), 1.0):
            self._bent += 1
            self._keep(gray)
            return None
        return Sight(index, time_s, ids, xy, _sharpness(gray, xy))

    def _points(self, gray: Gray) -> tuple[NDArray[np.int64], Float, list[int]]:
        if self.board.kind == "charuco":
            corners, ids, _, markers = self._detector.detectBoard(gray)
            seen = [] if markers is None else np.ravel(markers).tolist()
            if ids is None or not len(ids):
                return np.zeros(0, np.int64), np.zeros((0, 2)), seen
            return np.ravel(ids).astype(np.int64), np.asarray(corners, np.float64).reshape(-1, 2), seen
        corners, markers, _ = self._detector.detectMarkers(gray)
        seen = [] if markers is None else np.ravel(markers).tolist()
        own = [n for n, marker in enumerate(seen) if marker < self.board.markers and seen.count(marker) == 1]
        ids = np.array([4 * seen[n] + corner for n in own for corner in range(4)], np.int64)
        xy = np.array([np.asarray(corners[n], np.float64).reshape(4, 2) for n in own]).reshape(-1, 2)
        return ids, xy, seen

    def _keep(self, gray: Gray) -> None:
        # One picture of each stretch of the footage, to say later what was there instead.
        if len(self._kept) < _TRIED or self.pictures % (1 + self.pictures // _TRIED) == 0:
            self._kept = [*self._kept[-(_TRIED - 1) :], gray]

    def complain(self) -> None:
        """Raise ``WrongBoardError`` or ``BoardNotFoundError``: to be called where too little was found."""
        strangers = sorted(marker for marker in self._markers if marker >= self.board.markers)
        if strangers or self._bent:
            what = (
                f"markers up to number {max(self._markers)}" if strangers else "markers that do not lie as they should"
            )
            raise WrongBoardError(
                f"the pictures show another board than {self.board.said}: {what}, where {self.board.columns}x"
                f"{self.board.rows} has numbers 0 to {self.board.markers - 1}; count its columns and rows"
            )
        for name in _LIKELY:
            if name in dictionaries() and name != self.board.dictionary and self._shows(name):
                raise WrongBoardError(
                    f"the pictures show markers of the dictionary {name}, not of {self.board.dictionary}: add it to "
                    f"the board, as in {self.board.said.rpartition(':')[0]}:{name}"
                )
        if self._markers:
            raise WrongBoardError(
                f"single markers of {self.board.dictionary} were found and no board {self.board.said} of them: check "
                "columns, rows and sizes, or come nearer so that all markers can be read"
            )
        raise BoardNotFoundError(
            f"none of {self.pictures} pictures shows the board {self.board.said}: it must be flat, whole, in good "
            "light, and large enough (a marker of 20 pixels or more)"
        )

    def _shows(self, name: str) -> bool:
        number = dictionary_number(name)
        if number is None:
            return False
        detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(number))
        found = [detector.detectMarkers(gray)[1] for gray in self._kept]
        return sum(0 if ids is None else len(ids) for ids in found) >= 4


def find_board(
    frames: Iterable[Frame], board: Board, every: int = 1, on_picture: Callable[[int, int], None] | None = None
) -> tuple[list[Sight], Board]:
    """The board in every ``every``-th frame, and the board as it is: a ChArUco board may be of the older pattern.

    ``on_picture`` is told the number of pictures looked at and of those that show the board. Raises ``WrongBoardError``
    and ``BoardNotFoundError``.
    """
    finders = [BoardFinder(board)]
    if board.kind == "charuco" and board.rows % 2 == 0:
        finders.append(BoardFinder(replace(board, legacy=True)))
    found: list[list[Sight]] = [[] for _ in finders]
    start: float | None = None
    for number, frame in enumerate(frames):
        start = frame.captured_at if start is None else start
        if number % every:
            continue
        for finder, sights in zip(finders, found, strict=True):
            sight = finder.find(frame.image, frame.index, frame.captured_at - start)
            if sight is not None:
                sights.append(sight)
        if len(finders) > 1 and max(map(len, found)) >= 3:
            best = max(range(len(found)), key=lambda n: len(found[n]))
            finders, found = [finders[best]], [found[best]]
        if on_picture is not None:
            on_picture(finders[0].pictures, max(map(len, found)))
    best = max(range(len(found)), key=lambda n: len(found[n]))
    if not found[best]:
        finders[0].complain()
    return found[best], finders[best].board


def _plane(board: Float, xy: Float) -> tuple[Float, Float] | None:
    found: Any = cv2.findHomography(board, xy, 0)[0]  # its stubs say that there is always one
    if found is None:
        return None
    matrix: Float = np.asarray(found, np.float64)
    return matrix, np.asarray(np.linalg.norm(_mapped(matrix, board) - xy, axis=1), np.float64)


def _mapped(matrix: Float, xy: Float) -> Float:
    whole = np.column_stack([xy, np.ones(len(xy))]) @ matrix.T
    return np.asarray(whole[:, :2] / whole[:, 2:])


def _sharpness(gray: Gray, xy: Float) -> float:
    """How steep edges are, by the weaker of the two directions at each point, as a share of black to white a pixel."""
    values = []
    for x, y in xy.round().astype(int).tolist():
        patch = gray[max(y - 6, 0) : y + 7, max(x - 6, 0) : x + 7].astype(np.float32)
        if min(patch.shape) < 9:
            continue
        gx, gy = cv2.Sobel(patch, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(patch, cv2.CV_32F, 0, 1) / 8
        across, down, both = float((gx * gx).mean()), float((gy * gy).mean()), float((gx * gy).mean())
        weaker = (across + down) / 2 - np.hypot((across - down) / 2, both)
        values.append(np.sqrt(max(weaker, 0.0)) / max(float(np.ptp(patch)), 8.0))
    return float(np.median(values)) if values else 0.0
