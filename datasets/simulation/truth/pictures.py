"""What is true of one picture: who is in it, where, how much of each is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.formats.coco import KEYPOINTS, RunLengths, encode_columns
from datasets.simulation.characters import Character
from datasets.simulation.keypoints import coco_keypoints
from datasets.simulation.scene import SceneState
from datasets.simulation.truth.silhouettes import PARTS, Silhouette, full_box, paint

Float = NDArray[np.float64]

HIDDEN, VISIBLE = 1, 2
_EACH: Final = np.arange(len(KEYPOINTS))
_HEAD: Final = PARTS.index("head")
_FACE: Final = 5  # the first keypoints lie on the head's surface
# A keypoint of the face further from the camera than the head's middle by more than this looks away from it.
_BEHIND_M: Final = 0.03


@dataclass(frozen=True, eq=False)
class PictureTruth:
    """The n people whose whole body's box meets one picture.

    ``actor`` int (n,) into ``Timeline.actors``; ``full_xyxy`` (n, 4) around the whole body, which may exceed the
    picture, ``visible_xyxy`` (n, 4) around the pixels that show it (right and bottom edges past the last pixel, zeros
    where none does); ``visible_area`` (n,) their number and ``visible_share`` (n,) their share of what the whole body
    would cover if nothing hid it and the picture had no edge. ``keypoints`` (n, 17, 3) x, y, v in COCO's order and
    meaning; ``masks`` their run lengths, None for those unseen; ``xy_m`` (n, 2) on the floor.
    """

    actor: NDArray[np.int64]
    full_xyxy: Float
    visible_xyxy: Float
    visible_area: NDArray[np.int64]
    visible_share: Float
    keypoints: Float
    masks: tuple[RunLengths | None, ...]
    xy_m: Float

    def __len__(self) -> int:
        return len(self.actor)


class PictureTruths:
    """Finds the truth of pictures of one timeline's ``characters``, whose places are those of ``Timeline.actors``."""

    def __init__(self, characters: Sequence[Character]) -> None:
        self._characters = tuple(characters)
        self._silhouettes = tuple(Silhouette.of(character) for character in characters)
        self._own = _parts_of_keypoints()

    def of(self, camera: CameraModel, state: SceneState, ids: NDArray[np.uint8]) -> PictureTruth:
        """The truth of the picture that ``camera`` takes of ``state``.

        ``ids`` uint8 (H, W) of the camera's size says whose body each pixel shows: 0 nobody's, else 1 + the place in
        ``state.actors``.
        """
        columns = np.asarray(cv2.transpose(ids), np.uint8)
        covered: list[NDArray[np.bool_]] = []
        found: list[tuple[int, int, Float, Float, int, float, Float, RunLengths | None]] = []
        width, height = camera.size
        actors = state.actors.tolist()
        points = [
            np.concatenate(
                [
                    self._silhouettes[actor].posed(state.matrices[place]),
                    coco_keypoints(self._characters[actor], state.matrices[place][None])[0],
                ]
            )
            for place, actor in enumerate(actors)
        ]
        # All at once: what a projection costs is mostly the same for one point and for thousands.
        xyz = np.concatenate([np.zeros((0, 3)), *points])
        ends = np.cumsum([len(each) for each in points])[:-1]
        projected = zip(np.split(camera.project(xyz), ends), np.split(camera.to_camera(xyz)[:, 2], ends), strict=True)
        for place, (actor, (pixels, depth)) in enumerate(zip(actors, projected, strict=False)):
            body, joints = slice(0, -len(KEYPOINTS)), slice(-len(KEYPOINTS), None)
            box = full_box(pixels[body])
            if not (box[2] > 0 and box[3] > 0 and box[0] < width and box[1] < height):
                continue
            painted = paint(self._silhouettes[actor], pixels[body], depth[body], box)
            visible, area, mask = _seen(columns, place + 1, box)
            if area:
                # Hulls miss a pixel of hair or hem here and there; what is seen is surely a part of the whole.
                box = np.concatenate([np.minimum(box[:2], visible[:2]), np.maximum(box[2:], visible[2:])])
            share = min(area / painted.area, 1.0)
            at = pixels[joints]
            over = painted.parts_at(at)
            hidden = (over >= 0) & ~self._own[_EACH, over]
            hidden &= painted.depth[over] < depth[joints]
            hidden[:_FACE] |= depth[joints][:_FACE] > painted.depth[_HEAD] + _BEHIND_M
            covered.append(hidden)
            found.append((place, actor, box, visible, area, share, at, mask))
        labels = np.array([row[0] + 1 for row in found])
        places = np.array([row[6] for row in found]).reshape(-1, len(KEYPOINTS), 2)
        told = _visibility(places, np.array(covered, np.bool_).reshape(places.shape[:2]), ids, labels)
        keypoints = np.concatenate([places, told[..., None]], axis=2)
        keypoints[told == 0] = 0.0
        return PictureTruth(
            actor=np.array([row[1] for row in found], np.int64),
            full_xyxy=np.array([row[2] for row in found]).reshape(-1, 4),
            visible_xyxy=np.array([row[3] for row in found]).reshape(-1, 4),
            visible_area=np.array([row[4] for row in found], np.int64),
            visible_share=np.array([row[5] for row in found], np.float64),
            keypoints=keypoints,
            masks=tuple(row[7] for row in found),
            xy_m=state.xy[[row[0] for row in found]].reshape(-1, 2),
        )


def _seen(columns: NDArray[np.uint8], label: int, box: Float) -> tuple[Float, int, RunLengths | None]:
    """Box, number and run lengths of the pixels with ``label``; ``columns`` (W, H); looks 2 pixels around ``box``."""
    width = len(columns)
    left, right = max(int(box[0]) - 2, 0), min(int(box[2]) + 3, width)
    mask = columns[left:right] == label
    x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
    if not w:
        return np.zeros(4), 0, None
    # The columns run along the first axis here: what cv2 calls y is the picture's x.
    own = np.ascontiguousarray(mask[y : y + h])
    xyxy = np.array([left + y, x, left + y + h, x + w], np.float64)
    return xyxy, int(np.count_nonzero(own)), encode_columns(own, left + y, width)


def _visibility(at: Float, covered: NDArray[np.bool_], ids: NDArray[np.uint8], labels: NDArray[np.int64]) -> Float:
    """COCO's v (n, k) of people's keypoints at ``at`` (n, k, 2): seen where their own body shows within a pixel.

    ``labels`` (n,) are those of the people in ``ids``; what is ``covered`` (n, k) is hidden by the body itself.
    """
    height, width = ids.shape
    inside = np.asarray(((at >= 0) & (at < (width, height))).all(axis=2))  # NaN is not inside
    place = np.where(inside[..., None], at, 0.0).astype(np.int64)
    step = np.arange(-1, 2)
    rows = np.minimum(np.maximum(place[..., 1, None] + step, 0), height - 1)
    cols = np.minimum(np.maximum(place[..., 0, None] + step, 0), width - 1)
    shown = (ids[rows[..., :, None], cols[..., None, :]] == labels[:, None, None, None]).any(axis=(2, 3)) & ~covered
    return np.where(inside, np.where(shown, VISIBLE, HIDDEN), 0).astype(np.float64)


def _parts_of_keypoints() -> NDArray[np.bool_]:
    """Which parts (17, parts) a keypoint belongs to, so that they do not hide it."""
    sided = {
        "shoulder": ("upperarm", "chest"),
        "elbow": ("upperarm", "lowerarm"),
        "wrist": ("lowerarm", "hand"),
        "hip": ("thigh", "hips"),
        "knee": ("thigh", "calf"),
        "ankle": ("calf", "foot"),
    }
    own = np.zeros((len(KEYPOINTS), len(PARTS)), np.bool_)
    for number, name in enumerate(KEYPOINTS):
        side, _, joint = name.partition("_")
        for part in sided.get(joint, ("head",)):
            own[number, PARTS.index(part if part in PARTS else f"{part}_{side[0]}")] = True
    return own
