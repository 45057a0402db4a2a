"""What was promoted, refused, rolled back and found broken: one line each, appended and never changed."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.facts import Role

Deed = Literal["promoted", "refused", "rolled back", "failed"]


def who_am_i() -> str:
    """USER@MACHINE of this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


class Record(BaseModel):
    """One deed. ``model`` is what it was about and ``active`` what is active since, ids or names; None: nothing.

    ``why`` is the reason: that of the refusal, or the one that was given; ``guard`` what the comparison on the guard
    set said. ``forced`` tells that a refusal was overruled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    who: str = Field(default_factory=who_am_i)
    what: Deed
    role: Role
    model: str
    active: str | None
    before: str | None = None
    why: str = ""
    guard: str = ""
    forced: bool = False

    def __str__(self) -> str:
        said = [f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} {self.who} {self.what} {self.model}"]
        if self.what == "promoted":
            said.append(f"before: {self.before or 'nothing'}")
        elif self.what != "refused":
            said.append(f"active since: {self.active or 'nothing'}")
        return ", ".join([*said, *(["forced"] if self.forced else []), *filter(None, (self.guard, self.why))])


@dataclass(frozen=True, slots=True)
class History:
    """The history file of a registry folder; whoever appends holds the registry's lock."""

    path: Path

    def append(self, record: Record) -> None:
        """Add a record; it is on the disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            # A line that a crash cut short must not swallow this one.
            if file.tell() and not _ends_a_line(file.fileno(), file.tell()):
                file.write(b"\n")
            file.write(record.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, role: Role | None = None) -> Iterator[Record]:
        """The records of a role, or of all, oldest first; a line that was cut short is passed over."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                record = Record.model_validate_json(line)
            except ValidationError:
                continue
            if role in (None, record.role):
                yield record

    def failed(self, role: Role) -> set[str]:
        """The candidates that were found broken and not promoted since."""
        found: set[str] = set()
        for record in self.read(role):
            if record.what == "failed":
                found.add(record.model)
            elif record.what == "promoted":
                found.discard(record.model)
        return found


def _ends_a_line(handle: int, size: int) -> bool:
    return os.pread(handle, 1, size - 1) == b"\n"
