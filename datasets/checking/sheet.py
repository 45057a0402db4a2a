"""A contact sheet: what was found, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.checking.findings import Finding, Kind
from datasets.pictures import Picture, PictureError

Image = NDArray[np.uint8]

_TILE = (300, 200)  # width and height of what is shown of a finding, above its caption
_CAPTION, _MARGIN, _COLUMNS = 62, 8, 4
_WRAP, _LINES = 46, 4
_PAPER, _INK, _FAINT = (250, 250, 250), (30, 30, 30), (205, 205, 205)
_ERROR, _WARNING = (40, 40, 200), (0, 130, 210)


def contact_sheet(findings: Sequence[Finding], title: str, *, most: int = 48, each: int = 8) -> Image:
    """A sheet uint8 (H, W, 3) BGR of at most ``most`` findings, ``each`` of a kind, errors first.

    Of pairs both pictures are shown; a label's box is drawn in red.
    """
    shown = chosen(findings, most, each)
    columns = min(_COLUMNS, max(len(shown), 2))
    rows = -(-len(shown) // columns)
    width = columns * (_TILE[0] + _MARGIN) + _MARGIN
    height = 40 + rows * (_TILE[1] + _CAPTION + _MARGIN) + _MARGIN
    sheet = np.full((height, width, 3), _PAPER, np.uint8)
    more = f", {len(shown)} of them here" if len(shown) < len(findings) else ""
    _write(sheet, f"{title}: {len(findings)} findings{more}", (_MARGIN, 26), _INK, 0.55)
    for place, finding in enumerate(shown):
        x = _MARGIN + place % columns * (_TILE[0] + _MARGIN)
        y = 40 + place // columns * (_TILE[1] + _CAPTION + _MARGIN)
        sheet[y : y + _TILE[1], x : x + _TILE[0]] = _tile(finding)
        colour = _ERROR if finding.kind.is_error else _WARNING
        _write(sheet, finding.kind.value, (x, y + _TILE[1] + 12), colour, 0.4)
        text = f"{finding.where}: {finding.what}" if finding.what else finding.where
        for line in range(_LINES - 1):
            _write(sheet, text[line * _WRAP : (line + 1) * _WRAP], (x, y + _TILE[1] + 26 + 14 * line), _INK, 0.36)
    return sheet


def chosen(findings: Sequence[Finding], most: int, each: int) -> list[Finding]:
    """The findings that are shown: the first ``each`` of every kind in the order of ``Kind``, errors first."""
    kinds = sorted(Kind, key=lambda kind: not kind.is_error)
    return [one for kind in kinds for one in [f for f in findings if f.kind is kind][:each]][:most]


def _tile(finding: Finding) -> Image:
    if finding.other is None:
        return _thumbnail(finding.picture, _TILE, finding.box)
    half = (_TILE[0] // 2, _TILE[1])
    return np.concatenate([_thumbnail(each, half, None) for each in (finding.picture, finding.other)], axis=1)


def _thumbnail(picture: Picture | None, size: tuple[int, int], box: tuple[float, float, float, float] | None) -> Image:
    """The picture fitted into ``size`` (width, height); grey where there is none."""
    import cv2

    tile = np.full((size[1], size[0], 3), _FAINT, np.uint8)
    try:
        image = None if picture is None else picture.read()
    except PictureError:
        image = None
    if image is None:
        _write(tile, "no picture", (size[0] // 2 - 36, size[1] // 2), _INK, 0.45)
        return tile
    scale = min(size[0] / image.shape[1], size[1] / image.shape[0])
    fitted = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    small: Any = cv2.resize(image, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    left, top = (size[0] - fitted[0]) // 2, (size[1] - fitted[1]) // 2
    tile[top : top + fitted[1], left : left + fitted[0]] = small
    if box is not None and np.isfinite(box).all():
        # Drawn on the tile, so that what lies outside the picture is seen at its edge.
        ends = np.clip(np.array(box) * scale + [left, top, left, top], 1, [size[0] - 2, size[1] - 2] * 2)
        x1, y1, x2, y2 = ends.round().astype(int).tolist()
        cv2.rectangle(tile, (x1, y1), (x2, y2), _ERROR, 2)
    return tile


def _write(image: Image, text: str, at: tuple[int, int], colour: tuple[int, int, int], scale: float) -> None:
    import cv2

    plain = text.encode("ascii", "replace").decode("ascii")  # OpenCV's letters
    cv2.putText(image, plain, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)
