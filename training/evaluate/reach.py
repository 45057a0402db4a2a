"""How well takes and returns are spotted: events, looks, slices, and whether one model is better than another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from datasets.reach_clips import LINES
from models.reach import CLASSES
from training.evaluate.bootstrap import Comparison, Score, compare
from training.evaluate.reach_events import WITHIN_S, EventScores
from training.evaluate.reach_looks import look
from training.evaluate.reach_parts import Happened, Looked, Part
from training.evaluate.reach_runs import watch_runs
from training.evaluate.reliability import Reliability, reliability
from training.evaluate.slices import ANGLE, CROWDING, LIGHT, Slicing
from vision.reach_spotter import Classifier

if TYPE_CHECKING:
    from rich.table import Table

Progress = Callable[[int, int], None]

SHELF: Final = Slicing("shelf", (0.0, 0.7, 1.35, 9.0), ("low, to 0.7 m", "middle", "high, from 1.35 m"))
AXES: Final[tuple[tuple[Slicing, Callable[[Happened], float]], ...]] = (
    (ANGLE, lambda each: each.angle_deg),
    (SHELF, lambda each: each.height_m),
    (CROWDING, lambda each: float(each.people)),
    (LIGHT, lambda each: each.light),
)


@dataclass(frozen=True, eq=False)
class ReachReport:
    """What was found in ``parts``; ``against`` is the same data by the other model, if any."""

    parts: tuple[Part, ...]
    against: tuple[Part, ...] = ()

    @property
    def events(self) -> EventScores:
        """Precision, recall and F1 of all takes and returns, within +-0.5 s."""
        return EventScores.together(part.scores() for part in self.parts)

    def kinds(self) -> dict[str, EventScores]:
        """The same for takes and for returns alone."""
        return self._sliced(lambda part, each: each.fact.kind)

    def slices(self) -> dict[str, dict[str, EventScores]]:
        """The same by family, camera, angle of view, height of the hand, people around, and light."""
        found = {
            "family": self._sliced(lambda part, each: part.family),
            "camera": self._sliced(lambda part, each: part.camera),
        }
        for axis, value in AXES:

            def label(part: Part, each: Happened, axis: Slicing = axis, value: Any = value) -> str | None:
                place = int(axis.of(np.array([value(each)]))[0])
                return axis.labels[place] if place >= 0 else None

            found[axis.name] = self._sliced(label)
        return found

    def looked(self) -> Looked:
        """All looks at hands near shelves."""
        return Looked.of(self.parts)

    def reliability(self) -> tuple[Reliability, Reliability]:
        """Of the looks, and of the events that were spotted."""
        told = [(each.fact.probability, place >= 0) for part in self.parts for each, place in _told(part)]
        p, right = (np.array([row[k] for row in told]) for k in (0, 1))
        return reliability(*self.looked().confidence()), reliability(p.astype(np.float64), right.astype(np.bool_))

    def comparison(self) -> Comparison | None:
        """F1 of this model and the other, paired by group."""
        if not self.against:
            return None
        groups = sorted({part.group for part in self.parts})
        ours, other = (_f1_of(_counts(parts, groups)) for parts in (self.parts, self.against))
        return compare(len(groups), ours, other)

    def as_json(self) -> str:
        """Everything, by name."""
        looked, (of_looks, of_events) = self.looked(), self.reliability()
        comparison = self.comparison()
        document: dict[str, Any] = {
            "within_s": WITHIN_S,
            "parts": len(self.parts),
            "events": self.events.as_json(),
            "kinds": {name: scores.as_json() for name, scores in self.kinds().items()},
            "hidden": sum(part.hidden for part in self.parts),
            "slices": {
                axis: {name: scores.as_json() for name, scores in each.items()} for axis, each in self.slices().items()
            },
            "looks": {
                "count": len(looked.label),
                "confusion": {"rows": "happened", "classes": list(CLASSES), "table": looked.confusion().tolist()},
                "log_loss": round(looked.log_loss(), 4) if len(looked.label) else None,
                **of_looks.as_dict(),
            },
            "event_reliability": of_events.as_dict(),
        }
        if comparison is not None:
            document["against"] = comparison.as_dict()
        return json.dumps(document, indent=2)

    def as_table(self) -> Table:
        """For people: a row a slice."""
        from rich import box
        from rich.table import Table

        table = Table(title=f"Takes and returns within {WITHIN_S:g} s", box=box.SIMPLE_HEAD, pad_edge=False)
        for title in ("", "slice", "true", "found", "precision", "recall", "F1"):
            table.add_column(title, justify="left" if title in ("", "slice") else "right", no_wrap=True)

        def row(axis: str, name: str, scores: EventScores) -> None:
            shares = (f"{value:.3f}" for value in (scores.precision, scores.recall, scores.f1))
            table.add_row(axis, name, str(scores.truth), str(scores.found), *shares)

        row("all", "", self.events)
        for axis, rows in {"kind": self.kinds(), **self.slices()}.items():
            table.add_section()
            for name, scores in rows.items():
                row(axis, name, scores)
        looked, (of_looks, of_events) = self.looked(), self.reliability()
        hidden = sum(part.hidden for part in self.parts)
        said = [f"{hidden} reaches were hidden from the camera and count for nothing"] if hidden else []
        said.append(f"{len(looked.label)} looks: log loss {looked.log_loss():.3f}, ECE {of_looks.ece:.3f}")
        said.append(f"ECE of the events {of_events.ece:.3f}")
        thought = zip(CLASSES, looked.confusion().tolist(), strict=True)
        told = "; ".join(f"{name}: {' '.join(map(str, each))}" for name, each in thought)
        said.append(f"looks by what happened, and thought nothing, take, return: {told}")
        comparison = self.comparison()
        if comparison is not None:
            said.append(f"F1 {comparison}")
        table.caption = "\n".join(said)
        table.caption_justify = "left"
        return table

    def _sliced(self, label: Callable[[Part, Happened], str | None]) -> dict[str, EventScores]:
        counts: dict[str, list[int]] = {}
        for part in self.parts:
            for each in part.truth:
                if (name := label(part, each)) is not None:
                    counts.setdefault(name, [0, 0, 0])[0] += 1
            for each, place in _told(part):
                # One that is right counts where what happened counts.
                where = part.truth[place] if place >= 0 else each
                if (name := label(part, where)) is not None:
                    counts.setdefault(name, [0, 0, 0])[1] += 1
                    counts[name][2] += place >= 0
        return {name: EventScores(*counts[name]) for name in sorted(counts)}


def evaluate_reach(
    folder: Path,
    model: Classifier,
    *,
    against: Classifier | None = None,
    cameras: Sequence[str] = (),
    by_slot: bool = False,
    progress: Progress = lambda done, total: None,
) -> ReachReport:
    """Evaluate on a dataset of `aisle simulate` (whole runs, each camera alone) or on a folder of reach clips.

    ``cameras`` are for whole runs, ``by_slot`` (look at slots, know no wrists) for clips. Raises ``CocoFileError`` and
    ``ReachClipError``.
    """
    models = [model] if against is None else [model, against]

    def of(number: int, which: Classifier) -> tuple[Part, ...]:
        def step(done: int, total: int) -> None:
            progress(number * total + done, len(models) * total)

        if (folder / LINES).is_file():
            return tuple(look(folder, which, by_slot=by_slot, progress=step))
        return tuple(watch_runs(folder, which, cameras=cameras, progress=step))

    found = [of(number, which) for number, which in enumerate(models)]
    return ReachReport(found[0], found[1] if len(found) > 1 else ())


def _told(part: Part) -> list[tuple[Happened, int]]:
    return list(zip(part.found, part.right().tolist(), strict=True))


def _counts(parts: Sequence[Part], groups: Sequence[str]) -> NDArray[np.float64]:
    """True, found and right events (groups, 3)."""
    place = {name: n for n, name in enumerate(groups)}
    table = np.zeros((len(groups), 3))
    for part in parts:
        scores = part.scores()
        table[place[part.group]] += (scores.truth, scores.found, scores.right)
    return table


def _f1_of(table: NDArray[np.float64]) -> Score:
    def f1(drawn: NDArray[np.float64]) -> float:
        truth, found, right = (drawn @ table).tolist()
        return 2 * right / (truth + found) if truth + found else float("nan")

    return f1
