"""What is wrong in a plan and where: faults that point deeper than the model whose validator finds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Loc = tuple[int | str, ...]
"""The way to a value: field names and places in lists, such as ``("fixtures", 0, "shelves", 2)``."""


class Fault(NamedTuple):
    """``message`` says what is wrong with the value at ``loc``, counted from the model that found it."""

    loc: Loc
    message: str


class FaultsError(ValueError):
    """The faults that a model's validator found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


def refuse(faults: Iterable[Fault]) -> None:
    """Raise ``FaultsError`` if there are any."""
    found = list(faults)
    if found:
        raise FaultsError(found)


def repeated(what: str, names: Sequence[tuple[Loc, str]]) -> Iterable[Fault]:
    """A fault for every name of ``names`` (where, name) that stands further ahead already."""
    seen: set[str] = set()
    for loc, name in names:
        if name in seen:
            yield Fault(loc, f"{what} must have different names, found twice: {name}")
        seen.add(name)
