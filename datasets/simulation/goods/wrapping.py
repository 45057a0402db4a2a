"""Which part of a product's texture layer is printed on which side of its package.

A ``Rect`` is (u0, v0, u1, v1) in 0..1, v down; (u0, v0) is the upper left corner of the side as it is read.
"""

from __future__ import annotations

from store.catalogue import Package

Rect = tuple[float, float, float, float]


def _rects(**sides: tuple[int, int, int, int]) -> dict[str, Rect]:
    """From sixteenths of the layer."""
    return {name: (a / 16, b / 16, c / 16, d / 16) for name, (a, b, c, d) in sides.items()}


_FLAT = _rects(
    front=(0, 0, 9, 12),
    back=(9, 0, 16, 8),
    left=(9, 8, 12, 16),
    right=(12, 8, 16, 16),
    top=(0, 12, 9, 14),
    bottom=(0, 14, 9, 16),
)
# ``wrap`` goes once around, front in its middle, seam at the back; ``body`` is the bare can, glass or plastic.
_ROUND = _rects(
    wrap=(0, 0, 16, 12), top=(0, 12, 4, 16), bottom=(4, 12, 8, 16), cap=(8, 12, 12, 16), body=(12, 12, 16, 16)
)
_TRAY = _rects(
    top=(0, 0, 11, 10),
    bottom=(11, 0, 16, 5),
    body=(11, 5, 16, 10),
    front=(0, 10, 11, 13),
    back=(0, 13, 11, 16),
    left=(11, 10, 16, 13),
    right=(11, 13, 16, 16),
)
SIDES: dict[Package, dict[str, Rect]] = {
    Package.BOX: _FLAT,
    Package.BAG: _FLAT,
    Package.TRAY: _TRAY,
    Package.CAN: _ROUND,
    Package.BOTTLE: _ROUND,
    Package.JAR: _ROUND,
    Package.TUBE: _ROUND,
}


def inset(rect: Rect, margin: float = 1 / 512) -> Rect:
    """The rect without a thin edge, so that a filtered texture shows nothing of the neighbouring side."""
    u0, v0, u1, v1 = rect
    return u0 + margin, v0 + margin, u1 - margin, v1 - margin
