"""One shaped body in metres, standing on its soles: where its joints are, and coordinates that clothes are cut by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.characters import Skeleton
from datasets.simulation.people.patches import Patch, from_quads
from datasets.simulation.people.shape import Shape, shaped
from datasets.simulation.people.source import base, to_metres

SOLE_M = 0.022  # thickness of a shoe's sole: the bare foot stands that much above the floor


@dataclass(frozen=True, eq=False)
class Body:
    """``positions`` (v, 3) of all vertices of the base mesh and its helper shells, as in ``Skeleton``."""

    positions: NDArray[np.float64]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Bone weights (v, bones) of the base mesh."""
        return base().weights

    @cached_property
    def skeleton(self) -> Skeleton:
        """The joints of this body."""
        source = base()
        return Skeleton(
            names=source.bones,
            parents=source.parents,
            heads=np.array([self.positions[rows].mean(axis=0) for rows in source.heads]),
            tails=np.array([self.positions[rows].mean(axis=0) for rows in source.tails]),
        )

    def joint(self, bone: str) -> NDArray[np.float64]:
        """The head (3,) of ``bone``."""
        return np.asarray(self.skeleton.heads[self.skeleton.index(bone)])

    @cached_property
    def scale(self) -> float:
        """Height over 1.75 m."""
        skin = self.positions[np.unique(base().faces["body"])]
        return float((skin[:, 2].max() - skin[:, 2].min()) / 1.75)

    def patch(self, group: str, textured: bool = False) -> Patch:
        """A face group of the base mesh (``body``, ``helper-tights``, ...) as a patch."""
        source = base()
        if textured:
            return from_quads(self.positions, source.weights, source.faces[group], source.uv, source.face_uv[group])
        return from_quads(self.positions, source.weights, source.faces[group])

    def share(self, patch: Patch, *starts: str) -> NDArray[np.float64]:
        """How much (n,) of each vertex's weight is on bones whose name starts with one of ``starts``."""
        columns = [name.startswith(starts) for name in self.skeleton.names]
        return np.asarray(patch.weights[:, columns].sum(axis=1))

    def arm(self, patch: Patch) -> NDArray[np.float64]:
        """How far (n,) along its arm each vertex is: 0 at the shoulder, 1 at the wrist; -1 off the arms."""
        along = np.full(len(patch), -1.0)
        for side, sign in (("l", -1.0), ("r", 1.0)):
            here = (self.share(patch, *ARM) > 0.05) & (sign * patch.positions[:, 0] > 0.0)
            shoulder, elbow, wrist = (self.joint(f"{bone}_{side}") for bone in ("upperarm", "lowerarm", "hand"))
            upper, lower = elbow - shoulder, wrist - elbow
            p = patch.positions[here]
            first = np.minimum((p - shoulder) @ upper / np.linalg.norm(upper), np.linalg.norm(upper))
            second = np.maximum((p - elbow) @ lower / np.linalg.norm(lower), 0.0)
            along[here] = (first + second) / (np.linalg.norm(upper) + np.linalg.norm(lower))
        return along


HAND = ("hand", "index", "middle", "ring", "pinky", "thumb")
ARM = ("upperarm", "lowerarm", *HAND)


def body_of(shape: Shape, height_m: float) -> Body:
    """A body of ``height_m`` from the shoes' soles to the top of the head.

    MakeHuman's own height parameter takes it as near as it goes, so that proportions follow; the rest is scale.
    """
    skin = np.unique(base().faces["body"])
    vertices = to_metres(shaped(shape))
    span = vertices[skin, 2].max() - vertices[skin, 2].min()
    vertices *= (height_m - SOLE_M) / span
    vertices[:, 2] += SOLE_M - vertices[skin, 2].min()
    # The feet stand under the hips' middle.
    vertices[:, :2] -= vertices[skin, :2].min(axis=0) * [0.5, 0.0] + vertices[skin, :2].max(axis=0) * [0.5, 0.0]
    return Body(vertices)
