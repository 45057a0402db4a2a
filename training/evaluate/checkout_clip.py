"""A simulated run as a shop's system meets it: pictures, codes shown at gates, readings of plates, each at its time."""

from __future__ import annotations

import csv
import heapq
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cameras.files import VideoFile
from cameras.geometry import CameraModel
from datasets.formats.simulated import RUN
from datasets.sample import DatasetFileError
from datasets.simulation.filming.recipes import safe_name
from datasets.simulation.scenario.gates import SHOWN_S
from store.catalogue import Catalogue, load_catalogue
from store.events import SessionOpened
from store.plan import Plan, load_plan
from training.evaluate.checkout_truth import ClipTruth, read_truth, seconds


@dataclass(frozen=True, slots=True)
class Weighed:
    """``plate`` reads ``grams`` at ``time_s`` (seconds, UTC)."""

    time_s: float
    plate: str
    grams: float


@dataclass(frozen=True)
class Clip:
    """The run in ``folder``, filmed as videos. Everything is read when it is asked for.

    Raises ``DatasetFileError`` that says which file is missing or wrong.
    """

    folder: Path

    @property
    def name(self) -> str:
        """What the run is called: family and seed."""
        return self.folder.name

    @property
    def family(self) -> str:
        """The scenario that was played."""
        return self.name.rpartition("-")[0] or self.name

    @property
    def seed(self) -> int:
        """The seed that it was played by; -1 where the name has none."""
        number = self.name.rpartition("-")[2]
        return int(number) if number.isdigit() else -1

    @cached_property
    def plan(self) -> Plan:
        """The shop."""
        return load_plan(self.folder / "plan.yaml")

    @cached_property
    def catalogue(self) -> Catalogue:
        """What it sells."""
        return load_catalogue(self.folder / "catalogue.yaml")

    @cached_property
    def truth(self) -> ClipTruth:
        """What happens in it."""
        return read_truth(self.folder, self.plan, self.catalogue)

    @cached_property
    def cameras(self) -> tuple[CameraModel, ...]:
        """The cameras that filmed, with their calibration."""
        return tuple(
            CameraModel(
                name,
                (int(each["size"][0]), int(each["size"][1])),
                np.array(each["matrix"], np.float64).reshape(3, 3),
                np.array(each["distortion"], np.float64),
                np.array(each["rotation"], np.float64).reshape(3, 3),
                np.array(each["position"], np.float64),
            )
            for name, each in self._calibration.items()
        )

    @property
    def clock_offset_s(self) -> dict[str, float]:
        """How far each camera's clock is ahead of the shop's."""
        return {name: float(each["clock_offset_s"]) for name, each in self._calibration.items()}

    def video(self, camera: str) -> Path:
        """The file of a camera. Raises ``DatasetFileError`` where it is missing."""
        folder = safe_name(camera)
        path = self.folder / "cameras" / folder / f"{folder}.mp4"
        if not path.is_file():
            raise DatasetFileError(f"{path} is missing; film the run as videos (`aisle simulate --format mp4`)")
        return path

    def pictures(self) -> Iterator[tuple[str, float, NDArray[np.uint8]]]:
        """(camera, time on the camera's own clock, picture uint8 (H, W, 3) BGR) in order of the shop's time."""
        offset = self.clock_offset_s

        def of(camera: str) -> Iterator[tuple[float, str, float, NDArray[np.uint8]]]:
            for frame in VideoFile(self.video(camera), camera=camera):
                yield frame.captured_at - offset[camera], camera, frame.captured_at, frame.image

        merged = heapq.merge(*(of(camera) for camera in offset), key=lambda row: row[:2])
        return ((camera, stamped, image) for _, camera, stamped, image in merged)

    def weights(self) -> Iterator[Weighed]:
        """What the plates read, in order of time."""
        path = self.folder / "plates.csv"
        with _reading(path), path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield Weighed(seconds(row["time"]), row["plate"], float(row["weight_g"]))

    def openings(self) -> list[SessionOpened]:
        """The sessions that codes shown at gates open, in order of time.

        Staff show a code of their own when they come; who has none opens none. As many people share a session as the
        scenario has with it. Everybody is of age, and their apps vouch for it: no gate waits for somebody to look.
        """
        path = self.folder / "gates.json"
        with _reading(path):
            codes = json.loads(path.read_text(encoding="utf-8"))
            shown = [(seconds(each["time"]), str(each["gate"]), str(each["session_id"])) for each in codes]
        size: dict[str, int] = {}
        for person in self.truth.people:
            if person.session is not None:
                size[person.session] = size.get(person.session, 0) + 1
        opened = [self._opened(*each, role="customer", size=size.get(each[2], 1)) for each in shown]
        opened += [
            self._opened(person.came_s - SHOWN_S, person.gate, f"staff-{person.track}", role="staff", size=1)
            for person in self.truth.people
            if person.role == "staff" and person.gate is not None
        ]
        return sorted(opened, key=lambda event: (event.time, event.session_id))

    def _opened(self, time_s: float, gate: str, session: str, *, role: str, size: int) -> SessionOpened:
        fields: dict[str, Any] = {"session_id": session, "gate": gate, "role": role, "group_size": size, "adult": True}
        return SessionOpened(id=f"opened-{session}", store=self.plan.store, time=time_s, **fields)

    @cached_property
    def _calibration(self) -> Mapping[str, Mapping[str, Any]]:
        path = self.folder / "calibration.json"
        with _reading(path):
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return found


def clips_in(folder: Path) -> list[Clip]:
    """The finished runs of a simulated dataset, or of the folder of its runs, or the one run that ``folder`` is.

    Raises ``DatasetFileError`` where there is none.
    """
    found = [folder] if (folder / RUN).is_file() else []
    found = found or sorted(path.parent for path in folder.glob(f"runs/[!.]*/{RUN}"))
    found = found or sorted(path.parent for path in folder.glob(f"[!.]*/{RUN}"))
    if not found:
        raise DatasetFileError(f"{folder} holds no run of the simulator; expected runs/FAMILY-SEED/{RUN}")
    return [Clip(path) for path in found]


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tells what is wrong with a file by its name."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetFileError(f"{path} cannot be read ({type(error).__name__}: {error})") from None
