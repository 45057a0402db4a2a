"""Which candidate is active in each role: one small file a role, replaced whole."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import PromotionError
from models.facts import Role


class Pointer(BaseModel):
    """``active`` is a candidate's id, None for what is shipped; ``before`` what was active earlier, newest last.

    ``version`` grows by one with each change, so that whoever looked before knows that something changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    active: str | None = None
    before: tuple[str | None, ...] = ()
    version: int = 0

    def to(self, candidate: str | None) -> Pointer:
        """The pointer after a promotion."""
        return Pointer(active=candidate, before=(*self.before, self.active), version=self.version + 1)

    def back(self) -> Pointer:
        """The pointer after a rollback. Raises ``PromotionError`` where nothing was active before."""
        if not self.before:
            raise PromotionError("nothing was active before")
        return Pointer(active=self.before[-1], before=self.before[:-1], version=self.version + 1)


@dataclass(frozen=True, slots=True)
class PointerFile:
    """The pointer of one role in a registry folder."""

    registry: Path
    role: Role

    @property
    def path(self) -> Path:
        """The file; missing until something is promoted."""
        return self.registry / "active" / f"{self.role}.json"

    def read(self) -> Pointer:
        """The pointer; that of an untouched registry where there is no file. Raises ``PromotionError``."""
        try:
            return Pointer.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Pointer()
        except (OSError, ValidationError) as error:
            raise PromotionError(
                f"{self.path} is broken ({str(error).splitlines()[0]}): delete it to go back to what is shipped"
            ) from error

    def write(self, pointer: Pointer) -> None:
        """Replace the pointer, on the disk when this returns; callers hold the registry's lock."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f".{self.path.name}.part")
        with part.open("w", encoding="utf-8") as file:
            file.write(pointer.model_dump_json() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path)

    def stamp(self) -> bytes | None:
        """Something that differs after each write: the file as it is, which is small; None without one.

        A file's time and number are not enough: two writes within a tick of the file system's clock may leave both.
        """
        try:
            return self.path.read_bytes()
        except OSError:
            return None
