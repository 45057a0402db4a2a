"""Pictures that are there twice, exactly or nearly.

Nearly the same is found by the difference hash: the picture at 9x8 in grey, one bit for each pair of neighbours whether
the right one is brighter (N. Krawetz, "Kind of Like That", 2013). Cameras that do not move give equal hashes of
different scenes, so that the greys at 32x32 must agree as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAR_BITS = 3  # of 64 that may differ
NEAR_GREY = 16  # of 255 by which no cell at 32x32 may differ


@dataclass(frozen=True, eq=False)
class Print:
    """What is kept of a picture: ``digest`` of its bytes, ``dhash`` 64 bits, ``grey`` uint8 (32, 32)."""

    digest: bytes
    dhash: int
    grey: NDArray[np.uint8]


def fingerprint(image: NDArray[np.uint8], digest: bytes) -> Print:
    """The print of a picture uint8 (H, W, 3) BGR."""
    import cv2

    grey: Any = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = np.asarray(cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA), np.uint8)
    bits = np.packbits(small[:, 1:] > small[:, :-1])
    cells = np.asarray(cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA), np.uint8)
    return Print(digest, int.from_bytes(bits.tobytes(), "big"), cells)


def exact_pairs(prints: list[Print]) -> Iterator[tuple[int, int]]:
    """Places of pictures with the same bytes, each with the first that has them."""
    first: dict[bytes, int] = {}
    for place, one in enumerate(prints):
        if (before := first.setdefault(one.digest, place)) != place:
            yield before, place


def near_pairs(
    prints: list[Print], split: NDArray[np.int64], sequence: NDArray[np.int64], bits: int = NEAR_BITS
) -> Iterator[tuple[int, int]]:
    """Places of pictures that look the same and differ in bytes.

    ``split`` (n,) and ``sequence`` (n,), -1 for none: pictures of one sequence are not compared, and each is told at
    most once as like another of its split, and once as like another of another split. Two hashes that differ in at
    most ``bits`` bits agree wholly in one of ``bits`` + 1 pieces: only those with a piece in common are compared.
    """
    hashes = np.array([one.dhash for one in prints], np.uint64)
    grey = np.array([one.grey for one in prints], np.int16).reshape(len(prints), 32 * 32)
    told = np.zeros((2, len(prints)), np.bool_)
    edges = np.linspace(0, 64, bits + 2).astype(int).tolist()
    for low, high in pairwise(edges):
        piece = (hashes >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(piece, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(piece[order])) + 1):
            for at, place in enumerate(bucket[:-1].tolist()):
                others = bucket[at + 1 :]
                others = others[np.bitwise_count(hashes[others] ^ hashes[place]) <= bits]
                others = others[(sequence[others] != sequence[place]) | (sequence[others] < 0)]
                others = others[~told[(split[others] != split[place]).astype(np.int64), others]]
                others = others[(np.abs(grey[others] - grey[place]) <= NEAR_GREY).all(axis=1)]
                for other in others.tolist():
                    told[int(split[other] != split[place]), other] = True
                    if prints[place].digest != prints[other].digest:
                        yield place, other
