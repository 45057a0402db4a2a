"""What the benchmarks share: their sums must be right, whatever the machine does."""

from __future__ import annotations

import io
import json
import os
import time

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from benchmarks.__main__ import main, table
from benchmarks.measure import Finding, cpu_in_turns, in_turns, spent_by_s, spent_s
from benchmarks.overload import ages_s
from benchmarks.visits import place_at, tracks
from benchmarks.watching import Watched
from store.events import PersonMoved
from vision.detections import Detections
from vision.worker.looking import Look


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_ways_take_turns_and_medians_count() -> None:
    order: list[str] = []
    values = {"ours": iter([3.0, 1.0, 100.0]), "peer": iter([5.0, 4.0, 6.0])}

    def way(name: str) -> float:
        order.append(name)
        return next(values[name])

    assert in_turns({name: lambda name=name: way(name) for name in values}, 3) == {"ours": 3.0, "peer": 5.0}
    assert order == ["ours", "peer"] * 3  # killed: one way after the other


def test_cpu_time_is_of_work_and_not_of_waiting() -> None:
    def works() -> int:
        burn(0.08)
        return 4

    def waits() -> int:
        time.sleep(0.3)
        return 1

    calls = {"works": 0}

    def counted() -> int:
        calls["works"] += 1
        return works()

    found = cpu_in_turns({"works": counted, "waits": waits}, 1)
    assert calls["works"] == 2  # once before, unmeasured
    assert 0.02 <= found["works"] < 0.1  # an item's, not all four's together
    assert found["waits"] < found["works"]


def test_cpu_time_of_a_living_process_is_the_kernels() -> None:
    before = spent_by_s([os.getpid(), None])
    began = spent_s()
    burn(0.3)
    grown, own = spent_by_s([os.getpid()]) - before, spent_s() - began
    assert grown == pytest.approx(own, abs=0.1)
    assert grown >= 0.2


def test_a_finding_knows_which_way_is_good() -> None:
    assert Finding("a", "", "", 1.4, 1.4).met
    assert not Finding("a", "", "", 1.39, 1.4).met
    assert Finding("a", "", "", 0.15, 0.15, at_most=True).met
    assert not Finding("a", "", "", 0.16, 0.15, at_most=True).met
    assert Finding("a", "", "", 0.16).met is None
    assert Finding("a", "1", "2", 0.123456, 0.2).as_dict()["ratio"] == 0.1235


def test_the_table_says_no_where_it_is_not_met() -> None:
    from rich.console import Console

    shown = Console(width=120, record=True, file=io.StringIO())
    shown.print(table({"one": [Finding("ring", "10", "20", 0.5, 1.0, note="by hand"), Finding("x", "", "", 2.0, 1.0)]}))
    text = shown.export_text()
    assert "NO" in text
    assert "yes" in text
    assert "by hand" in text
    assert ">= 1" in text
    shown.file.close()


def test_an_unknown_part_is_one_line() -> None:
    app = typer.Typer()
    app.command()(main)
    told = CliRunner().invoke(app, ["--only", "dancing"])
    assert told.exit_code == 2
    assert "no part 'dancing'; there are decoding, " in told.stderr


def test_parts_come_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    import benchmarks.floor

    monkeypatch.setattr(benchmarks.floor, "measure", lambda: [Finding("a", "1", "2", 0.5, 0.6, at_most=True)])
    app = typer.Typer()
    app.command()(main)
    told = CliRunner().invoke(app, ["--only", "floor", "--json"])
    assert json.loads(told.stdout)["floor"][0] | {"note": ""} == {
        "what": "a", "ours": "1", "peer": "2", "ratio": 0.5, "asked": 0.6, "at_most": True, "note": "", "met": True
    }  # fmt: skip


def test_who_is_between_two_facts_walks_straight() -> None:
    at, xy = np.array([10.0, 11.0, 12.0, 20.0]), np.array([[0.0, 0], [2, 0], [2, 2], [9, 9]])
    found = place_at(np.array([9.0, 10.0, 10.5, 11.25, 15.0, 20.0, 21.0]), at, xy)
    assert np.isnan(found[[0, 4, 6]]).all()  # before, in a gap that is too long, after
    np.testing.assert_allclose(found[[1, 2, 3]], [[0, 0], [1, 0], [2, 0.5]])
    once = place_at(np.array([9.0, 10.0]), np.array([10.0]), np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(once[1], [1, 2])
    assert np.isnan(once[0]).all()


def test_tracks_are_those_of_the_floor_alone() -> None:
    floor = PersonMoved(
        store="s", time=2.0, cameras=("a",), confidence=1.0, track_id=("x", "y", "x"), time_s=(2.0, 1.0, 1.0),
        xy_m=((3.0, 3.0), (5.0, 5.0), (1.0, 1.0)), seen_by=((0,), (0,), (0,)),
    )  # fmt: skip
    camera = PersonMoved(
        store="s", time=2.0, cameras=("a",), confidence=1.0, camera="a", size=(64, 48), track_id=("x",), time_s=(9.0,),
        xy=((1.0, 1.0),),
    )  # fmt: skip
    found = tracks([floor, camera])
    np.testing.assert_array_equal(found["x"][0], [1.0, 2.0])
    np.testing.assert_array_equal(found["x"][1], [[1, 1], [3, 3]])
    assert sorted(found) == ["x", "y"]


def test_the_age_of_a_picture_begins_with_the_youngest_of_its_camera() -> None:
    looks = []
    for camera, years in (("a", 1e8), ("b", 5.0)):
        for index in range(14):
            # A batch of two takes 2 * (0.03 + 0.01) s.
            waited = 0.0 if index == 11 else 0.2 if index == 13 else 0.05
            looks.append(Look(camera, index, float(index), Detections.empty(), 0, years + waited + 0.08, 0.03, 0.01, 2))
    ages, batch_s = ages_s(Watched(1.0, 1.0, 28, 28, tuple(looks), ()))
    assert batch_s == pytest.approx(0.08)
    assert ages.max() == pytest.approx(0.28, abs=1e-6)
    assert np.sort(ages)[:2] == pytest.approx([0.08, 0.08], abs=1e-6)
