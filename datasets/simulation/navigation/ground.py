"""Where a person's middle may be: the floor less walls and furniture, and the ground before the gates."""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry.base import BaseGeometry

from datasets.simulation.errors import ScenarioError
from store.layout import Fixture, Gate, Plan

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

CELL_M = 0.1
BODY_M = 0.22  # half a body's width, from its middle to furniture that it walks along
TIGHT_M = 0.19  # the same for a place where somebody stands
TROLLEY_M = 0.30  # half a trolley's width and some room
APRON_M = 1.5  # how far before a gate the ground outside is free
ASIDE_M = 0.8  # how far that ground goes on beside the opening
_FINE_M = 0.05


class Ground:
    """The free ground of a plan as a field of distances, and the shortest ways on it.

    ``free`` is the ground as a polygon. ``low`` and ``high`` (2,) are the corners of its bounding box in metres.
    """

    def __init__(self, plan: Plan) -> None:
        """Raises ``ScenarioError`` for a plan without a floor."""
        self.free = free_ground(plan)
        west, south, east, north = self.free.bounds
        self.low = np.floor(np.array([west, south]) / CELL_M) * CELL_M - CELL_M
        self.high = np.array([east, north]) + CELL_M
        self._gates = [(np.array(gate.a), np.array(gate.b)) for gate in plan.gates]
        count = np.ceil((self.high - self.low) / _FINE_M).astype(int) // 2 * 2 + 1
        x = self.low[0] + np.arange(count[0]) * _FINE_M
        y = self.low[1] + np.arange(count[1]) * _FINE_M
        points = shapely.points(*np.meshgrid(x, y))
        shapely.prepare(self.free)
        inside = shapely.contains(self.free, points)
        self._clearance = np.where(inside, 1.0, -1.0) * shapely.distance(points, self.free.boundary)
        self._shape = self._clearance[::2, ::2].shape
        self._graphs: dict[float, csr_array] = {}
        self._fields: dict[tuple[float, float, float], Float] = {}

    def clearance(self, xy: Float) -> Float:
        """Metres from points (..., 2) to the nearest wall or furniture (...), negative inside of them."""
        at = (np.asarray(xy)[..., ::-1] - self.low[::-1]) / _FINE_M
        values = map_coordinates(self._clearance, at.reshape(-1, 2).T, order=1, mode="constant", cval=-1.0)
        return np.asarray(values).reshape(at.shape[:-1])

    def away_from_walls(self, xy: Float) -> Float:
        """Unit vectors (..., 2) that point away from the nearest wall or furniture at points (..., 2)."""
        step = np.array([_FINE_M, 0.0])
        slope = np.stack(
            [
                self.clearance(xy + step) - self.clearance(xy - step),
                self.clearance(xy + step[::-1]) - self.clearance(xy - step[::-1]),
            ],
            axis=-1,
        )
        return np.asarray(slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-6))

    def from_gates(self, xy: Float) -> Float:
        """Metres from points (..., 2) to the nearest gate's opening (...); infinite where there is none."""
        nearest = np.full(xy.shape[:-1], np.inf)
        for a, b in self._gates:
            share = np.clip((xy - a) @ (b - a) / max(float((b - a) @ (b - a)), 1e-9), 0.0, 1.0)
            nearest = np.minimum(nearest, np.linalg.norm(xy - a - share[..., None] * (b - a), axis=-1))
        return nearest

    def cells(self) -> Float:
        """Middles (rows, columns, 2) of the cells of ``CELL_M`` that ``distances`` and ``open_cells`` speak of."""
        y, x = np.meshgrid(*(np.arange(count) * CELL_M for count in self._shape), indexing="ij")
        return self.low + np.stack([x, y], axis=-1)

    def open_cells(self, body_m: float) -> Bool:
        """Cells (rows, columns) whose middle is ``body_m`` or more from walls and furniture."""
        return np.asarray(self._clearance[::2, ::2] >= body_m)

    def cell(self, xy: tuple[float, float], body_m: float) -> tuple[int, int] | None:
        """The open cell (row, column) nearest to ``xy``, None where there is none within two cells."""
        row, column = np.round((np.array(xy)[::-1] - self.low[::-1]) / CELL_M).astype(int)
        near = [(row + i, column + j) for i in range(-2, 3) for j in range(-2, 3)]
        usable = self.open_cells(body_m)
        near = [c for c in near if 0 <= c[0] < self._shape[0] and 0 <= c[1] < self._shape[1] and usable[c]]
        spots = [(math.dist(self.low + np.array(c)[::-1] * CELL_M, xy), c) for c in near]
        return min(spots)[1] if spots else None

    def distances(self, xy: tuple[float, float], body_m: float = BODY_M) -> Float:
        """Metres to walk from ``xy`` to each cell (rows, columns), infinite where no way leads."""
        key = (round(xy[0], 3), round(xy[1], 3), body_m)
        if key not in self._fields:
            cell = self.cell(xy, body_m)
            if cell is None:
                field = np.full(self._shape, np.inf)
            else:
                start = int(np.ravel_multi_index(cell, self._shape))
                field = dijkstra(self._graph(body_m), directed=False, indices=start).reshape(self._shape)
            if len(self._fields) > 256:
                self._fields.clear()
            self._fields[key] = field
        return self._fields[key]

    def _graph(self, body_m: float) -> csr_array:
        if body_m not in self._graphs:
            open_cells = self.open_cells(body_m)
            number = np.arange(open_cells.size).reshape(self._shape)
            rows, columns, lengths = [], [], []
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                here = (slice(0, self._shape[0] - down), slice(max(0, -right), self._shape[1] - max(0, right)))
                there = (slice(down, None), slice(max(0, right), self._shape[1] + min(0, right)))
                both = open_cells[here] & open_cells[there]
                rows.append(number[here][both])
                columns.append(number[there][both])
                lengths.append(np.full(int(both.sum()), math.hypot(down, right) * CELL_M))
            self._graphs[body_m] = csr_array(
                (np.concatenate(lengths), (np.concatenate(rows), np.concatenate(columns))),
                shape=(open_cells.size, open_cells.size),
            )
        return self._graphs[body_m]


def body_width(radius_m: float) -> float:
    """How near the middle of a person who needs ``radius_m`` comes to furniture on the way, in metres."""
    return min(max(radius_m - 0.03, BODY_M), TROLLEY_M)


def footprint(fixture: Fixture) -> BaseGeometry:
    """The rectangle of floor that a fixture stands on: its depth along the heading, its length across."""
    turn = math.radians(fixture.heading_deg)
    ahead = np.array([math.cos(turn), math.sin(turn)]) * fixture.depth_m / 2
    across = np.array([-math.sin(turn), math.cos(turn)]) * fixture.length_m / 2
    middle = np.array(fixture.xy)
    return shapely.Polygon(
        [middle + ahead + across, middle - ahead + across, middle - ahead - across, middle + ahead - across]
    )


def outward(plan: Plan, gate: Gate) -> Float:
    """Unit vector (2,) through a gate out of the shop. Raises ``ScenarioError`` for a gate inside of the floor."""
    assert plan.floor is not None
    a, b = np.array(gate.a), np.array(gate.b)
    normal = np.array([b[1] - a[1], a[0] - b[0]]) / max(math.dist(a, b), 1e-9)
    floor = shapely.Polygon(plan.floor.polygon)
    sides = [side for side in (normal, -normal) if not floor.contains(shapely.Point((a + b) / 2 + 0.1 * side))]
    if not sides:
        raise ScenarioError(f"gate {gate.name} lies inside the floor of {plan.store}: put it on the floor's edge")
    return np.asarray(sides[0])


def free_ground(plan: Plan) -> BaseGeometry:
    """The floor and the ground before the gates, less walls and furniture.

    Raises ``ScenarioError`` for a plan without a floor.
    """
    if plan.floor is None:
        raise ScenarioError(f"the plan of {plan.store} has no floor: nobody can walk there; add floor.polygon")
    floor = shapely.Polygon(plan.floor.polygon)
    edges = floor.exterior
    aprons = []
    for gate in plan.gates:
        a, b, out = np.array(gate.a), np.array(gate.b), outward(plan, gate)
        along = (b - a) / max(math.dist(a, b), 1e-9) * ASIDE_M
        aprons.append(shapely.Polygon([a - along, b + along, b + along + out * APRON_M, a - along + out * APRON_M]))
        # the opening itself, a little longer than drawn so that no splinter of wall stays at its ends
        edges = edges.difference(shapely.LineString([a, b]).buffer(0.02, cap_style="square"))
    ground = shapely.union_all([floor, *aprons])
    inner = [shapely.LineString([wall.a, wall.b]).buffer(wall.thickness_m / 2, cap_style="flat") for wall in plan.walls]
    solid = [edges.buffer(0.01), *inner, *(footprint(fixture) for fixture in plan.fixtures)]
    return ground.difference(shapely.union_all(solid))
