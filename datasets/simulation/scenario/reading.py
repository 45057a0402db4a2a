"""Scenarios read from YAML files: the user's own, and the families that come with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from datasets.simulation.errors import ScenarioError
from datasets.simulation.scenario.schema import Scenario

Loc = tuple[int | str, ...]


def load_scenario(path: Path | str) -> Scenario:
    """Read a scenario from the YAML file at ``path``; its name is the file's, if it gives none.

    Raises ``ScenarioError`` with the file, the line and the field.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ScenarioError(f"scenario {path} cannot be read: {reason}") from None
    return parse_scenario(text, str(path), path.stem)


def families() -> tuple[str, ...]:
    """The names of the scenarios that come with Aisle, sorted."""
    folder = files("datasets.simulation.scenario") / "families"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def family(name: str) -> Scenario:
    """The scenario called ``name``. Raises ``ScenarioError`` listing the names that there are."""
    if name not in families():
        raise ScenarioError(f"no scenario called {name!r}; there are: {', '.join(families())}")
    source = files("datasets.simulation.scenario") / "families" / f"{name}.yaml"
    return parse_scenario(source.read_text(encoding="utf-8"), f"{name}.yaml", name)


def parse_scenario(text: str, file: str, name: str) -> Scenario:
    """The scenario in YAML ``text``, which messages call ``file``. Raises ``ScenarioError``."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ScenarioError(f"scenario {file}{where}: not YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(document, dict):
        raise ScenarioError(f"scenario {file}: expected fields as people and slots, found {type(document).__name__}")
    lines = {(): 1} | _lines(root, ())
    try:
        scenario = Scenario.model_validate({"name": name} | document)
    except ValidationError as error:
        problems = [_problem(lines, item) for item in error.errors(include_url=False)]
        raise ScenarioError(f"scenario {file}: {'; '.join(problems)}") from None
    scenario._lines, scenario._file = lines, file
    return scenario


def _problem(lines: dict[Loc, int], item: Any) -> str:
    loc: Loc = item["loc"]
    place = loc
    while place and place not in lines:
        place = place[:-1]
    what = ".".join(map(str, loc)) or "scenario"
    return f"line {lines[place]}, {what}: {item['msg'].removeprefix('Value error, ')}"


def _lines(node: yaml.Node | None, loc: Loc) -> dict[Loc, int]:
    """The line, from 1, of everything under ``node``."""
    found: dict[Loc, int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*loc, str(key.value))
            found[inner] = key.start_mark.line + 1
            found |= _lines(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            found[*loc, number] = value.start_mark.line + 1
            found |= _lines(value, (*loc, number))
    return found
