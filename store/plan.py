"""The plan of a shop, read from files and from the command line. Its parts: ``store.layout``, ``store.views``."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import ValidationError

from store.layout import Plan
from store.views import CameraView, Homography, Line, PlanError, Zone, check_homography

__all__ = [
    "CameraView",
    "Homography",
    "Line",
    "Plan",
    "PlanError",
    "Zone",
    "example_plan",
    "load_homography",
    "load_plan",
    "parse_line",
    "parse_zone",
]

Part = TypeVar("Part", Line, Zone)


def load_plan(path: Path) -> Plan:
    """Read a plan from YAML: the fields of ``Plan``, lines as ``{name, a: [x, y], b: [x, y]}``.

    Raises ``PlanError`` with the file, the line and the field.
    """
    text = _read(path, "plan")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise PlanError(f"plan {path}{where}: not YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(document, dict):
        raise PlanError(f"plan {path}: expected the fields store and cameras, found {type(document).__name__}")
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        problems = [
            f"line {_line_of(root, item['loc'])}, {'.'.join(map(str, item['loc'])) or 'plan'}: "
            f"{item['msg'].removeprefix('Value error, ')}"
            for item in error.errors(include_url=False)
        ]
        raise PlanError(f"plan {path}: {'; '.join(problems)}") from None


def example_plan(name: Literal["nano", "shop"]) -> Path:
    """The file of an example plan: a nano store of 40 m2, or a shop of 300 m2. Raises ``PlanError`` for another name."""
    path = Path(str(files("store") / "examples" / f"{name}.yaml"))
    if not path.is_file():
        raise PlanError(f"no example plan {name!r}; there are: nano, shop")
    return path


def parse_line(text: str, default_name: str = "line") -> Line:
    """Read ``x1,y1,x2,y2`` or ``NAME=x1,y1,x2,y2`` (pixels)."""
    name, numbers = _named_numbers(text, "line", "[NAME=]x1,y1,x2,y2", default_name)
    if len(numbers) != 4:
        raise PlanError(f"line {text!r}: expected 4 numbers ([NAME=]x1,y1,x2,y2), found {len(numbers)}")
    x1, y1, x2, y2 = numbers
    return _built(Line, f"line {text!r}", {"name": name, "a": (x1, y1), "b": (x2, y2)})


def parse_zone(text: str) -> Zone:
    """Read ``NAME=x1,y1,x2,y2,x3,y3,...`` (pixels, three points or more)."""
    expected = "NAME=x1,y1,x2,y2,x3,y3,..."
    name, numbers = _named_numbers(text, "zone", expected, None)
    if len(numbers) < 6 or len(numbers) % 2:
        raise PlanError(f"zone {text!r}: expected 6 numbers or more, two a point ({expected}), found {len(numbers)}")
    return _built(
        Zone, f"zone {text!r}", {"name": name, "polygon": tuple(zip(numbers[::2], numbers[1::2], strict=True))}
    )


def load_homography(path: Path) -> Homography:
    """Read a 3x3 matrix from pixels to metres: a JSON list of 3 rows, or text of 9 numbers, row by row."""
    text = _read(path, "homography")
    try:
        values: Any = json.loads(text)
    except ValueError:
        values = text.replace(",", " ").split()
    if isinstance(values, list) and any(isinstance(row, list) for row in values):
        if len(values) != 3 or any(not isinstance(row, list) or len(row) != 3 for row in values):
            raise PlanError(f"homography {path}: expected 3 rows of 3 numbers")
        values = [value for row in values for value in row]
    if not isinstance(values, list) or len(values) != 9:
        found = len(values) if isinstance(values, list) else type(values).__name__
        raise PlanError(f"homography {path}: expected 9 numbers, row by row, found {found}")
    numbers = [_number(value, f"homography {path}") for value in values]
    try:
        return check_homography(
            (
                (numbers[0], numbers[1], numbers[2]),
                (numbers[3], numbers[4], numbers[5]),
                (numbers[6], numbers[7], numbers[8]),
            )
        )
    except PlanError as error:
        raise PlanError(f"{path}: {error}") from None


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{what} {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _named_numbers(text: str, what: str, expected: str, default_name: str | None) -> tuple[str, list[float]]:
    name, equals, body = text.rpartition("=")
    name = name.strip() if equals else (default_name or "")
    if not name:
        raise PlanError(f"{what} {text!r}: a name is missing, expected {expected}")
    return name, [_number(part, f"{what} {text!r}, expected {expected}") for part in body.split(",")]


def _number(value: Any, where: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise PlanError(f"{where}: {value!r} is no number")
    return number


def _built(cls: type[Part], where: str, fields: dict[str, Any]) -> Part:
    try:
        return cls.model_validate(fields)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise PlanError(f"{where}: {message}") from None


def _line_of(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The line, from 1, of the innermost YAML node on the way to ``loc``."""
    line = 1
    for part in (*loc, None):
        if node is None:
            break
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            break
    return line
