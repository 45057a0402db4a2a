"""The plan that a server shows, and what its cameras see of the floor: worked out once for each state of the plan."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from api.problems import Problem
from insights.definitions import DEFAULT_RULES
from store.layout import Plan
from store.plan import PlanError, PlanFile

if TYPE_CHECKING:
    from api.floor_view import FloorView


class FloorPlans:
    """``plan`` as it was given, or what ``path`` holds now: the calibration page writes there while others read."""

    def __init__(self, plan: Plan | None, path: Path | None) -> None:
        self._plan, self._path = plan, path
        self._lock = threading.Lock()
        self._read_at: int | None = None
        self._view: tuple[Plan, FloorView] | None = None

    def plan(self) -> Plan | None:
        """The plan with a floor; None where there is none. A file that cannot be read now leaves the last one."""
        with self._lock:
            return self._current()

    def known(self) -> Plan:
        """The plan. Raises a 404 problem where there is none, or none with a floor."""
        plan = self.plan()
        if plan is None:
            detail = "This server knows no plan with a floor. Start it with `aisle serve PLAN`."
            raise Problem(404, "no-plan", "No plan", detail)
        return plan

    def view(self) -> tuple[Plan, FloorView]:
        """The plan and its view; the first call for a plan takes some seconds. Raises a 404 problem."""
        from api.floor_view import floor_view

        plan = self.known()
        with self._lock:
            if self._view is None or self._view[0] is not plan:
                self._view = plan, floor_view(plan, DEFAULT_RULES.cell_m)
            return self._view

    def _current(self) -> Plan | None:
        if self._path is not None:
            try:
                changed = self._path.stat().st_mtime_ns
                if changed != self._read_at:
                    self._plan, self._read_at = PlanFile.read(self._path).plan, changed
            except (OSError, PlanError):
                pass
        return self._plan if self._plan is not None and self._plan.floor is not None else None
