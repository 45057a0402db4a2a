from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.formats.registry import open_dataset
from datasets.pictures import PictureFile
from datasets.sample import DatasetFileError, Sample
from datasets.splits import SplitFile
from datasets.splitting import SplitError, divide


def picture(name, *people, label=0, **groups):
    n = max(len(people), 1)
    person = people or ("",)
    told = {key: (value,) for key, value in groups.items() if key != "sequence"}
    sequence = groups.get("sequence", "")
    where = PictureFile(Path(name))
    return Sample(
        name, where, (9, 9), np.zeros((n, 4)), np.full(n, label), person=person, groups=told, sequence=sequence
    )


def groups_of(shown):
    """How many sets remain when those that share anybody are joined; each empty one counts."""
    joined = []
    for people in filter(None, map(set, shown)):
        apart = [each for each in joined if not each & people]
        joined = [*apart, people.union(*(each for each in joined if each & people))]
    return len(joined) + sum(not people for people in shown)


@settings(max_examples=60)
@given(
    shown=st.lists(st.lists(st.sampled_from("abcdefghijkl"), max_size=2), min_size=3, max_size=40),
    seed=st.integers(0, 5),
)
def test_nobody_is_in_two_parts_and_every_picture_is_in_one(shown, seed):
    samples = [picture(str(number), *people) for number, people in enumerate(shown)]
    people = {person for each in shown for person in each}
    if not people or groups_of(shown) < 3:
        with pytest.raises(SplitError):
            divide(samples, ("x",), "person", (8, 1, 1), seed)
        return
    division = divide(samples, ("x",), "person", (8, 1, 1), seed)
    splits = division.file.splits
    assert list(splits) == [one.name for one in samples]
    assert set(splits.values()) == {"train", "val", "test"}
    for person in people:
        assert len({splits[one.name] for one in samples if person in one.values("person")}) <= 1


def test_parts_are_as_large_as_asked_and_classes_are_even():
    samples = [picture(str(number), label=number % 2, product=f"p{number}") for number in range(100)]
    division = divide(samples, ("a", "b"), "product", (8, 1, 1), 0)
    assert division.pictures == {"train": 80, "val": 10, "test": 10}
    for part in ("train", "val", "test"):
        labels = [int(one.label[0]) for one in samples if division.file.splits[one.name] == part]
        assert labels.count(0) == labels.count(1)


def test_the_seed_decides():
    samples = [picture(str(number)) for number in range(60)]
    first = divide(samples, ("x",), "picture", (1, 1), 4).file
    assert first == divide(samples, ("x",), "picture", (1, 1), 4).file
    assert first.splits != divide(samples, ("x",), "picture", (1, 1), 5).file.splits


def test_pictures_of_nobody_go_with_their_footage():
    samples = [
        picture(f"{run}{n}", *[run] * (n == 3), sequence=f"{run}/cam", run=run) for run in "abc" for n in range(6)
    ]
    samples += [picture(f"other {run}", sequence=f"{run}/other", run=run) for run in "abc"]
    splits = divide(samples, ("x",), "person", (1, 1, 1), 0).file.splits
    for run in "abc":
        assert len({splits[one.name] for one in samples if one.values("run") == (run,)}) == 1


@pytest.mark.parametrize(
    ("by", "ratios", "said"),
    [
        ("person", (8, 1, 1), "by person the pictures hang together in 1 group, too few for 3 parts"),
        ("shop", (8, 1), "no picture says to which shop it belongs"),
        ("picture", (1, 0), "ratios are 2 or 3 numbers above 0"),
        ("picture", (1,), "ratios are 2 or 3 numbers above 0"),
    ],
)
def test_what_cannot_be_split_is_refused(by, ratios, said):
    samples = [picture("1", "anna", "ben"), picture("2", "ben", "eva"), picture("3", "eva")]
    with pytest.raises(SplitError, match=said):
        divide(samples, ("x",), by, ratios, 0)


def test_a_split_file_is_honoured_and_names_what_it_lacks(coco_folder):
    folder = coco_folder([("train", [(0, 1, 1, 9, 9)]), ("val", [])])
    file = SplitFile({"images/1.png": "val", "images/2.png": "test"}, "picture", 3, (8.0, 1.0))
    file.write(folder / "split.jsonl")
    assert SplitFile.read(folder / "split.jsonl") == file
    assert [one.split for one in open_dataset(folder).samples()] == ["val", "test"]
    other = SplitFile({"images/1.png": "train"}, "picture")
    other.write(folder.parent / "other.jsonl")
    with pytest.raises(DatasetFileError, match=r"images/2\.png: is not in the split file"):
        list(open_dataset(folder, folder.parent / "other.jsonl").samples())


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "line 1"), ('{"by": "run"}\n{"name": "a"}', "line 2: expected"), ('{"by": ""}\nx', "line 2: no JSON")],
)
def test_a_broken_split_file_is_named_by_line(tmp_path, text, said):
    (tmp_path / "s.jsonl").write_text(text)
    with pytest.raises(DatasetFileError, match=said):
        SplitFile.read(tmp_path / "s.jsonl")
