"""COCO's 17 keypoints and a body's outline, from posed bones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.characters import Character

# In COCO's order; left is the person's left.
COCO_KEYPOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)


def coco_keypoints(character: Character, matrices: NDArray[np.float32]) -> NDArray[np.float64]:
    """COCO's keypoints in metres, float64 (times, 17, 3), of a body whose bones are at ``matrices``.

    ``matrices`` float32 (times, bones, 3, 4) take rest positions to the shop. The face's points move with the head,
    the others are the joints.
    """
    of_point = np.asarray(matrices, np.float64)[:, character.keypoint_bones]
    return np.asarray(np.einsum("tkij,kj->tki", of_point[..., :3], character.keypoints) + of_point[..., 3])


def outline_points(character: Character, matrices: NDArray[np.float32]) -> NDArray[np.float64]:
    """The skinned outline vertices in metres, float64 (times, p, 3); ``matrices`` as for ``coco_keypoints``."""
    rows = character.outline
    rest = np.column_stack([character.positions[rows], np.ones(len(rows))]).astype(np.float64)
    dense = np.zeros((len(rows), matrices.shape[1]))
    np.add.at(dense, (np.arange(len(rows))[:, None], character.bones[rows]), character.weights[rows])
    # Weights times rest points first: one product of matrices for all times.
    spread = (dense[:, :, None] * rest[:, None, :]).reshape(len(rows), -1)
    flat = np.asarray(matrices, np.float64).transpose(0, 1, 3, 2).reshape(len(matrices), -1, 3)
    return np.asarray(spread @ flat)
