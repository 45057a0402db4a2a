"""One video with slots marked in the picture and a list of what happens: who reaches is not asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cameras import open_source
from cameras.frame import Frame
from training.evaluate.reach_events import ReachFact, match
from vision.marked import MarkedSlots, MarkedSlotWatcher
from vision.reach_spotter import Classifier, Hands, ReachSpotter, SpottedReach

if TYPE_CHECKING:
    from rich.table import Table

AROUND: Final = 1.7  # the square looked at, over the larger side of the slot's box
TOLERANCE_FRAMES: Final = 6
Polygon = tuple[tuple[float, float], ...]
_Look = Callable[[float, Frame], list[SpottedReach]]
_Finish = Callable[[], list[SpottedReach]]
_KINDS: Final = {"pick": "take", "take": "take", "put": "return", "return": "return"}


class ReachFileError(ValueError):
    """A file of slots or of true events cannot be read: which, and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class TrueReach:
    """A take or return in ``slot`` between two frames (from 0): when the package leaves or touches its place, and when
    it or the hand is clear of it.
    """

    kind: str
    slot: str
    contact_frame: int
    clear_frame: int


@dataclass(frozen=True, slots=True)
class VideoReport:
    """What was spotted in a video, in frames, and what happens there. A spotted reach is right where it is of the same
    kind in the same slot, not more than ``tolerance`` frames before the contact or after the clear frame, one to one.
    """

    spotted: tuple[tuple[SpottedReach, int], ...]
    truth: tuple[TrueReach, ...]
    tolerance: int
    frame_rate: float

    def rows(self) -> list[dict[str, Any]]:
        """Each spotted reach: slot, type, frame, time, probability, whether it is right, and by how many frames it is
        off the contact frame of what it is matched with.
        """
        found = [ReachFact(each.kind, float(frame), each.name) for each, frame in self.spotted]
        # Truth as points: the frame of the true span that is nearest to each found one.
        truth = [ReachFact(each.kind, float(each.contact_frame), each.slot) for each in self.truth]
        near = [self._nearest(fact) for fact in found]
        places = match(near, truth, self.tolerance).found.tolist()
        rows = []
        for (each, frame), place in zip(self.spotted, places, strict=True):
            off = None if place < 0 else frame - self.truth[place].contact_frame
            rows.append(
                {
                    "slot": each.name,
                    "type": each.kind,
                    "frame": frame,
                    "time_s": round(frame / self.frame_rate, 3),
                    "probability": round(each.probability, 4),
                    "right": place >= 0,
                    "frames_after_contact": off,
                }
            )
        return rows

    def _nearest(self, fact: ReachFact) -> ReachFact:
        """``fact`` moved so that it is as far from the contact of a true one as it is from the span of that one."""
        for each in self.truth:
            if (each.kind, each.slot) == (fact.kind, fact.who):
                inside = min(max(fact.time_s, each.contact_frame), each.clear_frame)
                if abs(fact.time_s - inside) <= self.tolerance:
                    return ReachFact(fact.kind, each.contact_frame + fact.time_s - inside, fact.who)
        return fact

    def as_json(self) -> str:
        """Everything, by name."""
        rows = self.rows()
        right = sum(row["right"] for row in rows)
        return json.dumps(
            {
                "tolerance_frames": self.tolerance,
                "truth": len(self.truth),
                "found": len(rows),
                "right": right,
                "missed": len(self.truth) - right,
                "false": len(rows) - right,
                "events": rows,
            },
            indent=2,
        )

    def as_table(self) -> Table:
        """For people: a row a spotted reach."""
        from rich import box
        from rich.table import Table

        rows = self.rows()
        right = sum(row["right"] for row in rows)
        table = Table(title=f"{right} of {len(self.truth)} found, {len(rows) - right} false", box=box.SIMPLE_HEAD)
        for title in ("slot", "type", "frame", "s", "probability", "right", "frames after contact"):
            table.add_column(title)
        for row in rows:
            table.add_row(*("-" if value is None else str(value) for value in row.values()))
        return table


def evaluate_video(
    video: str,
    slots: Mapping[str, Polygon],
    truth: Sequence[TrueReach],
    *,
    model: Classifier | None = None,
    tolerance: int = TOLERANCE_FRAMES,
    frame_rate: float | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> VideoReport:
    """Spot what happens in ``slots`` (corners in pixels) of a video: by how the slots look before and after, or by
    what ``model`` says of a square around each.

    Raises ``CameraError``, and ``ReachFileError`` for a slot that does not lie in the picture.
    """
    found: list[SpottedReach] = []
    with open_source(video, frame_rate=frame_rate) as source:
        rate, total = source.frame_rate, source.frame_count or 0
        look, finish = _by_model(slots, model) if model is not None else _by_pictures(slots, source.size)
        for frame in source:
            found += look(frame.index / rate, frame)
            progress(frame.index + 1, max(total, frame.index + 1))
    found += finish()
    framed = sorted(((each, round(each.time_s * rate)) for each in found), key=lambda pair: pair[1])
    return VideoReport(tuple(framed), tuple(truth), tolerance, rate)


def _by_pictures(slots: Mapping[str, Polygon], size: tuple[int, int]) -> tuple[_Look, _Finish]:
    try:
        watcher = MarkedSlotWatcher(MarkedSlots(slots, size))
    except ValueError as error:
        raise ReachFileError(str(error)) from None
    return (lambda time_s, frame: watcher.update(time_s, frame.image)), list


def _by_model(slots: Mapping[str, Polygon], model: Classifier) -> tuple[_Look, _Finish]:
    corners = [np.array(slots[name], np.float64) for name in slots]
    low, high = (np.array([getattr(each, how)(axis=0) for each in corners]) for how in ("min", "max"))
    sides = AROUND * (high - low).max(axis=1)
    hands = Hands(tuple(slots), (low + high) / 2, sides, np.zeros(len(slots), np.bool_))
    spotter = ReachSpotter(model)
    return (lambda time_s, frame: spotter.update(time_s, frame.image, hands)), spotter.flush


def read_slots(path: Path) -> dict[str, Polygon]:
    """The slots' corners in a JSON file: ``slots_xyxy`` has boxes by name, or ``slots`` polygons of three points or
    more. Raises ``ReachFileError``.
    """
    boxes = _read(path, "slots_xyxy", {})
    polygons = _read(path, "slots", {}) if not boxes else {}
    found: dict[str, Polygon] = {}
    try:
        for name, box in boxes.items():
            x1, y1, x2, y2 = (float(value) for value in box)
            if not (x1 < x2 and y1 < y2):
                raise ReachFileError(f"{path}: slot {name} is [left, top, right, bottom], found {list(box)}")
            found[str(name)] = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
        for name, points in polygons.items():
            found[str(name)] = tuple((float(x), float(y)) for x, y in points)
    except (AttributeError, TypeError, ValueError) as error:
        if isinstance(error, ReachFileError):
            raise
        said = "slots_xyxy is an object of name: [left, top, right, bottom], slots one of name: [[x, y], ...]"
        raise ReachFileError(f"{path}: {said}") from None
    if not found:
        raise ReachFileError(f"{path}: neither slots_xyxy nor slots names a slot")
    return found


def read_truth(path: Path) -> tuple[list[TrueReach], int]:
    """The ``events`` of a JSON file and its ``tolerance_frames`` (6 by default). Raises ``ReachFileError``."""
    events = _read(path, "events")
    found = []
    for number, event in enumerate(events if isinstance(events, list) else [events]):
        try:
            contact = int(event["contact_frame"])
            clear = int(event.get("clear_frame", contact))
            found.append(TrueReach(_KINDS[event["type"]], str(event["slot"]), contact, max(contact, clear)))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            said = "type (pick or put), slot and contact_frame"
            raise ReachFileError(f"{path}: events[{number}] needs {said}, clear_frame if known ({error!r})") from None
    tolerance = _read(path, "tolerance_frames", TOLERANCE_FRAMES)
    if not isinstance(tolerance, int) or tolerance < 0:
        raise ReachFileError(f"{path}: tolerance_frames is a number of frames, found {tolerance!r}")
    return found, tolerance


def _read(path: Path, key: str, default: Any = None) -> Any:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReachFileError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(document, dict) or (key not in document and default is None):
        raise ReachFileError(f"{path} has no {key!r}")
    return document.get(key, default)
