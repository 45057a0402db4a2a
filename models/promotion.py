"""Which candidate is active: promotion, rollback, and going back from one that is broken. Safe between processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.candidates import Candidate, candidate_of
from models.entries import WeightEntry
from models.errors import FactsError, PromotionError, UnknownWeightsError
from models.facts import Role
from models.history import History, Record
from models.pointer import Pointer, PointerFile
from models.registry import active, shipped_for
from store.wheels import only_one

Outcome = Literal["better", "worse", "not known"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison on the guard set found: how the candidate is, beside ``against``, which was active then.

    ``said`` is one line for people: the number, by how much it differs, the interval, the data.
    """

    outcome: Outcome
    against: str
    said: str

    def __str__(self) -> str:
        return f"{self.outcome} than {self.against}: {self.said}" if self.outcome != "not known" else self._unknown()

    def _unknown(self) -> str:
        return f"not known whether better than {self.against}: {self.said}"


@dataclass(frozen=True, slots=True)
class Promotions:
    """The promotions in a registry folder."""

    registry: Path

    @property
    def history(self) -> History:
        """All that was done here."""
        return History(self.registry / "history.jsonl")

    def active(self, role: Role) -> WeightEntry | None:
        """What is active in a role; None where nothing is shipped or promoted."""
        try:
            return active(role, self.registry)
        except UnknownWeightsError:
            return None

    def promote(
        self, candidate: Candidate, verdict: Verdict | None, *, force: bool = False, reason: str = ""
    ) -> Record:
        """Make ``candidate`` the active one of its role.

        ``verdict`` is the comparison with what is active, None where there was none to make. Refused, with
        ``PromotionError`` and a record in the history, is a candidate that is active already, that is worse, that was
        not compared, that was compared with something else than what is active by now, or that was found broken
        before. ``force`` overrules all but the first, and needs a ``reason``.
        """
        role = candidate.facts.role
        if force and not reason.strip():
            raise PromotionError("a promotion that is forced needs a reason")
        with self._lock():
            now = self.active(role)
            before = now.name if now is not None else None
            wrong = self._objection(candidate, before, verdict)
            guard = str(verdict) if verdict is not None else ""
            if wrong and (not force or before == candidate.id):
                said = f"{wrong} {reason}".strip()
                self.history.append(
                    Record(what="refused", role=role, model=candidate.id, active=before, why=said, guard=guard)
                )
                raise PromotionError(f"{candidate.id} is not promoted: {wrong}")
            record = Record(
                what="promoted",
                role=role,
                model=candidate.id,
                active=candidate.id,
                before=before,
                why=reason.strip(),
                guard=guard,
                forced=bool(wrong),
            )
            pointer = PointerFile(self.registry, role)
            moved = pointer.read().to(candidate.id)
            self.history.append(record)
            pointer.write(moved)
        return record

    def refuse(self, candidate: Candidate, why: str) -> None:
        """Note that ``candidate`` is not promoted, and why."""
        role = candidate.facts.role
        with self._lock():
            now = self.active(role)
            active = now.name if now is not None else None
            self.history.append(Record(what="refused", role=role, model=candidate.id, active=active, why=why))

    def rollback(self, role: Role, reason: str = "") -> Record:
        """Go back to what was active before; candidates that are gone or were found broken are passed over.

        In a role for which nothing is shipped that may be nothing, and processes keep what they have. Raises
        ``PromotionError`` where nothing was active before.
        """
        with self._lock():
            pointer = PointerFile(self.registry, role)
            before = pointer.read()
            moved = self._earlier(role, before)
            if moved is None:
                raise PromotionError(f"nothing was active in the role {role!r} before: there is no way back")
            record = Record(
                what="rolled back",
                role=role,
                model=before.active or self._shipped(role) or "nothing",
                active=moved.active or self._shipped(role),
                why=reason.strip(),
            )
            self.history.append(record)
            pointer.write(moved)
        return record

    def mark_failed(self, role: Role, name: str, why: str) -> bool:
        """Note that a candidate is broken, and go back from it where it is active.

        False where that is known already, and nothing was done.
        """
        with self._lock():
            if name in self.history.failed(role):
                return False
            pointer = PointerFile(self.registry, role)
            before = pointer.read()
            moved = before
            if before.active == name:
                moved = self._earlier(role, before, but=name) or Pointer(version=before.version + 1)
            self.history.append(
                Record(what="failed", role=role, model=name, active=moved.active or self._shipped(role), why=why)
            )
            if moved is not before:
                pointer.write(moved)
        return True

    def _objection(self, candidate: Candidate, before: str | None, verdict: Verdict | None) -> str:
        if before == candidate.id:
            return "it is active already."
        if candidate.id in self.history.failed(candidate.facts.role):
            return "it was found broken before (`aisle models history` says how); --force with a --reason overrules."
        if before is None:
            return ""
        if verdict is None:
            return (
                f"it was not compared with {before}, which is active. Give --guard DATASET, or --force with a --reason."
            )
        if verdict.against != before:
            return f"it was compared with {verdict.against}, and meanwhile {before} is active. Promote it once more."
        if verdict.outcome == "worse":
            return f"it is {verdict} --force with a --reason overrules."
        return ""

    def _earlier(self, role: Role, pointer: Pointer, but: str | None = None) -> Pointer | None:
        """The pointer moved back to the newest model that can be used; None where there is none."""
        bad = self.history.failed(role) | {but}
        while pointer.before:
            pointer = pointer.back()
            if pointer.active is None or (pointer.active not in bad and self._exists(pointer.active)):
                return pointer
        return None

    def _exists(self, name: str) -> bool:
        try:
            return candidate_of(name, self.registry).network.is_file()
        except (UnknownWeightsError, FactsError):
            return False

    def _shipped(self, role: Role) -> str | None:
        entry = shipped_for(role)
        return entry.name if entry is not None else None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.registry.mkdir(parents=True, exist_ok=True)
        with only_one(self.registry / ".lock"):
            yield
