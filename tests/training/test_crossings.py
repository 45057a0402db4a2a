import json

import numpy as np
import pytest

from datasets.formats.mot import MotBoxes, read_truth
from store.plan import parse_line
from training.evaluate.crossings import (
    CountsFileError,
    FrameCrossings,
    count_crossings,
    read_counts,
    score_crossings,
)

DOWN = "100,0,100,400"


def counts(path, rows):
    path.write_text(json.dumps({"crossings": rows}))
    return path


def crossings(*pairs):
    return FrameCrossings(np.array([f for f, _ in pairs], np.int64), np.array([i for _, i in pairs], np.bool_))


@pytest.mark.parametrize(
    ("line", "walk", "into"),
    [
        (DOWN, "RL", True),
        (DOWN, "LR", False),
        ("100,400,100,0", "LR", True),
        ("0,50,400,50", "UD", True),
        ("0,50,400,50", "DU", False),
        ("0,0,100,100", "RL", True),
        ("0,0,100,100", "UD", True),
        (DOWN, "in", True),
        (DOWN, "out", False),
    ],
)
def test_walks_become_in_and_out_of_the_line(tmp_path, line, walk, into):
    found = read_counts(counts(tmp_path / "counts.json", [{"frame": 7, "dir": walk, "id": 3}]), parse_line(line))
    assert found.frame.tolist() == [7]
    assert found.into.tolist() == [into]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", 'the list "crossings"'),
        ('{"crossings": [{"frame": 1, "dir": "LR"}, {"frame": 0, "dir": "LR"}]}', r"crossings\[1\]: expected"),
        ('{"crossings": [{"dir": "LR"}]}', r"crossings\[0\]: expected"),
        ('{"crossings": [{"frame": 1, "dir": "NE"}]}', "'NE' is none of in, out, LR"),
        ('{"crossings": [{"frame": 1, "dir": "UD"}]}', "along line"),
    ],
)
def test_a_bad_counts_file_is_named(tmp_path, content, what):
    path = tmp_path / "counts.json"
    path.write_text(content)
    with pytest.raises(CountsFileError, match=rf"counts\.json.*{what}"):
        read_counts(path, parse_line(DOWN))


def test_a_missing_counts_file_is_named(tmp_path):
    with pytest.raises(CountsFileError, match=r"gone\.json: there is no such file"):
        read_counts(tmp_path / "gone.json", parse_line(DOWN))


def test_walks_over_the_line_are_counted_when_they_are_certain():
    # One goes left to right by 4 px a frame, one stands on the line and trembles, one goes right to left.
    frames = np.arange(1, 41)
    rows = []
    for frame in frames:
        for person, x in ((1, 60 + 4 * frame), (2, 100 + 3 * (-1) ** frame), (3, 180 - 4 * frame)):
            rows.append([frame, person, x - 10, 50, 20, 60, 1])
    found = count_crossings(MotBoxes.from_rows(np.array(rows, dtype=float)), parse_line(DOWN), 10.0, margin_px=10)
    # Person 1 is 10 px beyond at frame 13 (112), person 3 at frame 23 (88).
    assert found.frame.tolist() == [13, 23]
    assert found.into.tolist() == [False, True]


def test_no_tracks_cross_nothing():
    assert len(count_crossings(MotBoxes.from_rows(np.zeros((0, 7))), parse_line(DOWN), 10.0, 5)) == 0


def test_each_crossing_is_found_once_in_its_direction_and_in_time():
    truth = crossings((10, True), (12, True), (50, False), (90, True))
    ours = crossings((24, True), (11, True), (50, True), (90, True), (91, True))
    scores = score_crossings(truth, ours, frame_rate=10.0)
    # 12-24 is within 1.5 s, so 11 must go to 10; 50 went the other way; one of 90 and 91 is one too many.
    assert scores.as_json() == {"truth": 4, "found": 3, "false": 2}
    assert score_crossings(truth, ours, frame_rate=7.5).as_json() == {"truth": 4, "found": 2, "false": 3}
    assert score_crossings(crossings((1, True)), crossings((16, True)), 10.0).found == 1
    assert score_crossings(crossings((1, True)), crossings((17, True)), 10.0).found == 0


def test_without_crossings_on_a_side():
    none, one = crossings(), crossings((5, True))
    assert score_crossings(none, one, 10.0).as_json() == {"truth": 0, "found": 0, "false": 1}
    assert score_crossings(one, none, 10.0).as_json() == {"truth": 1, "found": 0, "false": 0}


def test_true_paths_make_the_true_counts(shared_data):
    truth = read_truth(shared_data / "vtest" / "gt.txt")
    line = parse_line("384,0,384,576")
    expected = read_counts(shared_data / "vtest" / "footfall.json", line)
    assert (len(expected), int(expected.into.sum())) == (29, 17)
    counted = count_crossings(truth[truth.considered()], line, 7.0, margin_px=15)
    assert score_crossings(expected, counted, 7.0).as_json() == {"truth": 29, "found": 29, "false": 0}
    assert len(expected.between(398, 795)) == sum(frame >= 398 for frame in expected.frame)
