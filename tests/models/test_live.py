"""A network that follows promotions while frames go through it, at full speed."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from cameras.frame import Frame
from models import candidates
from models.candidates import REFERENCE, Candidate
from models.entries import WeightEntry
from models.errors import SelfTestError, UnknownWeightsError
from models.live import LiveModel
from models.live_people import LivePersonDetector
from models.parity import answers
from models.people import open_person_detector
from models.promotion import Promotions
from models.registry import path_of
from tests.models.registered import SIZE, add_adder, add_finder, ship
from vision.pipeline import open_watcher

Values = NDArray[np.float32]
PATIENCE_S = 60.0


class Adder:
    """An opened adder; ``fails`` lets its use raise."""

    def __init__(self, entry: WeightEntry) -> None:
        self.name = entry.name
        self._path = path_of(entry)
        self._add = float(answers(self._path, [np.zeros((1, 2), np.float32)])[0][0, 0])
        self.fails = False

    def add(self, values: Values) -> float:
        if self.fails:
            raise RuntimeError("out of memory")
        return float(values[0, 0]) + self._add


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(candidates, "SHIPPED_DIR", tmp_path / "shipped")
    ship(tmp_path / "shipped", 0.0)
    return tmp_path / "shipped"


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "registry"


class Camera:
    """Puts frames through a live model as fast as it goes, in a thread; ``answers`` has (frame, answer) in order."""

    def __init__(self, answer: Callable[[int], float]) -> None:
        self.answers: list[tuple[int, float]] = []
        self._answer, self._stop = answer, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Camera:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        index = 0
        while not self._stop.is_set():
            self.answers.append((index, self._answer(index)))
            index += 1

    def until(self, seen: Callable[[], bool]) -> None:
        """Wait until ``seen``; every test has its own end, and this is only that none waits forever."""
        until = time.monotonic() + PATIENCE_S
        while not seen():
            assert time.monotonic() < until, self.answers[-3:]
            assert self._thread.is_alive()
            time.sleep(0.002)

    def until_answer(self, answer: float) -> None:
        self.until(lambda: bool(self.answers) and self.answers[-1][1] == answer)

    def changes(self) -> list[float]:
        """The answers, without repetitions."""
        values = [answer for _, answer in self.answers]
        return [value for place, value in enumerate(values) if place == 0 or values[place - 1] != value]


def promote(registry: Path, candidate: Candidate) -> None:
    Promotions(registry).promote(candidate, None, force=True, reason="test")


def deeds(registry: Path) -> list[tuple[str, str]]:
    return [(record.what, record.model) for record in Promotions(registry).history.read()]


def test_promotions_broken_candidates_and_a_rollback_meet_a_camera_at_full_speed(registry: Path) -> None:
    one, two, truncated, wrong = (add_adder(registry, float(add)) for add in (1, 2, 3, 4))
    truncated.network.write_bytes(truncated.network.read_bytes()[:-20])
    shutil.copy(one.reference, wrong.reference)
    live = LiveModel("persons", Adder, registry=registry, look_every_s=0.0)
    promotions = Promotions(registry)
    with capture_logs() as logs, Camera(lambda index: live.call(lambda adder: adder.add(_zero(index)))) as camera:
        camera.until_answer(0.0)
        promote(registry, one)
        camera.until_answer(1.0)
        promote(registry, truncated)
        camera.until(lambda: ("failed", truncated.id) in deeds(registry))
        promote(registry, wrong)
        camera.until(lambda: ("failed", wrong.id) in deeds(registry))
        promote(registry, two)
        camera.until_answer(2.0)
        promotions.rollback("persons")
        camera.until_answer(1.0)
        promotions.rollback("persons")
        camera.until_answer(0.0)
    live.close()
    assert [index for index, _ in camera.answers] == list(range(len(camera.answers)))
    assert camera.changes() == [0.0, 1.0, 2.0, 1.0, 0.0]
    assert live.entry.name == "aisle-tiny"
    taken_back = [log for log in logs if log["log_level"] == "error"]
    assert [log["model"] for log in taken_back] == [truncated.id, wrong.id]
    assert "wrong hash" in taken_back[0]["reason"]
    assert "off by 3" in taken_back[1]["reason"]


def _zero(index: int) -> Values:
    return np.zeros((1, 2), np.float32)


def test_one_that_raises_in_its_first_calls_is_taken_back_and_the_call_is_answered(registry: Path) -> None:
    candidate = add_adder(registry, 1.0)

    def opened(entry: WeightEntry) -> Adder:
        adder = Adder(entry)
        adder.fails = entry.name == candidate.id
        return adder

    live = LiveModel("persons", opened, registry=registry, look_every_s=0.0)
    with capture_logs() as logs, Camera(lambda index: live.call(lambda adder: adder.add(_zero(index)))) as camera:
        camera.until_answer(0.0)
        promote(registry, candidate)
        camera.until(lambda: ("failed", candidate.id) in deeds(registry))
        answered = len(camera.answers)
        camera.until(lambda: len(camera.answers) > answered + 100)
    live.close()
    assert [index for index, _ in camera.answers] == list(range(len(camera.answers)))
    assert camera.changes() == [0.0]
    assert [log["reason"] for log in logs if log["log_level"] == "error"] == ["RuntimeError: out of memory"]
    active = Promotions(registry).active("persons")
    assert active is not None
    assert active.name == "aisle-tiny"


def test_what_both_networks_refuse_is_nobody_s_fault(registry: Path) -> None:
    candidate = add_adder(registry, 1.0)
    live = LiveModel("persons", Adder, registry=registry, look_every_s=0.0)
    _promote_and_use(live, registry, candidate)

    def impossible(adder: Adder) -> None:
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        live.call(impossible)
    assert live.entry.name == candidate.id
    assert ("failed", candidate.id) not in deeds(registry)


def test_after_its_trial_a_network_s_errors_are_the_caller_s(registry: Path) -> None:
    candidate = add_adder(registry, 1.0)
    live = LiveModel("persons", Adder, registry=registry, look_every_s=0.0, trial=5)
    _promote_and_use(live, registry, candidate)
    for _ in range(5):
        live.call(lambda adder: None)

    def broken(adder: Adder) -> float:
        adder.fails = True
        return adder.add(_zero(0))

    with pytest.raises(RuntimeError, match="out of memory"):
        live.call(broken)
    assert live.entry.name == candidate.id


def _promote_and_use(live: LiveModel[Adder], registry: Path, candidate: Candidate) -> None:
    promote(registry, candidate)
    until = time.monotonic() + PATIENCE_S
    while live.entry.name != candidate.id:
        live.call(lambda adder: None)
        live.close()
        assert time.monotonic() < until


def test_the_pointer_is_looked_at_once_in_a_while_only(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("models.live.time.monotonic", lambda: clock[0])
    live = LiveModel("persons", Adder, registry=registry)
    promote(registry, candidate := add_adder(registry, 1.0))
    for _ in range(100):
        live.call(lambda adder: None)
        live.close()
    assert live.entry.name == "aisle-tiny"
    clock[0] += 1.0
    for _ in range(2):  # one starts to open it, the next finds it ready
        live.call(lambda adder: None)
        live.close()
    assert live.entry.name == candidate.id


def test_a_process_that_starts_passes_over_broken_candidates(registry: Path, shipped: Path) -> None:
    good, bad = add_adder(registry, 1.0), add_adder(registry, 2.0)
    promote(registry, good)
    promote(registry, bad)
    bad.network.write_bytes(b"")
    assert LiveModel("persons", Adder, registry=registry).entry.name == good.id
    assert deeds(registry)[-1] == ("failed", bad.id)
    (good.folder / REFERENCE).write_bytes(b"")
    assert LiveModel("persons", Adder, registry=registry).entry.name == "aisle-tiny"
    (shipped / "aisle-tiny.onnx").write_bytes(b"")
    with pytest.raises(SelfTestError, match="wrong hash"):
        LiveModel("persons", Adder, registry=registry)


def test_a_registry_that_cannot_be_written_starts_with_what_is_shipped(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = add_adder(registry, 2.0)
    promote(registry, bad)
    bad.network.write_bytes(b"")

    def denied(*_: object) -> bool:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(Promotions, "mark_failed", denied)
    with capture_logs() as logs:
        assert LiveModel("persons", Adder, registry=registry).entry.name == "aisle-tiny"
    assert "read-only file system" in logs[0]["reason"]


def test_a_role_without_any_model_says_so(registry: Path) -> None:
    with pytest.raises(UnknownWeightsError, match="nothing is shipped or promoted for the role 'reach'"):
        LiveModel("reach", Adder, registry=registry)


def test_a_broken_pointer_leaves_the_network_in_use(registry: Path) -> None:
    candidate = add_adder(registry, 1.0)
    live = LiveModel("persons", Adder, registry=registry, look_every_s=0.0)
    _promote_and_use(live, registry, candidate)
    (registry / "active" / "persons.json").write_text("{")
    with capture_logs() as logs:
        for _ in range(3):
            live.call(lambda adder: None)
            live.close()
    assert [log["event"] for log in logs] == ["the registry has no active model, the one in use stays"]
    assert live.entry.name == candidate.id


@pytest.fixture
def own_registry(registry: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("AISLE_MODELS", str(registry))
    return registry


def test_a_watcher_takes_up_a_detector_that_is_promoted_while_it_watches(own_registry: Path) -> None:
    sure, unsure = add_finder(own_registry, 0.9), add_finder(own_registry, 0.7)
    promote(own_registry, sure)
    live = LivePersonDetector(look_every_s=0.0)
    assert live.model == sure.id
    image = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    with Camera(lambda index: round(float(live.detect([image])[0].confidence[0]), 3)) as camera:
        camera.until_answer(0.9)
        promote(own_registry, unsure)
        camera.until_answer(0.7)
    assert camera.changes() == [0.9, 0.7]
    assert [index for index, _ in camera.answers] == list(range(len(camera.answers)))


def test_watching_with_the_active_model_finds_what_it_finds(own_registry: Path) -> None:
    promote(own_registry, add_finder(own_registry, 0.9))
    watcher = open_watcher((SIZE[0] * 4, SIZE[1] * 4), 10.0, weights="active")
    image = np.zeros((SIZE[1] * 4, SIZE[0] * 4, 3), np.uint8)
    watcher.update(Frame("a", 0, 0.0, image))
    assert watcher.seen.xyxy.tolist() == [[32, 16, 96, 112]]


def test_without_an_active_detector_there_is_nothing_to_watch_with(own_registry: Path) -> None:
    with pytest.raises(UnknownWeightsError, match="nothing is shipped or promoted for the role 'people'"):
        open_person_detector("active")


def test_a_detector_that_gives_senseless_confidences_is_not_used(own_registry: Path) -> None:
    sure, senseless = add_finder(own_registry, 0.9), add_finder(own_registry, 1.7)
    promote(own_registry, sure)
    promote(own_registry, senseless)
    assert LivePersonDetector().model == sure.id
    assert deeds(own_registry)[-1] == ("failed", senseless.id)
