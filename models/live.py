"""The active network of a role in a process that never stops: a promotion takes its place between two calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from models.candidates import registry_dir
from models.entries import Registered, WeightEntry
from models.errors import ModelError, UnknownWeightsError
from models.facts import Role
from models.pointer import PointerFile
from models.promotion import Promotions
from models.registry import active, shipped_for
from models.selftest import self_test

log = structlog.get_logger(__name__)

Network = TypeVar("Network")
Answer = TypeVar("Answer")
_Stamp = bytes | None


@dataclass(frozen=True, slots=True, eq=False)
class _Ready(Generic[Network]):
    """An opened network that passed its self-test; ``stamp`` is the pointer's of then."""

    entry: WeightEntry
    network: Network
    stamp: _Stamp


class LiveModel(Generic[Network]):
    """A role's active network, which follows promotions and rollbacks while it is used.

    ``open_network`` opens a network, ``check`` raises where an opened one gives senseless answers. The pointer is
    looked at once in ``look_every_s``, in a call; what is promoted is opened and tested in a thread of its own, and
    takes over between two calls. One that fails its test, or raises in its first ``trial`` calls, is taken back by
    itself: the network before it answers that very call, and the registry's history has the candidate as failed.

    Calls come from one thread; another thread has a ``LiveModel`` of its own.
    """

    def __init__(
        self,
        role: Role,
        open_network: Callable[[WeightEntry], Network],
        *,
        check: Callable[[Network], None] = lambda network: None,
        registry: Path | None = None,
        look_every_s: float = 1.0,
        trial: int = 100,
    ) -> None:
        self._role, self._open, self._check = role, open_network, check
        self._registry = registry or registry_dir()
        self._pointer = PointerFile(self._registry, role)
        self._promotions = Promotions(self._registry)
        self._look_every_s, self._trial = look_every_s, trial
        self._left = 0
        self._before: _Ready[Network] | None = None
        self._next: _Ready[Network] | None = None
        self._opening: threading.Thread | None = None
        self._stamp = self._pointer.stamp()
        self._now = self._first()
        self._look_at = time.monotonic() + look_every_s

    @property
    def entry(self) -> WeightEntry:
        """What answers now."""
        return self._now.entry

    def call(self, use: Callable[[Network], Answer]) -> Answer:
        """What ``use`` makes of the network that is active now.

        Raises what ``use`` raises, but for a network on trial: then the one before it is used.
        """
        self._look()
        self._take_over()
        try:
            answer = use(self._now.network)
        except Exception as error:
            if self._before is None:
                raise
            # Where this raises too, it is what was asked that is at fault, and not the network.
            answer = use(self._before.network)
            self._fail(self._now.entry, error)
            self._now, self._before = self._before, None
            return answer
        if self._before is not None:
            self._left -= 1
            if self._left <= 0:
                self._before = None
        return answer

    def close(self) -> None:
        """Wait for what is being opened; the network itself needs no closing."""
        if self._opening is not None:
            self._opening.join()

    def _look(self) -> None:
        """Start to open what is active, if that changed; at most one is opened at a time."""
        if time.monotonic() < self._look_at or (self._opening is not None and self._opening.is_alive()):
            return
        self._look_at = time.monotonic() + self._look_every_s
        stamp = self._pointer.stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self._opening = threading.Thread(target=self._prepare, args=(stamp,), name=f"aisle-open-{self._role}")
            self._opening.daemon = True
            self._opening.start()

    def _take_over(self) -> None:
        """Use what has become ready, unless something else was promoted since."""
        ready = self._next
        if ready is None:
            return
        self._next = None
        if ready.stamp != self._pointer.stamp() or ready.entry.name == self._now.entry.name:
            return
        log.info("promoted model in use", role=self._role, model=ready.entry.name, before=self._now.entry.name)
        self._before, self._now, self._left = self._now, ready, self._trial

    def _prepare(self, stamp: _Stamp) -> None:
        try:
            entry = active(self._role, self._registry)
        except ModelError as error:
            log.warning("the registry has no active model, the one in use stays", role=self._role, reason=str(error))
            return
        if entry.name != self._now.entry.name:
            try:
                self._next = self._tested(entry, stamp)
            except Exception as error:
                self._fail(entry, error)

    def _tested(self, entry: WeightEntry, stamp: _Stamp) -> _Ready[Network]:
        self_test(entry)
        network = self._open(entry)
        self._check(network)
        return _Ready(entry, network, stamp)

    def _first(self) -> _Ready[Network]:
        """Open what is active, passing over candidates that are broken. Raises where what is shipped is broken."""
        tried: set[str] = set()
        while True:
            entry = active(self._role, self._registry)
            if entry.name in tried:  # it could not be marked as failed
                found = shipped_for(self._role)
                if found is None or found.name in tried:
                    raise UnknownWeightsError(f"no model of the role {self._role!r} passes its self-test")
                entry = found
            tried.add(entry.name)
            try:
                return self._tested(entry, self._stamp)
            except Exception as error:
                if not isinstance(entry.source, Registered):
                    raise
                self._fail(entry, error)
                self._stamp = self._pointer.stamp()

    def _fail(self, entry: WeightEntry, error: Exception) -> None:
        """Say once that a model is broken, and take it back for every process that uses this registry."""
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        try:
            first = not isinstance(entry.source, Registered) or self._promotions.mark_failed(
                self._role, entry.name, reason
            )
        except OSError as problem:
            first, reason = True, f"{reason} (and the registry cannot be written: {problem})"
        if first:
            log.error("promoted model failed and was taken back", role=self._role, model=entry.name, reason=reason)
