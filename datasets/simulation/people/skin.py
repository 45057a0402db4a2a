"""The skin that clothes leave free, thinned out, and the eyes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datasets.simulation.people.body import HAND, Body
from datasets.simulation.people.patches import Patch, clip, compact, joined, moved_out, sewn, thinned
from datasets.simulation.people.wardrobe import UNDER_M, Garment, covered, tuck

# In MakeHuman's texture (v up) the head lies right of HEAD_U, and there the inside of the mouth below MOUTH_V.
HEAD_U, MOUTH_V = 0.625, 0.14
EYE_UV, EYE_SIZE = (0.66, 0.93), 0.02


def head_and_limbs(body: Body, clothes: Sequence[Garment]) -> tuple[Patch, Patch]:
    """The head with its eyes, and all other skin that ``clothes`` leave free."""
    skin = body.patch("body", textured=True)
    middle = skin.uv[skin.triangles].mean(axis=1)
    # The left arm's part of the texture reaches over that line.
    high = body.share(skin, "head", "neck")[skin.triangles].mean(axis=1) > 0.02
    right = (middle[:, 0] > HEAD_U) & high
    head = compact(replace(skin, triangles=skin.triangles[right & (middle[:, 1] > MOUTH_V)]))
    rest = sewn(compact(replace(skin, triangles=skin.triangles[~right], uv=np.zeros_like(skin.uv))))
    rest = clip(rest, UNDER_M - np.max([covered(body, rest, each) for each in clothes], axis=0))
    rest = moved_out(rest, -tuck(np.max([covered(body, rest, each) for each in clothes], axis=0)))
    hands = int((body.share(rest, *HAND)[rest.triangles].mean(axis=1) > 0.5).sum())
    # Fingers keep about a fifth of their triangles, the smoother rest an eighth.
    limbs = thinned(rest, hands // 5 + (len(rest.triangles) - hands) // 8)
    eyes = [_eye(body.patch(f"helper-{side}-eye")) for side in "lr"]
    return joined([thinned(head, 960), *eyes]), limbs


def _eye(ball: Patch) -> Patch:
    """The front half of an eyeball, its uv in a corner of the head's texture that the head leaves free."""
    low, high = ball.positions.min(axis=0), ball.positions.max(axis=0)
    flat = 2.0 * (ball.positions - (low + high) / 2)[:, [0, 2]] / (high - low)[[0, 2]]
    front = ball.positions[ball.triangles].mean(axis=1)[:, 1] > (low + high)[1] / 2
    shown = compact(replace(ball, uv=np.array(EYE_UV) + EYE_SIZE * flat, triangles=ball.triangles[front]))
    return thinned(shown, 30)
