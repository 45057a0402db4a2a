import shutil

import numpy as np
import pytest
from torch import nn

from datasets.formats.registry import open_dataset
from datasets.pictures import jpeg
from training.errors import (
    BrokenLabelError,
    ClassCountError,
    CorruptPictureError,
    DiskFullError,
    EmptyLabelFileError,
    NoLabelsError,
)
from training.faults import check_data, check_room, checkpoint_bytes

LABEL = "0 0.5 0.5 0.4 0.6\n"


@pytest.fixture
def folder(tmp_path):
    """A sound YOLO dataset: 6 pictures to train with and 2 to look at, an object on each."""
    noise = np.random.default_rng(1)
    for split, count in (("train", 6), ("val", 2)):
        for what in ("images", "labels"):
            (tmp_path / what / split).mkdir(parents=True)
        for number in range(count):
            image = noise.integers(0, 256, (40, 60, 3), np.uint8)
            (tmp_path / "images" / split / f"{number}.jpg").write_bytes(jpeg(image))
            (tmp_path / "labels" / split / f"{number}.txt").write_text(LABEL)
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [person]\n")
    return tmp_path


def test_sound_data_is_counted(folder):
    (folder / "labels/train/0.txt").write_text(LABEL + "0 0.3 0.3 0.2 0.2\n")
    told = []
    counts = check_data(open_dataset(folder), classes=1, progress=lambda *now: told.append(now))
    assert counts.pictures == {"train": 6, "val": 2}
    assert counts.objects == {"train": 7, "val": 2}
    assert told[-1] == (8, 8)


def test_a_cut_picture_is_named(folder):
    path = folder / "images/train/3.jpg"
    path.write_bytes(path.read_bytes()[:-800])
    with pytest.raises(CorruptPictureError, match=r"corrupt pictures: .*images/train/3\.jpg is not a picture"):
        check_data(open_dataset(folder))


def test_a_picture_that_is_none_is_named(folder):
    (folder / "images/val/0.jpg").write_bytes(b"")
    (folder / "images/val/1.jpg").write_text("hello")
    with pytest.raises(CorruptPictureError, match=r"val/0\.jpg is empty; .*val/1\.jpg is not a picture"):
        check_data(open_dataset(folder))


def test_an_empty_label_file_is_named_unless_backgrounds_are_meant(folder):
    (folder / "labels/train/2.txt").write_text("\n")
    with pytest.raises(EmptyLabelFileError, match=r"empty label files: .*labels/train/2\.txt\. To go on.*backgrounds"):
        check_data(open_dataset(folder))
    assert check_data(open_dataset(folder), backgrounds=True).objects == {"train": 5, "val": 2}
    (folder / "labels/train/2.txt").unlink()
    assert check_data(open_dataset(folder)).pictures == {"train": 6, "val": 2}


def test_a_split_without_labels_is_named(folder):
    shutil.rmtree(folder / "labels/val")
    with pytest.raises(NoLabelsError, match="split val has 2 pictures without any label"):
        check_data(open_dataset(folder))
    with pytest.raises(NoLabelsError, match="split test has no picture"):
        check_data(open_dataset(folder), splits=("train", "test"))


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("0 0.5 many 0.4 0.6\n", "4.txt, line 2: not numbers"),
        ("2 0.5 0.5 0.4 0.6\n", "4.txt, line 2: class 2, but classes are 0 to 0"),
        ("0 0.5 0.5 0 0.6\n", "train/4.jpg: label without area"),
        ("0 0.95 0.5 0.4 0.6\n", "train/4.jpg: label outside the picture"),
    ],
)
def test_a_broken_label_is_named(folder, label, message):
    (folder / "labels/train/4.txt").write_text(LABEL + label)
    with pytest.raises(BrokenLabelError, match=message):
        check_data(open_dataset(folder))


def test_only_the_first_faults_are_named(folder):
    for number in range(6):
        (folder / f"labels/train/{number}.txt").write_text("")
    with pytest.raises(EmptyLabelFileError, match=r"train/4\.txt, and 1 more\. To go on"):
        check_data(open_dataset(folder))


def test_other_classes_than_the_recipe_says(folder):
    (folder / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [can, jar, box]\n")
    with pytest.raises(ClassCountError, match=r"has 3 classes \(can, jar, box\), the recipe says 1"):
        check_data(open_dataset(folder), classes=1)


def test_simulated_data_passes(small_dataset):
    counts = check_data(open_dataset(small_dataset), classes=1, splits=("train",))
    assert counts.objects["train"] > 5


def test_too_little_room_for_checkpoints_is_said_before_the_first_step(tmp_path):
    network = nn.Linear(1000, 1000)
    size = checkpoint_bytes(network)
    assert size == 4 * 1_001_000 * 4
    assert checkpoint_bytes(network, moments=1, average=False) == 2 * 1_001_000 * 4
    check_room(tmp_path / "run", size)
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(DiskFullError, match=r"3 checkpoints take .* are free: make room"):
        check_room(tmp_path / "run", free // 2)
