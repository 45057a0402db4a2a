"""Hair and headgear: the scalp moved out, MakeHuman's helper for long hair, a bun, a cap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.people.body import Body
from datasets.simulation.people.patches import Patch, clip, compact, moved_out, smoothed, thinned

STYLES = ("bald", "cropped", "short", "full", "bob", "long", "bun", "ponytail", "cap", "beanie")


def hairline(body: Body, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """A field (n,) in metres at ``positions`` (n, 3), positive where hair grows on the head."""
    p = (positions - body.joint("head")) / body.scale
    # From the nape behind the ears over the temples to the forehead.
    line = np.interp(
        p[:, 1] - 0.02, [-0.12, -0.06, -0.01, 0.03, 0.06, 0.09, 0.12], [-0.035, -0.03, 0.035, 0.06, 0.10, 0.115, 0.125]
    )
    return np.asarray(body.scale * (p[:, 2] - line))


def hair_patch(body: Body, style: str) -> Patch | None:
    """The hair of ``style`` (one of ``STYLES``) as a shell, or None for a bald head."""
    if style == "bald":
        return None
    thick = {
        "cropped": 0.006,
        "short": 0.016,
        "full": 0.03,
        "bun": 0.01,
        "ponytail": 0.012,
        "cap": 0.012,
        "beanie": 0.016,
    }
    head = body.patch("body")
    head = compact(
        replace(head, triangles=head.triangles[(body.share(head, "head", "neck") > 0.5)[head.triangles].all(axis=1)])
    )
    field = hairline(body, head.positions)
    scalp = clip(head, field + 0.004)
    height = np.clip((hairline(body, scalp.positions) + 0.004) / 0.03, 0.0, 1.0)
    shell = moved_out(scalp, 0.002 + body.scale * thick.get(style, 0.018) * np.sqrt(height))
    return _strands(body, thinned(smoothed(shell, 2), 450))


def _strands(body: Body, patch: Patch) -> Patch:
    """With uv: strands run down and back from the crown."""
    p = (patch.positions - body.joint("head")) / body.scale
    uv = np.column_stack([0.5 + 2.0 * p[:, 0], 0.5 - 1.2 * p[:, 2] - 0.8 * np.abs(p[:, 1])])
    return replace(patch, uv=np.clip(uv, 0.0, 1.0))
