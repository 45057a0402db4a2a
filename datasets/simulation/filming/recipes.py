"""What to simulate, in words that can be written down: a scenario, a seed, a plan, and how to film it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from cameras.geometry import CameraModel
from datasets.manifest import sha256
from datasets.simulation.scenario import family, load_scenario, play
from datasets.simulation.scenario.playing import START
from datasets.simulation.scenario.schema import Scenario
from datasets.simulation.shop import load_shop
from datasets.simulation.timeline import Timeline
from datasets.simulation.variation import varied
from store.layout import Plan
from store.plan import PlanFile, load_plan

Format = Literal["mp4", "frames"]


@dataclass(frozen=True, slots=True)
class Filming:
    """How a run is filmed: ``cameras`` of the plan by name (none given: all), ``size`` of the pictures (width, height;
    None: the plan's), ``rate_hz`` frames a second, videos or folders of JPEGs. Not ``annotated``: without what is true
    of each picture (boxes, joints, masks) and without a preview, which costs a tenth less. With ``near_reaches_s`` only
    what is at most so many seconds from a hand's contact with a shelf is filmed.
    """

    cameras: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    rate_hz: float = 10.0
    format: Format = "mp4"
    annotated: bool = True
    near_reaches_s: float | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """One run. ``scenario`` is a family's name or a YAML file's path, ``plan`` a file; with ``vary`` the shop is not
    that plan's but its variation of this seed.
    """

    scenario: str
    seed: int
    plan: Path
    filming: Filming = Filming()
    start: float = START
    vary: bool = False

    @property
    def name(self) -> str:
        """What the run's folder is called."""
        return f"{safe_name(Path(self.scenario).stem if is_file(self.scenario) else self.scenario)}-{self.seed:04d}"

    def read_scenario(self) -> Scenario:
        """The scenario. Raises ``ScenarioError``."""
        return load_scenario(Path(self.scenario)) if is_file(self.scenario) else family(self.scenario)

    def play(self) -> Timeline:
        """All that happens. Raises ``ScenarioError`` and ``PlanError`` that say what is wrong and where."""
        scenario = self.read_scenario()
        plan, catalogue = load_shop(self.plan, self.seed)
        return play(self._own(plan), catalogue, scenario, self.seed, start=self.start)

    def camera_models(self) -> tuple[CameraModel, ...]:
        """The cameras that film, in the plan's order. Raises ``PlanError`` for one that the plan does not know."""
        plan = self._own(load_plan(self.plan))
        wanted = [plan.view(camera) for camera in self.filming.cameras] or list(plan.cameras)
        views = [view for view in plan.cameras if view in wanted]
        return tuple(CameraModel.of(view, self.filming.size) for view in views)

    def _own(self, plan: Plan) -> Plan:
        return varied(plan, self.seed) if self.vary else plan

    def settings(self) -> dict[str, Any]:
        """All that decides what the run holds, as JSON has it: two runs with the same settings are the same."""
        filming = asdict(self.filming)
        filming["cameras"] = [model.camera for model in self.camera_models()]
        filming["size"] = list(self.filming.size) if self.filming.size else None
        if filming["annotated"]:
            del filming["annotated"]
        if filming["near_reaches_s"] is None:
            del filming["near_reaches_s"]
        return {
            "scenario": self.name.rpartition("-")[0],
            "scenario_sha256": sha256(Path(self.scenario)) if is_file(self.scenario) else None,
            "seed": self.seed,
            "plan_sha256": sha256(self.plan),
            "catalogue_sha256": sha256(catalogue) if (catalogue := PlanFile.read(self.plan).catalogue_path) else None,
            "start": self.start,
            **filming,
            **({"vary": True} if self.vary else {}),
        }


def is_file(scenario: str) -> bool:
    """Whether a scenario is meant as a file rather than by a family's name."""
    return scenario.endswith((".yaml", ".yml")) or "/" in scenario


def safe_name(name: str) -> str:
    """``name`` with only letters, digits, dots, dashes and underscores, for files and folders."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "unnamed"
