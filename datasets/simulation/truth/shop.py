"""What is true of a whole run, apart from its pictures: people on the floor, events, receipts, plates, calibration."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from cameras.geometry import CameraModel
from datasets.simulation.scenario import gate_codes
from datasets.simulation.scene import SceneState
from datasets.simulation.sensors.clocks import CameraClock
from datasets.simulation.timeline import Timeline
from store.events import ReceiptIssued

FLOOR_COLUMNS: Final = (
    "time", "track_id", "x", "y", "heading", "left_x", "left_y", "left_z", "right_x", "right_y", "right_z",
)  # fmt: skip


def utc(moment: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class FloorFile:
    """Writes ``floor.csv``: one row a person and moment, metres and radians; wrists are the hands' joints.

    Times are ISO 8601 in UTC. Use it as a context manager.
    """

    def __init__(self, path: Path, timeline: Timeline) -> None:
        self._timeline = timeline
        self._wrists = [
            (actor.character.skeleton.index("hand_l"), actor.character.skeleton.index("hand_r"))
            for actor in timeline.actors
        ]
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(FLOOR_COLUMNS)
        self.rows = 0

    def add(self, states: Iterable[SceneState]) -> None:
        """Write the people of ``states``, in the order given."""
        for state in states:
            moment = utc(self._timeline.start + state.time_s)
            for place, actor in enumerate(state.actors.tolist()):
                wrists = state.joints[place, list(self._wrists[actor])].ravel()
                where = np.concatenate([state.xy[place], state.heading[place : place + 1], wrists])
                track_id = self._timeline.actors[actor].track_id
                self._rows.writerow([moment, track_id, *(f"{value:.4f}" for value in where.tolist())])
                self.rows += 1

    def __enter__(self) -> FloorFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def write_events(path: Path, timeline: Timeline) -> int:
    """Write every event as a CloudEvent, one a line, in order of time; how many there are."""
    lines = [json.dumps(event.to_cloudevent(), separators=(",", ":")) for event in timeline.events]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)


def receipts(timeline: Timeline) -> list[dict[str, Any]]:
    """The issued receipts: session, time, currency, lines with names, total in the currency's smallest unit."""
    names = {product.gtin: product for product in timeline.catalogue.products}
    return [
        {
            "receipt_id": event.receipt_id,
            "session_id": event.session_id,
            "time": utc(event.time),
            "currency": timeline.catalogue.currency,
            "lines": [
                {
                    "gtin": line.gtin,
                    "product": names[line.gtin].id,
                    "name": names[line.gtin].name,
                    "quantity": line.quantity,
                    "unit_price": line.unit_price,
                }
                for line in event.lines
            ],
            "total": sum(line.quantity * line.unit_price for line in event.lines),
        }
        for event in timeline.events
        if isinstance(event, ReceiptIssued)
    ]


def gates(timeline: Timeline) -> list[dict[str, Any]]:
    """The codes shown at gates: when, where, and which session each opens."""
    return [
        {
            "time": utc(timeline.start + code.time_s),
            "gate": code.gate,
            "code": code.code,
            "session_id": code.session_id,
        }
        for code in gate_codes(timeline)
    ]


def people(timeline: Timeline) -> list[dict[str, Any]]:
    """Who is in the run: the ids in events (``track_id``) and in MOT files (``mot_id``), the session, the looks."""
    rows = []
    for place, actor in enumerate(timeline.actors):
        traits, walk = actor.character.traits, actor.performance.walk
        rows.append(
            {
                "mot_id": place + 1,
                "track_id": actor.track_id,
                "name": actor.name,
                "role": actor.role,
                "session_id": actor.session_id,
                "carrier": actor.performance.carrier.value,
                "came": utc(timeline.start + float(walk.time_s[0])),
                "left": utc(timeline.start + float(walk.time_s[-1])),
                "height_m": round(traits.height_m, 3),
                "top": traits.top,
                "bottom": traits.bottom,
            }
        )
    return rows


def write_plates(path: Path, timeline: Timeline) -> int:
    """Write ``plates.csv``: time, plate, grams as read and as they are, in order of time; how many rows."""
    rows = sorted(
        (float(moment), reading.plate, float(read), float(true))
        for reading in timeline.plates
        for moment, read, true in zip(reading.time_s, reading.weight_g, reading.true_weight_g, strict=True)
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("time", "plate", "weight_g", "true_weight_g"))
        for moment, plate, read, true in rows:
            writer.writerow((utc(timeline.start + moment), plate, f"{read:.2f}", f"{true:.2f}"))
    return len(rows)


def calibration(models: Sequence[CameraModel], clocks: Sequence[CameraClock]) -> dict[str, Any]:
    """Each camera's lens, pose and clock; ``x_camera = rotation @ (x_shop - position)``, lens as in OpenCV."""
    return {
        model.camera: {
            "size": list(model.size),
            "matrix": model.matrix.round(6).tolist(),
            "distortion": model.distortion.round(8).tolist(),
            "rotation": model.rotation.round(9).tolist(),
            "position": model.position.round(6).tolist(),
            "clock_offset_s": clock.offset_s,
            "frames": len(clock),
            "dropped": int(np.count_nonzero(~clock.kept)),
        }
        for model, clock in zip(models, clocks, strict=True)
    }


def write_json(path: Path, document: object) -> None:
    """Write ``document`` for people to read: the same bytes for the same document."""
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
