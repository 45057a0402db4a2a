"""Clothes cut from the base mesh's helper shells: a garment is a part of the shell, moved out, smoothed, hemmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.people.body import ARM, SOLE_M, Body
from datasets.simulation.people.patches import Patch, clip, hemmed, joined, moved_out, normals, smoothed, thinned
from datasets.simulation.people.solids import tube

_OFF = 10.0  # metres: a cut that is nowhere near
UNDER_M = 0.035  # how far skin or a garment goes on below the one over it


@dataclass(frozen=True, slots=True)
class Top:
    """What is worn above: ``sleeve`` is where its sleeves end (0 none, 1 at the wrist), ``hem_m`` how far below the
    hip joint it ends, ``ease_m`` how far from the body it stands, ``neck_m`` how deep its neckline is in front,
    ``collar_m`` how far it goes up the neck; a ``hood`` lies round the nape.
    """

    name: str
    sleeve: float
    hem_m: float
    ease_m: float
    neck_m: float = 0.02
    collar_m: float = 0.0
    vee: bool = False
    hood: bool = False


@dataclass(frozen=True, slots=True)
class Bottom:
    """What is worn below: ``hem`` is where it ends, as a part of the way from the ankle (0) to the hip (1)."""

    name: str
    hem: float
    ease_m: float
    skirt: bool = False


@dataclass(frozen=True, slots=True)
class Shoes:
    """Shoes whose shafts go ``shaft_m`` above the ankle joint."""

    name: str
    shaft_m: float = 0.0


Garment = Top | Bottom | Shoes


def covered(body: Body, patch: Patch, garment: Garment) -> NDArray[np.float64]:
    """A field (n,) that is positive where ``garment`` covers the patch; near its edges about metres."""
    if isinstance(garment, Top):
        return _top_cut(body, patch, garment)
    off_arm = body.share(patch, *ARM) < 0.05
    z = patch.positions[:, 2]
    if isinstance(garment, Shoes):
        return np.where(off_arm, body.joint("foot_l")[2] + garment.shaft_m * body.scale - z, -_OFF)
    waist = body.joint("spine_01")[2] + 0.02 * body.scale
    return np.where(off_arm, np.minimum(waist - z, z - leg_height(body, garment.hem)), -_OFF)


def tuck(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far (n,) in metres what another garment covers by ``field`` is drawn in, so that it never shows through."""
    return 0.008 * np.clip(field / 0.012, 0.0, 1.0)


def shell_of(body: Body, garment: Garment, over: Sequence[Garment]) -> Patch:
    """The garment around ``body``, without what the garments ``over`` it hide."""
    skirt = isinstance(garment, Bottom) and garment.skirt
    shell = body.patch("helper-skirt" if skirt else "helper-tights")
    shell = clip(shell, np.minimum(covered(body, shell, garment), UNDER_M - _hidden(body, shell, over)))
    hidden = tuck(_hidden(body, shell, over))
    if isinstance(garment, Shoes):
        return _hemmed(body, thinned(_soled(shell), 400))
    bare = isinstance(garment, Top) and (garment.sleeve == 0.0 or bool((hidden > 0.0).any()))
    bending = None if skirt else _bending(body, shell)
    shell = moved_out(shell, body.scale * _offset(body, shell, garment) - hidden)
    shell = smoothed(shell, 4 + round(300 * garment.ease_m), 0.5 - 0.25 * body.share(shell, *ARM))
    most = 600 if skirt else 900 if bare or not isinstance(garment, Top) else 1300
    finished = _hemmed(body, thinned(shell, most, bending))
    return joined([finished, _hood(body)]) if isinstance(garment, Top) and garment.hood else finished


def _hidden(body: Body, patch: Patch, over: Sequence[Garment]) -> NDArray[np.float64]:
    return np.asarray(np.max([np.full(len(patch), -_OFF), *(covered(body, patch, other) for other in over)], axis=0))


def _offset(body: Body, shell: Patch, garment: Top | Bottom) -> NDArray[np.float64]:
    """How far (n,) the cloth stands from the body, in metres of a person of 1.75 m."""
    z, hip, ankle = shell.positions[:, 2], body.joint("thigh_l")[2], body.joint("foot_l")[2]
    if isinstance(garment, Top):
        arms = body.share(shell, *ARM)
        # A shirt falls from the chest: looser towards its hem, and over the trousers there.
        fall = np.clip((hip + 0.22 - z) / 0.25, 0.0, 1.0) * (arms < 0.05)
        return np.asarray(garment.ease_m * (1.0 - 0.2 * arms) + 0.02 * fall)
    if garment.skirt:
        return np.full(len(shell), 0.009 + garment.ease_m)
    down = np.clip((hip - 0.1 - z) / (hip - ankle), 0.0, 1.0)
    return np.asarray(0.004 + garment.ease_m * (0.2 + down))


def leg_height(body: Body, part: float) -> float:
    """The z of ``part`` of the way from the ankle (0) to the hip (1)."""
    ankle, hip = body.joint("foot_l")[2], body.joint("thigh_l")[2]
    return float(ankle + part * (hip - ankle))


def _top_cut(body: Body, patch: Patch, top: Top) -> NDArray[np.float64]:
    z = patch.positions[:, 2]
    arm = body.arm(patch)
    # Without sleeves it ends where the arm's share of the skin does: MakeHuman's weights draw a good armhole.
    sleeve = (
        np.where(arm < 0.0, _OFF, (top.sleeve - arm) * 0.5)
        if top.sleeve > 0
        else 0.1 * (0.75 - body.share(patch, *ARM))
    )
    hem = np.where(arm < 0.0, z - (body.joint("thigh_l")[2] - top.hem_m * body.scale), _OFF)
    return np.minimum(np.minimum(sleeve, hem), _neckline(body, patch, top))


def _neckline(body: Body, patch: Patch, top: Top) -> NDArray[np.float64]:
    """Positive outside the opening for the neck: an ellipsoid around its root, deeper in front."""
    s = body.scale
    root = body.joint("neck_01") + s * np.array([0.0, 0.015, 0.02])
    x, y, z = ((patch.positions - root) / s).T
    if top.collar_m > 0.0:
        return np.asarray(s * (top.collar_m - z - 0.6 * y))
    deep = 0.07 + np.where(y > 0.0, top.neck_m, 0.0)
    round_ = np.sqrt((x / 0.078) ** 2 + (y / (0.085 + 0.5 * top.neck_m)) ** 2 + (np.minimum(z, 0.0) / deep) ** 2) - 1.0
    opening = 0.08 * round_
    if top.vee:
        opening = np.minimum(opening, np.where(y > 0.0, 1.7 * np.abs(x) - z - 0.15, _OFF))
    return np.asarray(s * np.minimum(opening, np.where(np.abs(x) < 0.12, 0.06 - z, _OFF)))


def _soled(shell: Patch) -> Patch:
    """Feet as shoes: blunt, on flat soles at z = 0."""
    out = smoothed(moved_out(shell, 0.007), 2)
    p = out.positions.copy()
    p[:, 2] = np.where(p[:, 2] < SOLE_M + 0.012, 0.0, p[:, 2])
    return replace(out, positions=p)


def _bending(body: Body, shell: Patch) -> NDArray[np.bool_]:
    """Vertices of knees, elbows and shoulders, which need their rows."""
    trunk = body.share(shell, "spine", "pelvis", "clavicle", "neck")
    return np.asarray((shell.weights.max(axis=1) < 0.7) & (trunk < 0.5))


def _hood(body: Body) -> Patch:
    """A hood that is down: a thick roll round the nape, thin towards the throat."""
    angle = np.linspace(np.deg2rad(60.0), np.deg2rad(-240.0), 11)
    back = np.clip(0.5 - 0.5 * np.sin(angle), 0.0, 1.0)
    path = np.column_stack([0.092 * np.cos(angle), 0.012 + 0.088 * np.sin(angle), -0.015 - 0.045 * np.sin(angle)])
    radii = np.column_stack([0.012 + 0.022 * back, 0.014 + 0.034 * back])
    weights = np.zeros((len(path), len(body.skeleton.names)))
    weights[:, body.skeleton.index("spine_03")] = 1.0
    return tube(body.joint("neck_01") + body.scale * path, body.scale * radii, weights, 7)


def _hemmed(body: Body, shell: Patch) -> Patch:
    return hemmed(shell, shell.positions - 0.025 * body.scale * normals(shell.positions, shell.triangles))
