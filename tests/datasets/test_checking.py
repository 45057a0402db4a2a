from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.checking.check import check
from datasets.checking.duplicates import fingerprint, near_pairs
from datasets.checking.findings import Finding, Kind
from datasets.checking.sheet import chosen, contact_sheet
from datasets.converting import convert
from datasets.formats.registry import open_dataset
from datasets.manifest import read_manifest
from datasets.sample import DatasetFileError
from datasets.splits import SplitFile

SOUND = [("train", [(0, 4, 5, 20, 30)]), ("train", [(1, 10, 10, 20, 20)]), ("val", [(1, 0, 0, 64, 48)]), ("val", [])]


def found(folder, **options):
    return [(one.kind, one.where) for one in check(open_dataset(folder), **options)]


def test_a_sound_dataset_has_no_findings(coco_folder, small_dataset, tmp_path):
    assert found(coco_folder(SOUND)) == []
    convert(open_dataset(small_dataset), "coco", tmp_path / "out", every=8)
    assert [one for one in check(open_dataset(tmp_path / "out")) if one.kind.is_error] == []


def test_labels_that_cannot_be_right_are_found(coco_folder):
    wrong = {
        "outside": (0, 50, 5, 20, 30),
        "flat": (0, 5, 5, 10, 0),
        "turned": (1, 20, 20, -5, 9),
        "rounded": (0, 44, 5, 20.8, 5),
    }
    twice = [(1, 9, 9, 5, 5), (0, 9, 9, 5, 5), (1, 9, 9, 5, 5)]
    folder = coco_folder([("", [box]) for box in wrong.values()] + [("", twice)])
    assert found(folder) == [
        (Kind.OUTSIDE, "images/1.png"), (Kind.NO_AREA, "images/2.png"), (Kind.NO_AREA, "images/3.png"),
        (Kind.TWICE, "images/5.png"),
    ]  # fmt: skip


def test_pictures_that_cannot_be_used_are_found(coco_folder):
    folder = coco_folder([("", [])] * 6)
    images = folder / "images"
    (images / "1.png").write_bytes(b"")
    (images / "2.png").write_bytes(b"not a picture")
    (images / "3.png").unlink()
    (images / "4.png").write_bytes((images / "4.png").read_bytes()[:-400])
    cv2.imwrite(str(images / "5.png"), np.full((48, 64, 3), 90, np.uint8))
    cv2.imwrite(str(images / "6.png"), np.random.default_rng(0).integers(0, 255, (20, 20, 3), np.uint8))
    assert {where: kind for kind, where in found(folder)} == {
        **{f"images/{number}.png": Kind.UNREADABLE for number in (1, 2, 3, 4)},
        "images/5.png": Kind.BLANK,
        "images/6.png": Kind.SIZE,
    }


def test_a_jpeg_that_was_cut_off_is_found(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8)
    for name in ("whole", "cut"):
        (tmp_path / "can").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "can" / f"{name}.jpg"), noise if name == "whole" else noise[::-1])
    data = (tmp_path / "can/cut.jpg").read_bytes()
    (tmp_path / "can/cut.jpg").write_bytes(data[: len(data) // 2])
    assert found(tmp_path) == [(Kind.UNREADABLE, "can/cut.jpg")]


def test_files_are_compared_with_the_manifest(coco_folder, tmp_path):
    convert(open_dataset(coco_folder(SOUND)), "coco", tmp_path / "out")
    folder = tmp_path / "out"
    assert found(folder) == []
    SplitFile({f"images/{n}.png": "train" for n in range(1, 5)}).write(folder / "split.jsonl")
    assert found(folder) == []
    (folder / "train.cache").write_text("")
    assert found(folder) == []
    (folder / "images" / "new.txt").write_text("")
    (folder / "annotations" / "val.json").write_bytes((folder / "annotations" / "val.json").read_bytes() + b"\n")
    (folder / "images" / "4.png").unlink()
    files = [one for one in check(open_dataset(folder)) if one.kind is Kind.FILE]
    assert [(one.where, one.what.split(":")[0]) for one in files] == [
        ("annotations/val.json", "changed"), ("images/4.png", "missing"), ("images/new.txt", "not in the manifest"),
    ]  # fmt: skip


def test_the_same_picture_twice_leaks_where_splits_differ(coco_folder):
    folder = coco_folder(SOUND)
    shutil.copy(folder / "images" / "1.png", folder / "images" / "2.png")
    shutil.copy(folder / "images" / "1.png", folder / "images" / "3.png")
    assert found(folder) == [(Kind.DUPLICATE, "images/1.png"), (Kind.LEAK_DUPLICATE, "images/1.png")]


def test_nearly_the_same_picture_is_found_and_another_scene_is_not(coco_folder):
    folder = coco_folder(SOUND)
    image = cv2.imread(str(folder / "images" / "1.png"))
    cv2.imwrite(str(folder / "images" / "3.png"), cv2.convertScaleAbs(image, alpha=0.97, beta=2))
    assert found(folder) == [(Kind.LEAK_NEAR, "images/1.png")]
    changed = image.copy()
    changed[10:22, 10:18] = 255 - changed[10:22, 10:18]  # a camera that stands still, and somebody who came
    cv2.imwrite(str(folder / "images" / "3.png"), changed)
    assert found(folder) == []


def test_the_same_group_in_two_splits_is_found(coco_folder, tmp_path):
    groups = [{"shop": ["a"]}, {"shop": ["b"]}, {"shop": ["b"]}, {"shop": ["c"]}]
    folder = coco_folder(SOUND, groups=groups)
    assert found(folder) == []
    assert found(folder, by="shop") == [(Kind.LEAK_GROUP, "shop b")]
    splits = {f"images/{n}.png": split for n, split in enumerate(("train", "train", "val", "val"), 1)}
    SplitFile(splits, "shop").write(folder / "split.jsonl")
    convert(open_dataset(folder), "yolo", tmp_path / "out")
    assert read_manifest(tmp_path / "out").made["split_by"] == "shop"
    assert found(tmp_path / "out") == [(Kind.LEAK_GROUP, "shop b")]


@settings(max_examples=40)
@given(bits=st.integers(0, 6), flips=st.lists(st.integers(0, 63), unique=True, max_size=8), seed=st.integers(0, 9))
def test_hashes_within_the_distance_are_found_whichever_bits_differ(bits, flips, seed):
    grey = np.random.default_rng(seed).integers(0, 255, (40, 40, 3), np.uint8)
    one = fingerprint(grey, b"1")
    other_hash = one.dhash
    for flip in flips:
        other_hash ^= 1 << flip
    other = type(one)(b"2", other_hash, one.grey)
    lone = np.array([-1, -1])
    assert list(near_pairs([one, other], lone * 0, lone, bits)) == ([(0, 1)] if len(flips) <= bits else [])
    assert list(near_pairs([one, other], lone * 0, lone * 0, bits)) == []


def test_the_difference_hash_says_whether_the_right_one_is_brighter():
    ramp = np.repeat(np.repeat(np.arange(0, 252, 28, np.uint8)[None, :, None], 8, 0), 3, 2)
    assert fingerprint(ramp, b"").dhash == 2**64 - 1
    assert fingerprint(np.ascontiguousarray(ramp[:, ::-1]), b"").dhash == 0


def test_the_sheet_shows_errors_first_and_marks_labels(coco_folder):
    folder = coco_folder([("", [(0, 30, 20, 40, 20)]), ("", [])])
    (finding,) = check(open_dataset(folder))
    sheet = contact_sheet([finding], "x")
    assert sheet.shape == (40 + 200 + 62 + 8 + 8, 2 * 308 + 8, 3)
    marked = (sheet == (40, 40, 200)).all(axis=2)
    rows, columns = np.nonzero(marked[40:240])
    assert 130 < columns.min() < 150
    assert columns.max() >= 300
    assert 70 < rows.min() < 100
    warning = Finding(Kind.BLANK, "w")
    assert chosen([warning] * 9 + [finding] * 9, 12, 8) == [finding] * 8 + [warning] * 4
    assert contact_sheet([warning, Finding(Kind.NEAR, "ü", "ä" * 300)], "y").shape[0] == sheet.shape[0]


class _Stopped(BaseException):
    pass


def test_an_interrupted_conversion_leaves_nothing(coco_folder, tmp_path):
    source = open_dataset(coco_folder(SOUND))

    def stop(done, total):
        assert (tmp_path / ".out.part").is_dir()
        if done == 3:
            raise _Stopped

    with pytest.raises(_Stopped):
        convert(source, "yolo", tmp_path / "out", on_picture=stop)
    assert {path.name for path in tmp_path.iterdir()} == {"coco"}
    (tmp_path / ".out.part" / "images").mkdir(parents=True)  # as after a kill
    (tmp_path / ".out.part" / "images" / "old.png").write_bytes(b"")
    convert(source, "yolo", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"coco", "out"}
    assert found(tmp_path / "out") == []
    assert not list((tmp_path / "out").rglob("old.png"))
    with pytest.raises(DatasetFileError, match="is there already"):
        convert(source, "yolo", tmp_path / "out")


def test_every_nth_is_taken_and_names_never_clash(tmp_path):
    for number in range(5):
        path = Path(tmp_path / f"s/can/a{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((9, 9, 3), number * 20, np.uint8))
    shutil.copy(tmp_path / "s/can/a0.png", tmp_path / "s/can/a0.bmp.png")
    (tmp_path / "s/can-a").mkdir()
    shutil.copy(tmp_path / "s/can/a1.png", tmp_path / "s/can-a/0.png")
    convert(open_dataset(tmp_path / "s"), "coco", tmp_path / "all")
    assert len(list((tmp_path / "all/images").iterdir())) == 7
    convert(open_dataset(tmp_path / "s"), "coco", tmp_path / "third", every=3)
    assert len(open_dataset(tmp_path / "third")) == 3


def test_messages_name_level_kind_and_place():
    assert re.match(r"warning: blank picture: a\.png$", str(Finding(Kind.BLANK, "a.png")))
    assert str(Finding(Kind.FILE, "b", "missing")) == "error: file not as in the manifest: b: missing"


def test_a_killed_conversion_leaves_nothing_that_looks_whole(small_dataset, tmp_path):
    out = tmp_path / "out"
    code = """
import sys, time
from pathlib import Path
from datasets.converting import convert
from datasets.formats.registry import open_dataset
source, out = map(Path, sys.argv[1:])
convert(open_dataset(source), "yolo", out, on_picture=lambda done, total: time.sleep(600 * (done == 3)))
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(small_dataset), str(out)])
    while len(list(tmp_path.glob(".out.part/images/all/*.jpg"))) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not out.exists()
    with pytest.raises(DatasetFileError, match="there is no such folder"):
        open_dataset(out)
    with pytest.raises(DatasetFileError, match="no dataset that is known"):
        open_dataset(tmp_path)
    made = convert(open_dataset(small_dataset), "yolo", out, every=20)
    assert len(list(out.glob("images/all/*.jpg"))) == made.counts["pictures"]


def test_numbers_that_are_none_are_a_fault(coco_folder, tmp_path):
    folder = coco_folder([("", [(0, 1, 1, 5, 5), (1, 2, 2, 7, 7)])])
    file = folder / "annotations" / "all.json"
    file.write_text(file.read_text().replace("[1,1,5,5]", "[1,NaN,5,5]"))
    assert found(folder) == [(Kind.LABEL, "images/1.png")]
    with pytest.raises(DatasetFileError, match=r"images/1\.png: object 1 has a number"):
        convert(open_dataset(folder), "coco", tmp_path / "out")
    faults = []
    made = convert(open_dataset(folder), "coco", tmp_path / "out", on_fault=lambda *fault: faults.append(fault))
    assert (made.counts["objects"], len(faults)) == (1, 1)
