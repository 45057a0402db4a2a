"""What stands on the command line of `aisle simulate`, read and checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.simulation.filming.recipes import Filming, Recipe, is_file
from datasets.simulation.scenario import ScenarioError, families
from store.plan import example_plan, load_plan

EXAMPLES = ("nano", "shop")
_SIDES = (64, 4096)


class OptionError(ValueError):
    """An option that cannot be: what was given, what is expected."""


@dataclass(frozen=True, slots=True)
class SimulateRequest:
    """What was asked for: one field an option."""

    scenarios: tuple[str, ...]
    store: str = "nano"
    seeds: str = "1"
    cameras: str | None = None
    resolution: str | None = None
    rate: float = 10.0
    format: str = "mp4"
    workers: int | None = None
    out: Path = Path("out/simulated")
    vary: bool = False


def recipes_of(request: SimulateRequest) -> list[Recipe]:
    """Every run that is asked for: each scenario with each seed.

    Raises ``OptionError``, ``ScenarioError`` for an unknown family or a file that is wrong, and ``PlanError``.
    """
    plan = plan_file(request.store)
    known = [view.camera for view in load_plan(plan).cameras]
    cameras = camera_names(request.cameras, known)
    if request.format not in ("mp4", "frames"):
        raise OptionError(f"--format {request.format}: expected mp4 or frames")
    filming = Filming(cameras, resolution(request.resolution), request.rate, request.format)  # type: ignore[arg-type]
    recipes = [
        Recipe(scenario, seed, plan, filming, vary=request.vary)
        for scenario in scenario_names(request.scenarios)
        for seed in seed_range(request.seeds)
    ]
    for scenario in {recipe.scenario: recipe for recipe in recipes}.values():
        scenario.read_scenario()
    return recipes


def scenario_names(given: Sequence[str]) -> list[str]:
    """The scenarios meant: families by name, files, or `all` families. Raises ``ScenarioError`` and ``OptionError``."""
    if not given:
        raise OptionError(f"which scenario? A YAML file, all, or one of: {', '.join(families())}")
    names = [name for word in given for name in (families() if word == "all" else (word,))]
    unknown = [name for name in names if not is_file(name) and name not in families()]
    if unknown:
        raise ScenarioError(
            f"no scenario called {', '.join(unknown)}; give a YAML file, all, or some of: {', '.join(families())}"
        )
    return list(dict.fromkeys(names))


def plan_file(store: str) -> Path:
    """The file of a plan: a path, or the name of an example."""
    return example_plan(store) if store in EXAMPLES else Path(store)  # type: ignore[arg-type]


def seed_range(text: str) -> range:
    """`3` is 0, 1 and 2; `10:13` is 10, 11 and 12. Raises ``OptionError``."""
    match = re.fullmatch(r"(?:(\d{1,9}):)?(\d{1,9})", text.strip())
    seeds = range(int(match[1] or 0), int(match[2])) if match else range(0)
    if not seeds:
        raise OptionError(f"--seeds {text}: expected how many (3 is 0, 1, 2) or FIRST:END (10:13 is 10, 11, 12)")
    return seeds


def camera_names(text: str | None, known: Sequence[str]) -> tuple[str, ...]:
    """Names between commas; none given are all. Raises ``OptionError`` listing those that the plan has."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(","))) if text else ()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OptionError(f"--cameras {', '.join(unknown)}: not in the plan; there are: {', '.join(known) or 'none'}")
    if not known:
        raise OptionError("this plan has no cameras: nothing can be filmed")
    return names


def resolution(text: str | None) -> tuple[int, int] | None:
    """`640x360` as (width, height), even and from 64 to 4096. Raises ``OptionError``."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(_SIDES[0] <= side <= _SIDES[1] and side % 2 == 0 for side in size):
        raise OptionError(
            f"--resolution {text}: expected WIDTHxHEIGHT as 640x360, even numbers from {_SIDES[0]} to {_SIDES[1]}"
        )
    return size
