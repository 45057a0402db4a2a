"""What a detector would tell of the people of a simulated shop, without drawing a picture: true boxes with noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.scene import Scene, SceneState
from datasets.simulation.sensors.clocks import camera_clock
from datasets.simulation.survey.obstacles import Boxes
from datasets.simulation.timeline import Timeline
from datasets.simulation.truth.silhouettes import Silhouette, full_box

Float = NDArray[np.float64]

HEIGHTS_M: Final = np.linspace(0.05, 1.55, 11)
LEAST_SEEN: Final = 0.5  # of a body's height: of whom less is seen, nobody is detected
JITTER: Final = 0.03  # of the box's height: standard deviation of each side's place
MISSED: Final = 0.10
_AT_ONCE: Final = 200


@dataclass(frozen=True, eq=False)
class WalkerBoxes:
    """People in one camera's pictures, in order of time: ``time_s`` (n,) by the camera's clock, ``true_s`` (n,) by the
    shop's, ``actor`` int (n,), ``xyxy`` (n, 4) noisy boxes of what is seen, ``xy_m`` (n, 2) where they truly are.
    """

    camera: str
    offset_s: float
    time_s: Float
    true_s: Float
    actor: NDArray[np.int64]
    xyxy: Float
    xy_m: Float


def walker_boxes(
    timeline: Timeline,
    cameras: Sequence[CameraModel],
    rate_hz: float,
    seed: int,
    *,
    later: Mapping[str, tuple[float, CameraModel]] | None = None,
    scene: Scene | None = None,
) -> dict[str, WalkerBoxes]:
    """The boxes that each camera gives at ``rate_hz``, every camera by a clock of its own.

    ``later`` names cameras that are others from a moment on (they were bumped). What furniture hides is cut off a box,
    and so is what lies outside the picture. Same arguments, same boxes.
    """
    scene = scene or Scene(timeline)
    shapes = [Silhouette.of(actor.character) for actor in timeline.actors]
    hiding = Boxes.of(timeline.plan)
    found = {}
    for camera in cameras:
        clock = camera_clock(timeline.seed, camera.camera, rate_hz, timeline.duration_s, timeline.outages)
        rng = np.random.default_rng([seed, *camera.camera.encode()])
        rows: list[tuple[float, float, int, Float, Float]] = []
        kept = np.flatnonzero(clock.kept)
        for part in np.split(kept, np.arange(_AT_ONCE, len(kept), _AT_ONCE)):
            states = scene.states(clock.time_s[part])
            for exposure, state in zip(part.tolist(), states, strict=True):
                changed_s, changed = (later or {}).get(camera.camera, (np.inf, camera))
                model = changed if state.time_s >= changed_s else camera
                for actor, box, xy in _seen(model, state, shapes, hiding):
                    height = box[3] - box[1]
                    noisy = box + rng.normal(0.0, JITTER * height / np.sqrt(2), 4)
                    if rng.random() >= MISSED and noisy[2] > noisy[0] and noisy[3] > noisy[1]:
                        rows.append((float(clock.stamped_s[exposure]), state.time_s, actor, noisy, xy))
        found[camera.camera] = WalkerBoxes(
            camera.camera,
            clock.offset_s,
            np.array([row[0] for row in rows]),
            np.array([row[1] for row in rows]),
            np.array([row[2] for row in rows], np.int64),
            np.array([row[3] for row in rows]).reshape(-1, 4),
            np.array([row[4] for row in rows]).reshape(-1, 2),
        )
    return found


def _seen(
    camera: CameraModel, state: SceneState, shapes: Sequence[Silhouette], hiding: Boxes
) -> list[tuple[int, Float, Float]]:
    width, height = camera.size
    found = []
    for place, actor in enumerate(state.actors.tolist()):
        xy = state.xy[place]
        column = np.column_stack([np.tile(xy, (len(HEIGHTS_M), 1)), HEIGHTS_M])
        pixels = camera.project(column)
        with np.errstate(invalid="ignore"):
            inside = ((pixels >= 0) & (pixels < camera.size)).all(axis=1)
        if not inside.any():
            continue
        visible = inside & ~hiding.hide(camera.position, column)
        if visible.mean() < LEAST_SEEN:
            continue
        points = shapes[actor].posed(state.matrices[place])
        # What is seen of the body: its points between the lowest and the highest part of the column that is.
        low, high = HEIGHTS_M[visible].min(), HEIGHTS_M[visible].max()
        keep = (points[:, 2] >= (low if low > HEIGHTS_M[0] else -1)) & (points[:, 2] <= (high if high < 1.5 else 9.0))
        box = full_box(camera.project(points[keep]))
        box = np.clip(box, 0, (width, height, width, height))
        if np.isfinite(box).all() and box[2] - box[0] > 4 and box[3] - box[1] > 8:
            found.append((actor, box, xy))
    return found
