"""The plan of a shop, read from files and from the command line. Its parts: ``store.layout``, ``store.views``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from store.documents import Document, read_text
from store.layout import Plan
from store.views import CameraView, Homography, Line, PlanError, Zone, check_homography

__all__ = [
    "CameraView",
    "Homography",
    "Line",
    "Plan",
    "PlanError",
    "PlanFile",
    "Zone",
    "example_plan",
    "load_homography",
    "load_plan",
    "parse_line",
    "parse_zone",
]

Part = TypeVar("Part", Line, Zone)


@dataclass(frozen=True, eq=False)
class PlanFile:
    """A plan with the file that it was read from, to say where something stands in it."""

    plan: Plan
    document: Document

    @classmethod
    def read(cls, path: Path) -> PlanFile:
        """Read a plan. Raises ``PlanError`` as ``load_plan``."""
        document = Document.read(path, "plan")
        if not isinstance(document.data, dict):
            found = type(document.data).__name__
            raise PlanError(f"plan {path}: expected the fields store and cameras, found {found}")
        return cls(document.parse(Plan), document)

    @property
    def catalogue_path(self) -> Path | None:
        """The file of the shop's own catalogue; None where its products are generated."""
        return None if self.plan.catalogue is None else self.document.path.parent / self.plan.catalogue


def load_plan(path: Path) -> Plan:
    """Read a plan from YAML (or ``.json``): the fields of ``Plan``, lines as ``{name, a: [x, y], b: [x, y]}``.

    Raises ``PlanError`` with the file, the line, the field and the reason of all that is wrong.
    """
    return PlanFile.read(path).plan


def example_plan(name: Literal["nano", "shop"]) -> Path:
    """The file of an example plan: a store of 40 m2, or a shop of 300 m2. Raises ``PlanError`` for another name."""
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
    text = read_text(path, "homography")
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
