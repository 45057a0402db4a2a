"""The shape of one body: MakeHuman's macro targets, mixed by gender, age, muscle, weight, height and ancestry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.people.source import base, target


@dataclass(frozen=True, slots=True)
class Shape:
    """MakeHuman's macro parameters, each 0..1: ``gender`` 0 is female; ``age`` 0.1875 is ten years, 0.5 is 25, 1 is 90;
    ``height`` 0.5 is the average. ``ancestry`` are weights of ``african``, ``asian`` and ``caucasian`` that sum to 1.
    ``details`` are further targets (path below ``targets/``) with their factors.
    """

    gender: float
    age: float
    muscle: float
    weight: float
    height: float
    proportions: float = 0.5
    ancestry: Mapping[str, float] = field(default_factory=lambda: {"caucasian": 1.0})
    details: Mapping[str, float] = field(default_factory=dict)


def age_parameter(years: float) -> float:
    """MakeHuman's age of ``years``: 1 year is 0, 25 are 0.5, 90 are 1, straight between them."""
    return float(np.interp(years, [1.0, 25.0, 90.0], [0.0, 0.5, 1.0]))


def shaped(shape: Shape) -> NDArray[np.float64]:
    """All vertices of the base mesh (v, 3), helper shells included, in decimetres, with ``shape``'s targets applied."""
    vertices = base().vertices.copy()
    for name, factor in (_mixture(shape) | dict(shape.details)).items():
        if abs(factor) > 1e-4:
            rows, moved = target(name)
            vertices[rows] += factor * moved
    return vertices


def _mixture(shape: Shape) -> dict[str, float]:
    """The macro targets and their factors: products of one factor per parameter, as in MakeHuman's macro.json."""
    genders = {"female": 1.0 - shape.gender, "male": shape.gender}
    ages = {
        "child": float(np.interp(shape.age, [0.1875, 0.5], [1.0, 0.0])),
        "young": float(np.interp(shape.age, [0.1875, 0.5, 1.0], [0.0, 1.0, 0.0])),
        "old": float(np.interp(shape.age, [0.5, 1.0], [0.0, 1.0])),
    }
    muscles, weights = _low_middle_high(shape.muscle, "muscle"), _low_middle_high(shape.weight, "weight")
    heights = {"minheight": max(0.0, 1.0 - 2.0 * shape.height), "maxheight": max(0.0, 2.0 * shape.height - 1.0)}
    proportions = {
        "uncommonproportions": max(0.0, 1.0 - 2.0 * shape.proportions),
        "idealproportions": max(0.0, 2.0 * shape.proportions - 1.0),
    }
    factors: dict[str, float] = {}
    for (gender, g), (age, a) in product(genders.items(), ages.items()):
        for race, r in shape.ancestry.items():
            factors[f"macrodetails/{race}-{gender}-{age}"] = g * a * r
        for (muscle, m), (weight, w) in product(muscles.items(), weights.items()):
            body, share = f"{gender}-{age}-{muscle}-{weight}", g * a * m * w
            factors[f"macrodetails/universal-{body}"] = share
            factors |= {f"macrodetails/height/{body}-{name}": share * h for name, h in heights.items()}
            factors |= {f"macrodetails/proportions/{body}-{name}": share * p for name, p in proportions.items()}
    return factors


def _low_middle_high(value: float, name: str) -> dict[str, float]:
    return {
        f"min{name}": max(0.0, 1.0 - 2.0 * value),
        f"average{name}": 1.0 - abs(2.0 * value - 1.0),
        f"max{name}": max(0.0, 2.0 * value - 1.0),
    }
