"""Hair and headgear: the scalp moved out, hair that hangs, a bun, a ponytail, a cap.

Points are relative to the head's joint, in metres of a person of 1.75 m: the crown is at z 0.147, the ears at x 0.09,
the nape at z -0.05, the forehead at y 0.11, the back of the head at y -0.09.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.people.body import Body
from datasets.simulation.people.patches import Patch, clip, compact, joined, moved_out, smoothed, thinned
from datasets.simulation.people.solids import sheet, tube

# How far the hair stands from the scalp, metres.
_THICK = {
    "cropped": 0.009,
    "short": 0.013,
    "full": 0.024,
    "afro": 0.05,
    "bob": 0.017,
    "long": 0.015,
    "bun": 0.010,
    "ponytail": 0.010,
}
_CROWN = 0.115
STYLES = ("bald", *_THICK)
HEADGEAR = ("cap", "beanie")


def hairline(body: Body, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """A field (n,) in metres at ``positions`` (n, 3), positive where hair grows on the head."""
    p = (positions - body.joint("head")) / body.scale
    # From the nape behind the ears over the temples to the forehead.
    line = np.interp(
        p[:, 1], [-0.10, -0.04, 0.00, 0.03, 0.06, 0.08, 0.11, 0.14], [-0.05, -0.05, 0.03, 0.05, 0.07, 0.10, 0.118, 0.13]
    )
    return np.asarray(body.scale * (p[:, 2] - line))


def hair_patch(body: Body, style: str) -> Patch | None:
    """The hair of ``style`` (one of ``STYLES``), or None for a bald head."""
    if style not in _THICK:
        return None
    head = _head(body)
    scalp = clip(head, hairline(body, head.positions) + 0.004)
    height = np.clip((hairline(body, scalp.positions) + 0.004) / 0.03, 0.0, 1.0)
    shell = moved_out(scalp, 0.002 + body.scale * _THICK[style] * np.sqrt(height))
    parts = [thinned(smoothed(shell, 3), 380)]
    if style in ("bob", "long"):
        parts.append(_hanging(body, -0.10 if style == "bob" else -0.26))
    elif style == "bun":
        parts.append(_bun(body))
    elif style == "ponytail":
        parts.append(_ponytail(body))
    return _strands(body, joined(parts))


def headgear_patch(body: Body, kind: str) -> Patch:
    """A ``cap`` with a peak or a ``beanie``, worn over a cropped head."""
    head = _head(body)
    p = (head.positions - body.joint("head")) / body.scale
    field = p[:, 2] - (np.interp(p[:, 1], [-0.1, 0.12], [0.03, 0.085]) if kind == "cap" else 0.055 + 0.15 * p[:, 1])
    # Ears bulge out of the scalp: headgear goes straight over them.
    shell = clip(head, body.scale * field)
    shell = moved_out(smoothed(shell, 6), body.scale * 0.02)
    parts = [thinned(smoothed(shell, 4), 300)]
    if kind == "cap":
        across = np.linspace(-1.0, 1.0, 9)
        edge = np.column_stack([0.072 * across, 0.110 - 0.05 * across**2, 0.099 - 0.014 * across**2])
        rim = edge + np.column_stack([0.0 * across, 0.075 * (1.0 - across**2) ** 0.5, -0.018 + 0.0 * across])
        grid = np.stack([edge - [0.0, 0.02, 0.0], rim])[:, ::-1]
        parts.append(sheet(_placed(body, grid), _weights(body, np.zeros(2)), 0.005))
    return _strands(body, joined(parts))


def _head(body: Body) -> Patch:
    skin = body.patch("body")
    ours = body.share(skin, "head", "neck") > 0.5
    return compact(replace(skin, triangles=skin.triangles[ours[skin.triangles].all(axis=1)]))


def _hanging(body: Body, end: float) -> Patch:
    """Hair from the temples round the back, down to the height ``end``; below the chin it lies behind the shoulders."""
    rows, columns = (6, 15) if end > -0.15 else (9, 15)
    grid = np.zeros((rows, columns, 3))
    down = np.linspace(0.0, 1.0, rows)
    for row, z in enumerate(_CROWN + (end - _CROWN) * down):
        low = np.clip((-0.06 - z) / 0.12, 0.0, 1.0)
        # How far round to the front it goes; 90 degrees is straight ahead.
        front = np.deg2rad(np.interp(z, [-0.18, -0.06, 0.03, _CROWN], [-40.0, 8.0, 26.0, 45.0]))
        angle = np.linspace(front, -np.pi - front, columns)
        wide = np.interp(z, [-0.18, -0.10, -0.04, 0.04, 0.08, _CROWN], [0.112, 0.086, 0.099, 0.101, 0.090, 0.066])
        deep = np.interp(z, [-0.18, -0.10, -0.02, 0.06, _CROWN], [0.145, 0.098, 0.108, 0.116, 0.090])
        grid[row] = np.column_stack([wide * np.cos(angle), 0.004 + deep * np.sin(angle), np.full(columns, z)])
        grid[row, :, 2] -= 0.012 * (1.0 - low) * np.cos(2.0 * angle) * (down[row] == 1.0)
    # As seen from outside, rows run from the left to the right.
    return sheet(_placed(body, grid), _weights(body, np.clip((down * (_CROWN - end) - 0.18) / 0.12, 0.0, 0.8)), 0.014)


def _bun(body: Body) -> Patch:
    t = np.linspace(0.0, np.pi, 6)[1:-1]
    path = np.column_stack([0.0 * t, -0.115 - 0.03 * np.cos(t)[::-1], 0.085 - 0.02 * np.cos(t)[::-1]])
    radii = 0.042 * np.column_stack([np.sin(t), np.sin(t)])
    return tube(_placed(body, path), body.scale * radii, _weights(body, np.zeros(4)), 9)


def _ponytail(body: Body) -> Patch:
    t = np.linspace(0.0, 1.0, 7)
    path = np.column_stack([0.0 * t, -0.09 - 0.10 * np.sqrt(t) + 0.05 * t**2, 0.075 + 0.03 * t - 0.25 * t**1.6])
    radius = np.interp(t, [0.0, 0.15, 0.5, 1.0], [0.014, 0.026, 0.026, 0.008])
    radii = body.scale * np.column_stack([radius, radius])
    return tube(_placed(body, path), radii, _weights(body, np.clip(1.2 * t - 0.5, 0.0, 0.5)), 7)


def _placed(body: Body, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return body.joint("head") + body.scale * points


def _weights(body: Body, chest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows that move with the head, and by the share ``chest`` (n,) with the upper spine."""
    rows = np.zeros((len(chest), len(body.skeleton.names)))
    rows[:, body.skeleton.index("head")] = 1.0 - chest
    rows[:, body.skeleton.index("spine_03")] = chest
    return rows


def _strands(body: Body, patch: Patch) -> Patch:
    """With uv: strands run down and back from the crown."""
    p = (patch.positions - body.joint("head")) / body.scale
    uv = np.column_stack([0.5 + 2.0 * p[:, 0], 0.45 - 1.1 * p[:, 2] - 0.8 * np.abs(p[:, 1])])
    return replace(patch, uv=np.clip(uv, 0.0, 1.0))
