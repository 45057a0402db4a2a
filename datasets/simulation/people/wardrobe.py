"""Clothes cut from the base mesh's helper shells: a garment is a part of the shell, moved out, smoothed, hemmed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.people.body import ARM, SOLE_M, Body
from datasets.simulation.people.patches import Patch, clip, hemmed, joined, moved_out, normals, smoothed, thinned

_OFF = 10.0  # metres: a cut that is nowhere near


@dataclass(frozen=True, slots=True)
class Top:
    """What is worn above: ``sleeve`` 0 none to 1 to the wrist, ``hem_m`` how far below the hip joint it ends,
    ``ease_m`` how far from the body it stands, ``neck_m`` how far its front is cut down from the neck's root.
    """

    name: str
    sleeve: float
    hem_m: float
    ease_m: float
    neck_m: float = 0.03
    vee: bool = False
    hood: bool = False
    skirt_m: float | None = None  # a dress: its hem above the floor, as a part of the knee's height


@dataclass(frozen=True, slots=True)
class Bottom:
    """What is worn below: ``hem`` is where the legs end, as a part of the way from the ankle (0) to the hip (1)."""

    name: str
    hem: float
    ease_m: float
    skirt: bool = False


def top_patch(body: Body, top: Top) -> Patch:
    """The garment ``top`` as a shell around ``body``."""
    shell = body.patch("helper-tights")
    shell = clip(shell, top_cut(body, shell, top))
    inner = shell.positions
    arms = body.share(shell, *ARM)
    z = shell.positions[:, 2]
    hip = body.joint("thigh_l")[2]
    # A shirt falls from the chest: looser towards its hem, and over the trousers there.
    fall = np.clip((hip + 0.22 - z) / 0.25, 0.0, 1.0) * (arms < 0.05)
    shell = moved_out(shell, top.ease_m * body.scale * (1.0 - 0.2 * arms) + 0.012 * fall)
    shell = smoothed(shell, 3 + round(300 * top.ease_m), 0.5 - 0.25 * arms)
    if top.skirt_m is None:
        return _finished(shell, body, 1500)
    return shell if inner is None else _finished(shell, body, 1300)


def top_cut(body: Body, patch: Patch, top: Top) -> NDArray[np.float64]:
    """A field (n,) that is positive where ``top`` covers the patch."""
    x, y, z = patch.positions.T
    arm = body.arm(patch)
    off_arm = arm <= 0.0
    sleeve = np.where(off_arm, _OFF, top.sleeve - arm) if top.sleeve > 0 else -0.02 - arm + np.where(off_arm, 0.0, 0.0)
    hem = np.where(off_arm, z - (body.joint("thigh_l")[2] - top.hem_m * body.scale), _OFF)
    neck = body.joint("neck_01")
    ahead = np.clip((y - neck[1] + 0.06) / 0.12, 0.0, 1.5)
    line = neck[2] + 0.035 * body.scale - ahead * (0.05 + top.neck_m) * body.scale
    if top.vee:
        line = line - np.clip(ahead - 0.5, 0.0, 1.0) * np.clip(0.11 - 1.4 * np.abs(x), 0.0, None)
    return np.minimum(np.minimum(sleeve, hem), line - z)


def bottom_patch(body: Body, bottom: Bottom) -> Patch:
    """The garment ``bottom`` as a shell around ``body``."""
    if bottom.skirt:
        return skirt_patch(body, bottom.hem, bottom.ease_m)
    shell = body.patch("helper-tights")
    shell = clip(shell, bottom_cut(body, shell, bottom))
    z = shell.positions[:, 2]
    hip, ankle = body.joint("thigh_l")[2], body.joint("foot_l")[2]
    down = np.clip((hip - 0.1 - z) / (hip - ankle), 0.0, 1.0)
    shell = moved_out(shell, body.scale * (0.006 + bottom.ease_m * (0.35 + down)))
    return _finished(smoothed(shell, 3), body, 1100)


def bottom_cut(body: Body, patch: Patch, bottom: Bottom) -> NDArray[np.float64]:
    """A field (n,) that is positive where ``bottom`` covers the patch."""
    z = patch.positions[:, 2]
    off_arm = body.share(patch, *ARM) < 0.05
    waist = body.joint("spine_01")[2] + 0.02 * body.scale
    low = leg_height(body, bottom.hem)
    return np.where(off_arm, np.minimum(waist - z, z - low), -1.0)


def leg_height(body: Body, part: float) -> float:
    """The z of ``part`` of the way from the ankle (0) to the hip (1)."""
    ankle, hip = body.joint("foot_l")[2], body.joint("thigh_l")[2]
    return float(ankle + part * (hip - ankle))


def skirt_patch(body: Body, hem: float, ease_m: float) -> Patch:
    """A skirt from the waist down to ``hem`` (as in ``Bottom``)."""
    shell = body.patch("helper-skirt")
    shell = clip(shell, shell.positions[:, 2] - leg_height(body, hem))
    return _finished(moved_out(shell, 0.008 + ease_m), body, 700)


def shoes_patch(body: Body, shaft_m: float = 0.0) -> Patch:
    """Shoes: feet without toes, on flat soles at z = 0."""
    shell = body.patch("helper-tights")
    ankle = body.joint("foot_l")[2]
    low = clip(
        shell, np.where(body.share(shell, *ARM) < 0.05, ankle + shaft_m * body.scale - shell.positions[:, 2], -1.0)
    )
    out = smoothed(moved_out(low, 0.007), 2)
    p = out.positions.copy()
    near = p[:, 2] < SOLE_M + 0.02
    p[near, 2] = np.where(p[near, 2] < SOLE_M + 0.006, 0.0, p[near, 2])
    return _finished(replace(out, positions=p), body, 700)


def vest_patch(body: Body, over: Top) -> Patch:
    """The staff's vest, worn over the top ``over``."""
    vest = Top("vest", sleeve=0.0, hem_m=0.02, ease_m=over.ease_m + 0.014, neck_m=0.06, vee=True)
    return top_patch(body, vest)


def _finished(shell: Patch, body: Body, triangles: int) -> Patch:
    bending = shell.weights.max(axis=1) < 0.8
    thin = thinned(shell, triangles, still=bending & (body.share(shell, "spine", "pelvis", "clavicle", "neck") < 0.6))
    inward = thin.positions - 0.02 * normals(thin.positions, thin.triangles)
    return hemmed(thin, inward)


def dress_patch(body: Body, top: Top, skirt: Patch) -> Patch:
    """A dress: the top's shell and a skirt in one."""
    return joined([top_patch(body, top), skirt])
