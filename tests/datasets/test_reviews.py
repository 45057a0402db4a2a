from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.converting import convert
from datasets.formats.registry import open_dataset
from datasets.formats.reviews import LINES, PICTURES, Review, append
from datasets.sample import DatasetFileError


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "evidence"
    (made / PICTURES).mkdir(parents=True)
    for name in "ab":
        cv2.imwrite(str(made / PICTURES / f"{name}.png"), np.full((40, 60, 3), 90, np.uint8))
    return made


def review(id_, answer, picture="a", **more):
    return Review(id_, f"{PICTURES}/{picture}.png", answer, **more)


def test_reviews_are_samples_with_what_was_answered(folder):
    append(folder, review("q1", "04001686301234", xyxy=(3, 4, 20, 30), details={"camera": "over", "asked": {"x": 0.4}}))
    append(folder, review("q2", "take", "b", details={"kind": "reach"}))
    dataset = open_dataset(folder)
    assert (dataset.kind, dataset.classes, len(dataset)) == ("reviews", ("04001686301234", "take"), 2)
    first, second = dataset.samples()
    assert (first.name, first.xyxy.tolist(), first.label.tolist()) == ("q1", [[3, 4, 20, 30]], [0])
    assert first.groups == {"camera": ("over",), "product": ("04001686301234",)}
    assert first.details[0]["asked"] == {"x": 0.4}
    assert second.xyxy.tolist() == [[0, 0, 60, 40]]
    assert second.groups == {"kind": ("reach",)}


answers = st.lists(st.tuples(st.sampled_from("123"), st.sampled_from(["can", "jar", None])), max_size=12)


@settings(max_examples=40, deadline=None)
@given(answers)
def test_the_last_answer_to_a_question_counts(tmp_path_factory, given_answers):
    made = tmp_path_factory.mktemp("evidence")
    (made / PICTURES).mkdir()
    cv2.imwrite(str(made / PICTURES / "a.png"), np.full((4, 6, 3), 90, np.uint8))
    (made / LINES).touch()
    for id_, answer in given_answers:
        append(made, review(id_, answer))
    dataset = open_dataset(made)
    found = {one.name: dataset.classes[one.label[0]] for one in dataset.samples()}
    assert found == {id_: answer for id_, answer in dict(given_answers).items() if answer is not None}


def test_a_dataset_of_another_format_comes_back_from_reviews(folder, tmp_path):
    append(folder, review("q1", "can", xyxy=(3.25, 4, 20, 30)))
    append(folder, review("q2", "jar", "b"))
    convert(open_dataset(folder), "coco", tmp_path / "coco", licence="MIT")
    convert(open_dataset(tmp_path / "coco"), "reviews", tmp_path / "back", licence="MIT")
    back = open_dataset(tmp_path / "back")
    assert (back.kind, back.classes, back.licence) == ("reviews", ("can", "jar"), "MIT")
    assert sorted(one.xyxy.tolist()[0] for one in back.samples()) == [[0, 0, 60, 40], [3.25, 4, 20, 30]]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"id": "q1", "answer": "can"}', "line 2: expected an object with id, picture, answer"),
        ('{"id": "q1", "picture": "pictures/a.png", "answer": 7}', "review 2: answer is 7, expected a text or null"),
        ('{"id": "q", "picture": "../a.png", "answer": "can"}', "review 2: picture ../a.png lies outside"),
        ('{"id": "q", "picture": "pictures/a.png", "answer": "a", "xyxy": [1, 2]}', "review 2: xyxy is"),
        ("{nothing", "line 2: no JSON"),
    ],
)
def test_what_is_no_review_is_refused_with_its_line(folder, line, fault):
    append(folder, review("q0", "can"))
    with (folder / LINES).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DatasetFileError, match=fault):
        len(open_dataset(folder))


def test_a_review_needs_its_picture(folder):
    with pytest.raises(DatasetFileError, match="write the picture first"):
        append(folder, review("q1", "can", "missing"))
    assert not (folder / LINES).exists()


def test_a_picture_that_went_is_told_and_left_out(folder):
    append(folder, review("q1", "can"))
    append(folder, replace(review("q2", "can", "b"), details={"store": "nano"}))
    (folder / PICTURES / "a.png").unlink()
    told = []
    found = list(open_dataset(folder).samples(lambda where, what: told.append(where)))
    assert ([one.name for one in found], told) == (["q2"], ["q1"])
    assert json.loads((folder / LINES).read_text().splitlines()[1])["store"] == "nano"
