"""Lights and cameras that fail, drawn by seed."""

from __future__ import annotations

import numpy as np

from datasets.simulation.errors import ScenarioError
from datasets.simulation.scenario.schema import Scenario
from datasets.simulation.timeline import CameraOutage, LightChange
from store.layout import Plan


def draw_lights(scenario: Scenario, seed: int) -> tuple[LightChange, ...]:
    """The scenario's changes of light, by time."""
    rng = np.random.default_rng([seed, 23])
    changes = [
        LightChange(
            time_s=float(rng.uniform(*light.at_s)),
            level=float(rng.uniform(*light.level)),
            colour=light.colour,
            fade_s=float(rng.uniform(*light.fade_s)),
        )
        for light in scenario.lights
    ]
    return tuple(sorted(changes, key=lambda change: change.time_s))


def draw_outages(scenario: Scenario, plan: Plan, seed: int) -> tuple[CameraOutage, ...]:
    """The scenario's lost cameras, by time. Raises ``ScenarioError`` for one that the plan does not have."""
    rng = np.random.default_rng([seed, 29])
    cameras = [view.camera for view in plan.cameras]
    found = []
    for number, outage in enumerate(scenario.outages):
        where = scenario.where("outages", number)
        if not cameras:
            raise ScenarioError(f"{where}: the plan of {plan.store} has no camera to lose")
        drawn = cameras[rng.integers(len(cameras))]
        if outage.camera is not None and outage.camera not in cameras:
            raise ScenarioError(f"{where}: no camera {outage.camera!r}; there are: {', '.join(cameras)}")
        start_s = float(rng.uniform(*outage.at_s))
        found.append(CameraOutage(outage.camera or drawn, start_s, start_s + float(rng.uniform(*outage.for_s))))
    return tuple(sorted(found, key=lambda outage: outage.start_s))
