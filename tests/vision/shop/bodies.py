"""People with arms, seen by calibrated cameras: joints in pictures without pictures."""

import numpy as np

from vision.detections import Detections
from vision.floor.tracks import FloorTracks
from vision.shop.moment import SeenPicture, ShopMoment

BLANK = np.zeros((1, 1, 3), np.uint8)
ELBOWS, WRISTS = [7, 8], [9, 10]
# Right, ahead and up from where somebody stands who looks along +y: COCO's joints, arms hanging.
BODY = np.array(
    [
        *[(0.0, 0.1, 1.62), (-0.03, 0.09, 1.66), (0.03, 0.09, 1.66), (-0.07, 0.02, 1.63), (0.07, 0.02, 1.63)],
        *[(-0.18, 0.0, 1.4), (0.18, 0.0, 1.4), (-0.22, -0.02, 1.12), (0.22, -0.02, 1.12)],
        *[(-0.24, 0.04, 0.87), (0.24, 0.04, 0.87), (-0.1, 0.0, 0.92), (0.1, 0.0, 0.92)],
        *[(-0.1, 0.0, 0.48), (0.1, 0.0, 0.48), (-0.1, 0.0, 0.08), (0.1, 0.0, 0.08)],
    ]
)


def body(xy, wrists=None, facing=0.0):
    """Joints (17, 3) of who stands at ``xy`` and looks ``facing`` radians left of +y; ``wrists`` (2, 3) in the shop."""
    turn = np.array([[np.cos(facing), -np.sin(facing)], [np.sin(facing), np.cos(facing)]])
    joints = BODY.copy()
    joints[:, :2] = BODY[:, :2] @ turn.T + xy
    if wrists is not None:
        joints[WRISTS] = wrists
        joints[ELBOWS] = (joints[[5, 6]] + joints[WRISTS]) / 2 - [0.0, 0.0, 0.08]
    return joints


def seen(model, joints, confidence=0.95):
    """A box (4,) and keypoints (17, 3) of a body in a picture, or None if it is not in it."""
    pixels = model.project(joints)
    if not np.isfinite(pixels).all():
        return None
    low, high = np.maximum(pixels.min(axis=0) - 8, 0), np.minimum(pixels.max(axis=0) + 8, model.size)
    if (high - low < 20).any():
        return None
    keypoints = np.column_stack([pixels, np.full(17, confidence)])
    return np.concatenate([low, high]), keypoints


def moment(models, time_s, people, spoil=None, early=None):
    """What ``models`` see of ``people``, by track id a function of the time that gives joints (17, 3).

    Camera n takes its picture ``early[n]`` seconds before ``time_s``. ``spoil(camera, number, keypoints)`` may change
    the keypoints, and give None for who is not found; returned with a number, the box is that one's.
    """
    pictures = {}
    for place, model in enumerate(models):
        at = time_s - (0.0 if early is None else early[place])
        boxes, points, owner = [], [], []
        for number, joints in people.items():
            found = seen(model, joints(at))
            if found is None:
                continue
            told = found[1] if spoil is None else spoil(model.camera, number, found[1])
            if told is None:
                continue
            keypoints, whose = told if isinstance(told, tuple) else (told, number)
            boxes.append(found[0])
            points.append(keypoints)
            owner.append(whose)
        n = len(boxes)
        pictures[model.camera] = SeenPicture(
            at,
            BLANK,
            Detections(
                np.array(boxes, np.float32).reshape(n, 4),
                np.ones(n, np.float32),
                np.array(points, np.float32).reshape(n, 17, 3),
            ),
            np.array(owner, np.int64),
        )
    return ShopMoment(time_s, pictures, tracks(time_s, people, len(models)))


def tracks(time_s, people, cameras):
    n = len(people)
    ankles = np.array([joints(time_s)[[15, 16], :2].mean(axis=0) for joints in people.values()]).reshape(n, 2)
    before = np.array([joints(time_s - 0.1)[[15, 16], :2].mean(axis=0) for joints in people.values()]).reshape(n, 2)
    return FloorTracks(
        np.array(list(people), np.int64),
        ankles,
        np.tile(np.eye(2) * 0.01, (n, 1, 1)),
        (ankles - before) / 0.1,
        np.ones(n),
        np.ones((n, cameras), np.bool_),
        np.full((n, 2, 3), np.nan),
    )
