"""The scores of the floor against numbers worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from api.commands.evaluate import app
from datasets.formats.wildtrack import read_wildtrack
from datasets.sample import DatasetFileError
from tests.vision.floor.rooms import corners, scene, walk
from training.evaluate.floor import FloorQuestion, evaluate_floor, most_telling
from training.evaluate.floor_metrics import Paths, score_floor
from training.evaluate.floor_noise import noisy_detections, true_detections

KEYS = ["idf1", "hota", "moda", "whole_visit_identity", "count_error", "position_error_cm"]


def paths(*rows):
    table = np.array(rows, np.float64).reshape(-1, 4)
    order = np.argsort(table[:, 0], kind="stable")
    return Paths(table[order, 0].astype(int), table[order, 1].astype(int), table[order, 2:])


def standing(name, x, moments, y=0.0):
    return [(t, name, x, y) for t in moments]


def test_the_truth_itself_is_perfect():
    truth = paths(*standing(1, 0, range(4)), *standing(2, 5, range(4)))
    found = score_floor(truth, truth, 4)
    assert (found.idf1, found.hota, found.moda, found.whole_visit_identity) == (1, 1, 1, 1)
    assert (found.count_error, found.position_error_cm) == (0, 0)


def test_an_identity_that_changes_half_way_is_half_found():
    truth = paths(*standing(1, 0, range(10)))
    tracks = paths(*standing(7, 0, range(5)), *standing(8, 0, range(5, 10)))
    found = score_floor(truth, tracks, 10)
    # One of two tracks of 5 is the person's: 2 * 5 / (10 + 10).
    assert found.idf1 == pytest.approx(0.5)
    assert found.moda == 1
    assert found.whole_visit_identity == 0
    assert (found.ids, found.people) == (2, 1)


def test_a_confidence_is_off_by_as_much_as_fewer_tracks_are_right():
    truth = paths(*standing(1, 0, range(10)))
    there, astray = standing(7, 0.2, range(10)), standing(8, 4, range(10))
    for rows, sure, off in [(there, 0.9, 0.1), (there + astray, 0.75, 0.25), (there + astray, 0.5, 0.0)]:
        table = paths(*rows)
        tracks = Paths(table.frame, table.name, table.xy_m, np.full(len(rows), sure))
        assert score_floor(truth, tracks, 10).ece == pytest.approx(off)
    assert np.isnan(score_floor(truth, paths(*there), 10).ece)


def test_seventy_centimetres_off_is_the_same_person_at_another_place():
    truth, tracks = paths(*standing(1, 0, range(5))), paths(*standing(1, 0.7, range(5)))
    found = score_floor(truth, tracks, 5)
    assert found.idf1 == 1
    assert found.position_error_cm == pytest.approx(70)
    # All five are missed, and all five tracks are false: 1 - 10 / 5.
    assert found.moda == pytest.approx(-1)
    # Similarity 1 - 0.7 / 2 = 0.65: found up to the threshold .65, that is at 13 of the 19.
    assert found.hota == pytest.approx(13 / 19, abs=0.03)


def test_missed_false_and_counted():
    truth = paths(*standing(1, 0, range(10)), *standing(2, 5, range(10)))
    tracks = paths(*standing(1, 0, range(10)), *standing(2, 5, range(6)), *standing(3, 9, range(2)))
    found = score_floor(truth, tracks, 10)
    # 4 missed, 2 false, of 20.
    assert found.moda == pytest.approx(1 - 6 / 20)
    assert found.idf1 == pytest.approx(2 * 16 / (20 + 18))
    # |3 - 2| at two moments, |1 - 2| at four.
    assert found.count_error == pytest.approx(0.6)
    # The second person's track covers 6 of 10 moments, less than the 8 that a whole visit needs.
    assert found.whole_visit_identity == pytest.approx(0.5)


def test_two_who_exchange_identities_have_no_whole_visit():
    truth = paths(*standing(1, 0, range(10)), *standing(2, 5, range(10)))
    tracks = paths(*standing(1, 0, range(9)), *standing(2, 0, [9]), *standing(2, 5, range(9)), *standing(1, 5, [9]))
    found = score_floor(truth, tracks, 10)
    assert found.whole_visit_identity == 0
    assert found.idf1 == pytest.approx(0.9)


def test_nobody_and_nothing():
    none = Paths(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 2)))
    truth = paths(*standing(1, 0, range(3)))
    found = score_floor(truth, none, 3)
    assert (found.idf1, found.moda, found.whole_visit_identity, found.count_error) == (0, 0, 0, 1)
    assert found.as_dict()["position_error_cm"] is None
    with pytest.raises(ValueError, match="1 is twice at moment 0"):
        paths((0, 1, 0, 0), (0, 1, 2, 0))


def test_noise_is_what_it_says():
    people = np.tile(np.random.default_rng(0).uniform(-2.5, 2.5, (12, 1, 2)), (1, 60, 1))
    room = scene(corners(4), people)
    clean, noisy = list(true_detections(room)), list(noisy_detections(room, 7))
    count = sum(len(each) for moment in clean for each in moment.values())
    found = sum(len(each) for moment in noisy for each in moment.values())
    # A tenth missed; half a box more a camera and moment.
    assert found == pytest.approx(0.9 * count + 0.5 * 4 * 60, rel=0.03)
    for moment in noisy:
        for each in moment.values():
            assert (each.xyxy >= 0).all()
            assert (each.xyxy <= [1280, 720, 1280, 720]).all()
    again = list(noisy_detections(room, 7))
    assert all((a[c].xyxy == b[c].xyxy).all() for a, b in zip(noisy, again, strict=True) for c in a)
    other = list(noisy_detections(room, 8))
    assert any(len(a[c]) != len(b[c]) for a, b in zip(noisy, other, strict=True) for c in a)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """WILDTRACK-style files of a small room."""
    folder = tmp_path_factory.mktemp("floor")
    cameras = corners(3)
    room = scene(cameras, np.array([walk((-2, -1), (2, -1), 20), walk((2, 1), (-2, 1), 20)]), rate=2.0)
    frames = []
    for t in range(20):
        people = []
        for row in np.flatnonzero(room.frame == t):
            own = np.flatnonzero(room.box_row == row)
            boxes = [[int(room.box_camera[k]), *room.xyxy[k].round(1).tolist()] for k in own]
            people.append([int(room.person[row]), *room.xy_m[row].tolist(), boxes])
        frames.append({"frame": t, "p": people})
    document = {"fps": 2, "size": [1280, 720], "cams": [c.camera for c in cameras], "frames": frames}
    (folder / "room.json").write_text(json.dumps(document))
    import cv2

    for camera in cameras:
        turn = cv2.Rodrigues(camera.rotation)[0].ravel()
        shift = -camera.rotation @ camera.position * 100
        outer = folder / "calibrations" / "extrinsic" / f"extr_{camera.camera}.xml"
        inner = folder / "calibrations" / "intrinsic_zero" / f"intr_{camera.camera}.xml"
        outer.parent.mkdir(parents=True, exist_ok=True)
        inner.parent.mkdir(parents=True, exist_ok=True)
        said = " ".join(map(str, turn)), " ".join(map(str, shift))
        outer.write_text(f"<opencv_storage><rvec>{said[0]}</rvec><tvec>{said[1]}</tvec></opencv_storage>")
        matrix = " ".join(map(str, camera.matrix.ravel()))
        inner.write_text(
            f"<opencv_storage><camera_matrix><data>{matrix}</data></camera_matrix>"
            "<distortion_coefficients><data>0 0 0 0 0</data></distortion_coefficients></opencv_storage>"
        )
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["floor", *map(str, arguments)])


def test_the_command_prints_json_and_nothing_else(dataset):
    result = run(dataset, "--noise", 3, "--baseline", "--by-cameras", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert list(found)[:6] == KEYS
    assert list(found["baseline"])[:6] == KEYS
    assert list(found["live"])[:6] == KEYS
    assert list(found["by_cameras"]) == ["2"]
    assert found["people"] == 2
    assert found["latency_s"] == 3
    assert found["idf1"] > 0.9


def test_a_part_and_some_cameras(dataset):
    found = json.loads(run(dataset, "--frames", "5:15", "--cameras", "c0,c2", "--json").stdout)
    assert found["idf1"] == 1
    table = run(dataset / "room.json")
    assert table.exit_code == 0
    assert "IDF1" in table.stdout
    assert "settled" in table.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--frames", "5"], "expected A:B"),
        (["--frames", "50:60"], "there are 20 frames"),
        (["--cameras", "cellar"], "no camera cellar; there are c0, c1, c2"),
    ],
)
def test_what_a_user_can_mend_is_said(dataset, arguments, said):
    result = run(dataset, *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_folder_that_is_no_floor(tmp_path):
    result = run(tmp_path)  # an empty folder
    assert result.exit_code == 2
    assert "holds no floor with several cameras" in result.output


def test_a_file_that_is_not_as_it_should(dataset, tmp_path):
    room = read_wildtrack(dataset / "room.json")
    assert [camera.camera for camera in room.cameras] == ["c0", "c1", "c2"]
    assert room.cameras[1].position == pytest.approx(corners(3)[1].position, abs=1e-6)
    broken = dataset / "broken.json.txt"
    broken.write_text("{}")
    with pytest.raises(DatasetFileError, match="no WILDTRACK-style JSON"):
        read_wildtrack(broken)
    (tmp_path / "room.json").write_text((dataset / "room.json").read_text())
    with pytest.raises(DatasetFileError, match="no calibration"):
        read_wildtrack(tmp_path / "room.json")


def test_several_scenes_are_told_apart(dataset):
    room = read_wildtrack(dataset / "room.json")
    from dataclasses import replace

    report = evaluate_floor([room, replace(room, name="other")], FloorQuestion())
    assert list(report.scenarios) == ["room", "other"]
    assert report.scores["settled"].people == 4
    assert set(most_telling(room, 2)) < {"c0", "c1", "c2"}


def test_wildtrack_itself():
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "wildtrack"
    if not folder.is_dir():
        pytest.skip("WILDTRACK is not beside the checkout (../shared/data/wildtrack)")
    report = evaluate_floor(
        [read_wildtrack(next(iter(sorted(folder.glob("*.json.gz")))))],
        FloorQuestion(noise=100, frames=(20, 60), baseline=True),
    )
    ours, plain = report.scores["settled"], report.scores["baseline"]
    assert ours.idf1 > 0.88
    assert ours.moda > 0.9
    assert ours.idf1 > plain.idf1 + 0.1
