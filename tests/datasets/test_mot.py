import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.formats.mot import MotBoxes, MotFileError, read_mot, read_truth, write_mot

pixel = st.floats(-500, 4000, allow_nan=False).map(lambda value: round(value, 2))
side = st.floats(0, 900).map(lambda value: round(value, 2))
row = st.tuples(
    st.integers(1, 40), st.integers(-1, 10**6), pixel, pixel, side, side, st.floats(0, 1).map(lambda v: round(v, 4))
)


def write(path, text):
    path.write_text(text)
    return path


@settings(max_examples=60, deadline=None)
@given(st.lists(row, max_size=30), st.booleans())
def test_what_is_written_is_read_again(tmp_path_factory, rows, classes):
    path = tmp_path_factory.mktemp("mot") / "boxes.txt"
    table = np.array(rows, dtype=float).reshape(-1, 7)
    category = None
    if classes and rows:
        table[:, 6] = table[:, 6].round()
        category = (table[:, 0].astype(np.int64) % 13) + 1
    visibility = None if category is None else np.linspace(0, 1, len(table)).round(3)
    boxes = MotBoxes.from_rows(table, category, visibility)
    write_mot(path, boxes)
    again = read_truth(path)
    assert (again.category is None) == (category is None)
    if category is not None:
        np.testing.assert_array_equal(again.category, boxes.category)
        np.testing.assert_array_equal(again.visibility, boxes.visibility)
        assert again[::2].visibility.tolist() == boxes.visibility[::2].tolist()
    np.testing.assert_array_equal(again.frame, boxes.frame)
    np.testing.assert_array_equal(again.id, boxes.id)
    np.testing.assert_allclose(again.xyxy, boxes.xyxy, atol=0.0101)
    np.testing.assert_allclose(again.confidence, boxes.confidence, atol=1e-9)


def test_rows_are_ordered_by_frame_and_sizes_become_corners(tmp_path):
    boxes = read_mot(write(tmp_path / "det.txt", "2, 7, 10, 20, 30, 40, 0.5\n\n1,8,1,2,3,4,0.25\n"))
    assert boxes.frame.tolist() == [1, 2]
    assert boxes.id.tolist() == [8, 7]
    assert boxes.xyxy.tolist() == [[1, 2, 4, 6], [10, 20, 40, 60]]
    assert boxes.confidence.tolist() == [0.25, 0.5]
    assert boxes.last_frame == 2


def test_six_columns_are_sure_detections(tmp_path):
    assert read_mot(write(tmp_path / "det.txt", "1,-1,0,0,5,5\n")).confidence.tolist() == [1.0]


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_has_no_boxes(tmp_path, text):
    boxes = read_mot(write(tmp_path / "det.txt", text))
    assert len(boxes) == 0
    assert boxes.last_frame == 0


def test_mot17_truth_counts_considered_pedestrians(tmp_path):
    lines = ["1,1,0,0,5,9,1,1,1", "1,2,0,0,5,9,0,1,1", "1,3,0,0,5,9,1,7,0.5", "1,4,0,0,5,9,1,1,0"]
    truth = read_truth(write(tmp_path / "gt.txt", "\n".join(lines)))
    assert truth.category.tolist() == [1, 1, 7, 1]
    assert truth.considered().tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    "line",
    [
        "1,1,0,0,5,9,1,-4.1554,-7.3591,0",  # ten columns: metres on the floor
        "1,1,0,0,5,9,1,1,1,0",  # ten columns, whole metres
        "1,1,0,0,5,9,1,2.5,3.25",  # nine, but no class is 2.5
        "1,1,0,0,5,9,1,14,1",  # nor 14
        "1,1,0,0,5,9,0.5,1,1",  # a score is no flag
        "1,1,0,0,5,9,1",
    ],
)
def test_columns_that_are_no_classes_are_not_taken_for_classes(tmp_path, line):
    truth = read_truth(write(tmp_path / "gt.txt", line))
    assert truth.category is None
    assert len(truth) == 1


def test_plain_truth_counts_what_is_not_flagged_out(tmp_path):
    truth = read_truth(write(tmp_path / "gt.txt", "1,1,0,0,5,9,0,2.5,3,0\n1,2,0,0,5,9,1,2.5,3,0\n"))
    assert truth.considered().tolist() == [False, True]


def test_detections_keep_no_classes_unless_told(tmp_path):
    path = write(tmp_path / "det.txt", "1,1,0,0,5,9,1,3,1\n")
    assert read_mot(path).category is None
    assert read_mot(path, "classes").category.tolist() == [3]
    with pytest.raises(MotFileError, match="column 8"):
        read_mot(write(tmp_path / "short.txt", "1,1,0,0,5,9,1\n"), "classes")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("1,1,0,0,5,5,1\n\n1,2,0,x,5,5,1\n", 3, "'x' is not a number"),
        ("1,1,0,0,5,5,1\n1,2,0,0,5,5\n", 2, "6 numbers where other lines have 7"),
        ("\n1,1,0,0,5,5,1\n1,2,0,0,-5,5,1\n", 3, "negative"),
        ("1,1,0,0,5,5,1\n0,2,0,0,5,5,1\n", 2, "frames from 1"),
        ("1.5,1,0,0,5,5,1\n", 1, "whole numbers"),
        ("1,1.5,0,0,5,5,1\n", 1, "whole numbers"),
        ("1,1,0,0,5,5,1\n1,2,0,nan,5,5,1\n", 2, "not a number"),
        ("1,1,0,0,5,5,inf\n", 1, "infinite"),
        ("1 1 0 0 5 5 1\n", 1, "not a number"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, line, what):
    path = write(tmp_path / "bad.txt", text)
    with pytest.raises(MotFileError, match=f"^{re.escape(str(path))}, line {line}: .*{what}"):
        read_mot(path)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(MotFileError, match=r"gone\.txt: there is no such file"):
        read_mot(tmp_path / "gone.txt")
    with pytest.raises(MotFileError, match="cannot be read as text"):
        read_mot(tmp_path)
    with pytest.raises(MotFileError, match="these have 5 numbers"):
        read_mot(write(tmp_path / "five.txt", "1,1,0,0,5\n"))


def test_frames_are_cut_out_with_both_ends(tmp_path):
    table = np.array([[frame, frame, 0, 0, 1, 1, 1] for frame in (1, 1, 3, 4, 6)], dtype=float)
    boxes = MotBoxes.from_rows(table)
    assert boxes.between(3, 4).frame.tolist() == [3, 4]
    assert boxes.between(1, 1).frame.tolist() == [1, 1]
    assert boxes.offsets(1, 4).tolist() == [0, 2, 2, 3, 4]


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="expected 2 boxes"):
        MotBoxes(np.array([1, 2]), np.array([1]), np.zeros((2, 4)), np.zeros(2))
    with pytest.raises(ValueError, match="backwards"):
        MotBoxes(np.array([2, 1]), np.array([1, 1]), np.zeros((2, 4)), np.zeros(2))
