"""What an evaluation found, for people as a table and for programs as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training.evaluate.crossings import CrossingScores
from training.evaluate.metrics import TrackingScores

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Outcome:
    """One tracker's scores, its updates per second of CPU time, and its counts where a line was given."""

    scores: TrackingScores
    updates_per_cpu_s: float
    crossings: CrossingScores | None = None

    def as_json(self) -> dict[str, Any]:
        """The keys of the command's JSON."""
        crossings = {} if self.crossings is None else {"crossings": self.crossings.as_json()}
        return {**self.scores.as_json(), "updates_per_cpu_s": round(self.updates_per_cpu_s, 1), **crossings}


@dataclass(frozen=True, slots=True)
class Report:
    """Our outcome and the peers', over the frames ``first_frame`` to ``last_frame``."""

    ours: Outcome
    first_frame: int
    last_frame: int
    peers: Mapping[str, Outcome] = field(default_factory=dict)

    def as_json(self) -> str:
        """One JSON object: our keys, and the peers' under ``peers``."""
        peers = {"peers": {name: outcome.as_json() for name, outcome in self.peers.items()}} if self.peers else {}
        return json.dumps({**self.ours.as_json(), **peers}, indent=2)

    def as_table(self) -> Table:
        """A table for people, a row a tracker; "crossed" is true crossings found of those there were."""
        from rich import box
        from rich.table import Table

        table = Table(
            title=f"Frames {self.first_frame} to {self.last_frame}",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            collapse_padding=True,
        )
        headings = ["HOTA", "IDF1", "MOTA", "IDSW", "ids", "people", "updates/s"]
        table.add_column("tracker", no_wrap=True)
        for heading in headings + (["crossed", "false"] if self.ours.crossings is not None else []):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, outcome in {"aisle": self.ours, **self.peers}.items():
            s, c = outcome.scores, outcome.crossings
            row = [f"{value:.3f}" for value in (s.hota, s.idf1, s.mota)]
            row += [str(s.id_switches), str(s.ids), str(s.people), f"{outcome.updates_per_cpu_s:,.0f}"]
            row += [] if c is None else [f"{c.found}/{c.truth}", str(c.false)]
            table.add_row(name, *row)
        return table
