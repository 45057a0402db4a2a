"""People who walk about a room, as boxes in the pictures of cameras: upright bodies with noise, in no time at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cameras.calibration.tracks import CameraBoxes
from cameras.calibration.upright import body_boxes
from cameras.geometry import CameraModel
from store.views import CameraView, Lens, Pose

Float = NDArray[np.float64]
CORNERS = {"a": (0.3, 0.3), "b": (5.7, 0.3), "c": (5.7, 4.7), "d": (0.3, 4.7)}


def room(names: str = "abcd") -> dict[str, CameraModel]:
    """Cameras in the corners of a room of 6 by 5 metres, all looking at its middle."""
    lens = Lens(horizontal_view_deg=88, distortion=(-0.2, 0.04, 0, 0, 0))
    return {
        name: CameraModel.of(
            CameraView(
                camera=name,
                size=(640, 360),
                lens=lens,
                pose=Pose(position=(*CORNERS[name], 2.8), look_at=(3, 2.5, 0.7)),
            )
        )
        for name in names
    }


def places(people: int, seconds: float, rate_hz: float, seed: int) -> tuple[Float, Float]:
    """Times (t,) and places (t, people, 2) of people on smooth ways, at about a metre a second."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(0, seconds, 1 / rate_hz)
    speed, phase = rng.uniform(0.25, 0.55, (people, 2)), rng.uniform(0, 6.3, (people, 2))
    angle = time_s[:, None, None] * speed + phase
    return time_s, np.array([3.0, 2.5]) + np.array([1.9, 1.6]) * np.sin(angle)


def boxes(
    models: Mapping[str, CameraModel],
    people: int,
    seconds: float,
    *,
    rate_hz: float = 4.0,
    seed: int = 1,
    offsets_s: Mapping[str, float] | None = None,
    later: Mapping[str, tuple[float, CameraModel]] | None = None,
    noise: float = 0.02,
) -> list[CameraBoxes]:
    """What each camera's tracker tells, names as the people's; clocks ahead by ``offsets_s``, exposures not at once."""
    rng = np.random.default_rng([seed, 7])
    heights = np.random.default_rng([seed, 9]).normal(1.7, 0.09, people)
    found = []
    for number, (name, model) in enumerate(sorted(models.items())):
        fine, ways = places(people, seconds, 50.0, seed)
        exposed = np.arange(0.07 * number, seconds - 0.1, 1 / rate_hz)
        rows: list[tuple[float, str, Float]] = []
        for person in range(people):
            xy = np.column_stack([np.interp(exposed, fine, ways[:, person, k]) for k in (0, 1)])
            changed_s, changed = (later or {}).get(name, (np.inf, model))
            height = np.full(len(xy), heights[person])
            box = np.where(
                (exposed < changed_s)[:, None], body_boxes(model, xy, height), body_boxes(changed, xy, height)
            )
            tall = np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
            box = box + rng.normal(0, 1, box.shape) * noise * tall[:, None]
            middle = (box[:, :2] + box[:, 2:]) / 2
            kept = ((middle > 0) & (middle < model.size)).all(axis=1) & (rng.random(len(box)) > 0.1)
            box = np.clip(box, 0, np.tile(model.size, 2))
            rows += [(t, f"p{person}", b) for t, b in zip(exposed[kept].tolist(), box[kept], strict=True)]
        rows.sort(key=lambda row: (row[0], row[1]))
        ahead = (offsets_s or {}).get(name, 0.0)
        found.append(
            CameraBoxes(
                name,
                np.array([row[0] + ahead for row in rows]),
                np.array([row[1] for row in rows]),
                np.array([row[2] for row in rows]),
            )
        )
    return found


def in_time(told: Sequence[CameraBoxes]) -> list[tuple[float, CameraBoxes, NDArray[np.bool_]]]:
    """Moment, camera and its rows, of all cameras in order of time."""
    moments = [(float(t), each) for each in told for t in np.unique(each.time_s)]
    moments.sort(key=lambda pair: (pair[0], pair[1].camera))
    return [(t, each, each.time_s == t) for t, each in moments]
