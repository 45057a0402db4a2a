"""Textures laid out on cloth: its front on the left half, its back and the sleeves on the right half."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.people.body import ARM, Body
from datasets.simulation.people.patches import Patch


def laid_out(patch: Patch, body: Body, length_m: float, half_width_m: float) -> Patch:
    """The patch with uv (v down) as seen from ahead and from behind; vertices are doubled along the sides.

    ``length_m`` of cloth, from the patch's top down, fill the texture's height; ``half_width_m`` either side of the
    middle fill a half. Sleeves run down from the texture's top as an arm hangs.
    """
    top = patch.positions[:, 2].max()
    corners = patch.positions[patch.triangles]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sleeve = body.share(patch, *ARM)[patch.triangles].mean(axis=1) > 0.6
    chart = (face[:, 1] < 0.0).astype(np.int64) + 2 * sleeve
    x, z = patch.positions[:, 0], patch.positions[:, 2]
    across = np.stack([x, -x, *_across_the_arm(patch, body)])
    down = np.stack([top - z, top - z, *(2 * ((body.arm(patch) + 0.15) * 0.55 * body.scale,))])
    u = np.clip(0.25 + 0.25 * across / half_width_m, 0.0, 0.5)
    u[1:] += 0.5
    v = np.clip(down / length_m, 0.0, 1.0)
    pairs, number = np.unique(np.stack([patch.triangles.ravel(), np.repeat(chart, 3)]), axis=1, return_inverse=True)
    vertex, of = pairs
    uv = np.column_stack([u[of, vertex], v[of, vertex]])
    return Patch(patch.positions[vertex], patch.weights[vertex], uv, number.reshape(-1, 3))


def seen_from_the_side(patch: Patch, length_m: float, height_m: float) -> Patch:
    """The patch with uv (v down) as seen from the side: ``length_m`` ahead fill the width, ``height_m`` the height."""
    y, z = patch.positions[:, 1], patch.positions[:, 2]
    uv = np.column_stack([(y - y.min()) / length_m, 1.0 - z / height_m])
    return replace(patch, uv=np.clip(uv, 0.0, 1.0))


def _across_the_arm(patch: Patch, body: Body) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shoulder, wrist = body.joint("upperarm_r"), body.joint("hand_r")
    axis = (wrist - shoulder)[[0, 2]] / np.linalg.norm((wrist - shoulder)[[0, 2]])
    mirrored = np.column_stack([np.abs(patch.positions[:, 0]), patch.positions[:, 2]]) - shoulder[[0, 2]]
    t = mirrored @ np.array([-axis[1], axis[0]])
    return t, -t
