"""A plan as pages draw it."""

from __future__ import annotations

from typing import Any

from store.layout import Plan, footprint


def drawing(plan: Plan) -> dict[str, Any]:
    """The plan's shapes in metres, and the corners ``low`` and ``high`` that hold them all with a margin."""
    shapes: list[dict[str, Any]] = [
        {"kind": "fixture", "name": each.name, "points": footprint(each)} for each in plan.fixtures
    ]
    if plan.floor is not None:
        shapes.insert(0, {"kind": "floor", "name": "", "points": plan.floor.polygon})
    shapes += [{"kind": "gate", "name": gate.name, "points": (gate.a, gate.b)} for gate in plan.gates]
    shapes += [{"kind": "wall", "name": wall.name, "points": (wall.a, wall.b)} for wall in plan.walls]
    every: list[tuple[float, float]] = [point for shape in shapes for point in shape["points"]] or [
        (0.0, 0.0),
        (10.0, 10.0),
    ]
    low = [min(point[k] for point in every) - 0.5 for k in (0, 1)]
    high = [max(point[k] for point in every) + 0.5 for k in (0, 1)]
    return {"shapes": shapes, "low": low, "high": high}


def slot_fronts(plan: Plan) -> dict[str, list[float]]:
    """The ends of each slot's front on the floor, x1, y1, x2, y2 in metres, by slot; boards lie above one another."""
    found = {}
    for each in plan.slots():
        (x, y, _), (ax, ay) = each.corner, each.along
        found[each.id] = [round(v, 3) for v in (x, y, x + ax * each.width_m, y + ay * each.width_m)]
    return found
