"""What the cameras of a plan can know of each place of its floor: how many see somebody there, and how exactly.

A camera sees a person in a cell when it sees half of a body that stands in the cell's middle: inside its picture, past
furniture and walls. How exactly follows from the errors of boxes in pixels (``vision.floor.observations``): each
camera's look is three numbers with a covariance on the floor, and looks of several cameras add up. Where the feet are
hidden the head and a usual height must do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.survey.coverage import free_floor, visibility
from insights.floor_heatmap import FloorGrid
from store.layout import Plan
from store.plan import PlanError
from vision.floor.coverage import boxes_of
from vision.floor.observations import Rig, observe
from vision.floor.settings import BoxErrors

Float = NDArray[np.float64]

NOWHERE: Final = -1
_BODY: Final = np.array([0.05, 0.45, 0.85, 1.25, 1.65])  # heights of the points of a body, metres
_SEEN_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class FloorView:
    """The cells of ``grid``, row 0 with the smallest y.

    ``cameras`` int64 (rows, columns): how many see somebody who stands there, ``NOWHERE`` where nobody can stand.
    ``error_cm`` (rows, columns): the expected distance (root mean square) of a place found in one look of all of them
    from the true one, NaN where no camera sees.
    """

    grid: FloorGrid
    cameras: NDArray[np.int64]
    error_cm: Float


def floor_view(plan: Plan, cell_m: float, errors: BoxErrors | None = None) -> FloorView:
    """The view of a plan's floor by its cameras with lens and pose. Raises ``PlanError`` where it has no floor."""
    if plan.floor is None:
        raise PlanError(f"the plan of {plan.store} has no `floor`")
    from shapely import contains_xy

    corners = np.array(plan.floor.polygon)
    low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    grid = FloorGrid.around((low[0], low[1]), (high[0], high[1]), cell_m)
    x, y = np.meshgrid(
        grid.origin[0] + (np.arange(grid.columns) + 0.5) * cell_m,
        grid.origin[1] + (np.arange(grid.rows) + 0.5) * cell_m,
    )
    free = np.asarray(contains_xy(free_floor(plan), x, y), np.bool_)
    places = np.column_stack([x[free], y[free]])
    seen = _seen(plan, places)
    cameras = np.full((grid.rows, grid.columns), NOWHERE, np.int64)
    cameras[free] = (seen.mean(axis=2) >= _SEEN_SHARE).sum(axis=0)
    error_cm = np.full((grid.rows, grid.columns), np.nan)
    error_cm[free] = _errors_cm(plan, places, seen, errors or BoxErrors())
    return FloorView(grid, cameras, error_cm)


def _seen(plan: Plan, places: Float) -> NDArray[np.bool_]:
    """Which camera sees which point of a body at ``places`` (n, 2): (cameras, n, points)."""
    points = np.concatenate([np.repeat(places, len(_BODY), axis=0), np.tile(_BODY, len(places))[:, None]], axis=1)
    return visibility(plan, points).reshape(len(plan.cameras), len(places), len(_BODY))


def _errors_cm(plan: Plan, places: Float, seen: NDArray[np.bool_], errors: BoxErrors) -> Float:
    """The expected error (n,) of a place in one look of all cameras that see it, NaN where none does."""
    information = np.zeros((len(places), 3, 3))
    people = np.column_stack([places, np.full(len(places), errors.height_m)])
    for view, own in zip(plan.cameras, seen, strict=True):
        index = np.flatnonzero(own.mean(axis=1) >= _SEEN_SHARE)
        if view.lens is None or view.pose is None or not len(index):
            continue
        # Boxes are made without the lens's distortion, and looked at without it.
        model = CameraModel.of(view)
        rig = Rig.of((replace(model, distortion=np.zeros_like(model.distortion)),))
        boxes, _ = boxes_of(rig, people[index])
        boxes = np.clip(boxes[:, 0], 0.0, np.tile(rig.size[0], 2))
        # A box that furniture cuts says as little of the feet as one that the picture cuts.
        hidden = ~own[index, 0]
        boxes[hidden, 3] = rig.size[0, 1]
        known = np.isfinite(boxes).all(axis=1)
        looks = observe(rig, np.zeros(int(known.sum()), np.int64), boxes[known], errors)
        information[index[known][looks.box]] += np.swapaxes(looks.weight, 1, 2) @ looks.weight
    found = information.any(axis=(1, 2))
    information[:, 2, 2] += errors.height_sd_m**-2
    information[~found] = np.eye(3)
    variance = np.linalg.inv(information)
    return np.where(found, 100 * np.sqrt(variance[:, 0, 0] + variance[:, 1, 1]), np.nan)
