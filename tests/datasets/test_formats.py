from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.converting import convert
from datasets.formats.coco import KEYPOINTS
from datasets.formats.registry import open_dataset
from datasets.formats.yolo import flipped
from datasets.pictures import PictureError, PictureFile, picture_size
from datasets.sample import DatasetFileError, Sample

PLAIN = [("train", [(0, 4, 5, 20, 30), (1, 30, 8, 10, 12.5)]), ("train", []), ("val", [(1, 0, 0, 64, 48)])]


def all_of(path):
    return list(open_dataset(path).samples())


def by_split(samples):
    """What every format can say, by split and then by pixels."""
    return {(one.split, one.picture.read().tobytes()): one for one in samples}


def assert_same(found, wanted, *, tolerance=1e-4):
    found, wanted = by_split(found), by_split(wanted)
    assert found.keys() == wanted.keys()
    for key, one in wanted.items():
        assert found[key].size == one.size
        assert found[key].label.tolist() == one.label.tolist()
        np.testing.assert_allclose(found[key].xyxy, one.xyxy, atol=tolerance)


@pytest.mark.parametrize("kind", ["coco", "yolo"])
def test_a_dataset_comes_back_from_each_format(coco_folder, tmp_path, kind):
    source = open_dataset(coco_folder(PLAIN))
    made = convert(source, kind, tmp_path / "out", licence="MIT")
    assert made.counts == {"pictures": 3, "objects": 3, "splits": {"train": 2, "val": 1}}
    back = open_dataset(tmp_path / "out")
    assert (back.kind, len(back), back.classes, back.licence) == (kind, 3, ("can", "jar"), "MIT")
    assert_same(back.samples(), source.samples())


boxes = st.tuples(st.floats(0, 60), st.floats(0, 44), st.floats(0.5, 64), st.floats(0.5, 48)).map(
    lambda b: [b[0], b[1], min(b[0] + b[2], 64.0), min(b[1] + b[3], 48.0)]
)


class _Given:
    """A dataset of one picture with the boxes that a test wants."""

    kind, folder, classes, keypoint_names, licence = "given", Path("given"), ("a", "b", "c"), KEYPOINTS, ""

    def __init__(self, sample):
        self._sample = sample

    def __len__(self):
        return 1

    def samples(self, on_fault=None):
        yield self._sample


@settings(max_examples=25)
@given(boxes=st.lists(boxes, max_size=5), data=st.data(), order=st.permutations(["coco", "yolo"]))
def test_boxes_and_poses_survive_coco_and_yolo(tmp_path_factory, boxes, data, order):
    folder = tmp_path_factory.mktemp("trip")
    cv2.imwrite(str(folder / "p.png"), np.zeros((48, 64, 3), np.uint8))
    n = len(boxes)
    points = np.array(data.draw(st.lists(st.floats(0, 1), min_size=n * 34, max_size=n * 34))).reshape(n, 17, 2)
    seen = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n * 17, max_size=n * 17))).reshape(n, 17, 1)
    keypoints = np.where(seen > 0, np.concatenate([points * (64, 48), seen], axis=2), 0.0)
    label = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)), np.int64)
    sample = Sample(
        "p.png",
        PictureFile(folder / "p.png"),
        (64, 48),
        np.array(boxes).reshape(-1, 4),
        label,
        keypoints.reshape(n, 17, 3),
    )
    source = _Given(sample)
    for kind in order:
        convert(source, kind, folder / kind)
        source = open_dataset(folder / kind)
        assert source.keypoint_names == KEYPOINTS
    (back,) = source.samples()
    assert back.label.tolist() == label.tolist()
    np.testing.assert_allclose(back.xyxy, sample.xyxy, atol=1e-5)
    np.testing.assert_allclose(back.keypoints, sample.keypoints, atol=1e-5)


def test_the_reference_reader_of_coco_finds_the_same(small_dataset, tmp_path):
    reference = pytest.importorskip("faster_coco_eval")
    source = open_dataset(small_dataset)
    convert(source, "coco", tmp_path / "out", every=10)
    coco = reference.COCO(str(tmp_path / "out" / "annotations" / "all.json"))
    found = {image["file_name"]: coco.imgToAnns[number] for number, image in coco.imgs.items()}
    samples = {Path(one.name).name: one for one in open_dataset(tmp_path / "out").samples()}
    assert found.keys() == samples.keys()
    assert sum(map(len, found.values())) > 3
    for name, objects in found.items():
        xywh = np.array([one["bbox"] for one in objects]).reshape(-1, 4)
        np.testing.assert_allclose(samples[name].xyxy[:, :2], xywh[:, :2])
        np.testing.assert_allclose(samples[name].xyxy[:, 2:], xywh[:, :2] + xywh[:, 2:])
        for one in objects:  # masks are kept, and are of the picture that they came with
            assert coco.annToMask(one).sum() == one["area"]


def test_ultralytics_reads_our_poses(small_dataset, tmp_path):
    pytest.importorskip("ultralytics")
    from models.ultralytics_home import import_ultralytics

    import_ultralytics()
    from ultralytics.data.utils import img2label_paths, verify_image_label

    convert(open_dataset(small_dataset), "yolo", tmp_path / "out", every=10)
    said = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())
    assert said["flip_idx"] == [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    seen = 0
    for one in open_dataset(tmp_path / "out").samples():
        path = str(one.picture.path)
        label = img2label_paths([path])[0]
        _, rows, shape, _, points, missing, _, _, corrupt, said = verify_image_label(
            (path, label, "", True, 1, 17, 3, False)
        )
        assert (missing, corrupt, said) == (0, 0, "")
        assert shape == one.size[::-1]
        order = np.lexsort(one.xyxy.T)
        centre = (one.xyxy[:, :2] + one.xyxy[:, 2:]) / 2 / one.size
        assert len(rows) == len(one)
        np.testing.assert_allclose(np.sort(rows[:, 1]), np.sort(centre[order][:, 0]), atol=1e-5)
        np.testing.assert_allclose(np.sort(points[..., 2].ravel()), np.sort(one.keypoints[..., 2].ravel()))
        seen += len(one)
    assert seen > 3


def test_the_simulated_store_is_read_with_pixels_people_and_groups(small_dataset):
    dataset = open_dataset(small_dataset)
    samples = list(dataset.samples())
    assert dataset.kind == "simulated"
    assert len(samples) == len(dataset) > 50
    truth = json.loads((small_dataset / "runs/short-0003/cameras/left/coco.json").read_text())
    left = [one for one in samples if one.sequence == "short-0003/left"]
    assert [one.frame for one in left] == [image["frame_index"] for image in truth["images"]]
    assert sum(map(len, left)) == len(truth["annotations"])
    people = {person for one in samples for person in one.values("person")}
    assert len(people) == 2
    assert all(person.startswith("seed 3, ") for person in people)
    first = samples[0]
    assert first.groups["run"] == ("short-0003",)
    assert first.groups["shop"][0].endswith("seed 3")
    assert {one.values("camera") for one in samples} != {first.values("camera")}


def test_frames_of_a_video_are_the_same_in_any_order(small_dataset):
    samples = [one for one in open_dataset(small_dataset).samples() if one.sequence.endswith("left")]
    forward = [one.picture.read() for one in samples[:6]]
    assert not np.array_equal(forward[0], forward[5])
    for place in (5, 0, 3, 3):
        np.testing.assert_array_equal(samples[place].picture.read(), forward[place])
    with pytest.raises(PictureError, match="has 75 frames, no frame 100000"):
        replace(samples[0].picture, index=100_000).read()


def test_footage_goes_to_mot_and_back(small_dataset, tmp_path):
    source = open_dataset(small_dataset)
    convert(source, "mot", tmp_path / "out", every=4)
    back = all_of(tmp_path / "out")
    wanted = [one for one in source.samples() if one.frame % 4 == 0]
    assert sorted(one.sequence for one in back) == sorted(one.sequence for one in wanted)
    found = {(one.sequence, one.frame): one for one in back}
    for one in wanted:
        again = found[one.sequence, one.frame]
        np.testing.assert_allclose(again.xyxy, one.xyxy, atol=0.02)
        assert (again.track_id, again.person, again.size) == (one.track_id, one.person, one.size)
    assert {one.picture.path.name for one in back} >= {"000001.jpg", "000002.jpg"}


def test_mot_refuses_what_it_cannot_say(coco_folder, tmp_path):
    with pytest.raises(DatasetFileError, match="MOT has no class 'can'"):
        convert(open_dataset(coco_folder(PLAIN)), "mot", tmp_path / "out")
    people = coco_folder([("", [(0, 1, 1, 5, 5)])], "people", classes=("person",))
    with pytest.raises(DatasetFileError, match=r"1\.png is no frame of any footage"):
        convert(open_dataset(people), "mot", tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


def test_ignored_objects_stay_marked_in_coco_and_are_left_out_of_yolo(tmp_path):
    sequence = tmp_path / "seq"
    (sequence / "gt").mkdir(parents=True)
    (sequence / "gt" / "gt.txt").write_text("1,1,5,5,20,30,1,1,1\n1,2,40,5,10,10,0,1,0\n")
    (sequence / "img1").mkdir()
    cv2.imwrite(str(sequence / "img1" / "000001.png"), np.zeros((48, 64, 3), np.uint8))
    (sequence / "seqinfo.ini").write_text("[Sequence]\nimExt=.png\nseqLength=1\n")
    source = open_dataset(tmp_path)
    convert(source, "coco", tmp_path.parent / "c")
    convert(source, "yolo", tmp_path.parent / "y")
    assert all_of(tmp_path.parent / "c")[0].counted.tolist() == [True, False]
    assert len(all_of(tmp_path.parent / "y")[0]) == 1
    convert(source, "mot", tmp_path.parent / "m")
    assert all_of(tmp_path.parent / "m")[0].counted.tolist() == [True, False]


def test_photos_of_products_by_folder_and_by_list(tmp_path):
    for name, grey in (("cans/a.png", 10), ("cans/b.png", 60), ("jars/a.png", 200)):
        (tmp_path / "folders" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "folders" / name), np.full((20, 30, 3), grey, np.uint8))
    samples = all_of(tmp_path / "folders")
    assert [(one.name, one.values("product")) for one in samples] == [
        ("cans/a.png", ("cans",)), ("cans/b.png", ("cans",)), ("jars/a.png", ("jars",)),
    ]  # fmt: skip
    assert samples[0].xyxy.tolist() == [[0, 0, 30, 20]]
    (tmp_path / "folders").rename(tmp_path / "images")
    (tmp_path / "classes.csv").write_text("class_id,name,catalogue_photo\n7,Jar,images/jars/a.png\n4,Can,\n")
    (tmp_path / "val.csv").write_text("path,class_id\ncans/b.png,4\nimages/cans/a.png,4\n")
    listed = open_dataset(tmp_path)
    assert listed.classes == ("Jar", "Can")
    found = [(one.split, one.picture.read()[0, 0, 0], int(one.label[0])) for one in listed.samples()]
    assert found == [("catalogue", 200, 0), ("val", 60, 1), ("val", 10, 1)]
    (tmp_path / "val.csv").write_text("path,class_id\ncans/b.png,5\n")
    with pytest.raises(DatasetFileError, match="is of class 5, unknown"):
        list(open_dataset(tmp_path).samples())


def test_objects_are_cut_out_as_photos(coco_folder, tmp_path):
    source = open_dataset(coco_folder(PLAIN))
    convert(source, "photos", tmp_path / "out")
    found = {one.name: one for one in all_of(tmp_path / "out")}
    assert sorted(found) == ["train/can/1-0.jpg", "train/jar/1-1.jpg", "val/jar/3.png"]
    assert found["train/can/1-0.jpg"].size == (20, 30)
    assert found["train/can/1-0.jpg"].values("product") == ("can",)
    whole = next(one for one in source.samples() if one.split == "val")
    assert found["val/jar/3.png"].picture.encoded()[0] == whole.picture.encoded()[0]


@pytest.mark.parametrize("said", ["train: images/train", "train: [images/train]", "path: .\ntrain: list.txt"])
def test_yolo_folders_as_others_write_them(tmp_path, said):
    (tmp_path / "images/train").mkdir(parents=True)
    (tmp_path / "labels/train").mkdir(parents=True)
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"images/train/{name}.jpg"), np.zeros((50, 100, 3), np.uint8))
    (tmp_path / "list.txt").write_text("images/train/a.jpg\n./images/train/b.jpg\n")
    (tmp_path / "labels/train/a.txt").write_text("1 0.5 0.5 0.2 0.4\n0 0.1 0.2 0.3 0.2 0.3 0.6\n")
    (tmp_path / "data.yaml").write_text(f"{said}\nnames: [can, jar]\n")
    first, second = all_of(tmp_path)
    np.testing.assert_allclose(first.xyxy, [[40, 15, 60, 35], [10, 10, 30, 30]])
    assert (first.label.tolist(), first.split, len(second)) == ([1, 0], "train", 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 a 0 0 0", "not numbers"),
        ("2 .5 .5 .1 .1", "class 2, but classes are 0 to 1"),
        ("0 .5 .5", "expected 5 numbers"),
    ],
)
def test_broken_yolo_labels_are_named_by_line(coco_folder, tmp_path, line, said):
    convert(open_dataset(coco_folder(PLAIN)), "yolo", tmp_path / "out")
    with (tmp_path / "out/labels/train/1.txt").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(DatasetFileError, match=rf"images/train/1\.png: 1\.txt, line 3: {said}"):
        all_of(tmp_path / "out")
    faults = []
    kept = list(open_dataset(tmp_path / "out").samples(lambda *fault: faults.append(fault)))
    assert (len(faults), sum(map(len, kept))) == (1, 3)


def test_what_is_no_dataset_is_refused_with_what_was_expected(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DatasetFileError) as told:
        open_dataset(tmp_path)
    for word in ("COCO", "YOLO", "MOT", "simulated", "photos"):
        assert word in str(told.value)


def test_sizes_are_of_the_upright_picture(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert picture_size(tmp_path / "turned.jpg") == (20, 40)
    assert PictureFile(tmp_path / "turned.jpg").read().shape == (40, 20, 3)


def test_mirrored_points_are_found_by_name():
    assert flipped(("nose", "left_eye", "right_eye", "tail")) == [0, 2, 1, 3]


def test_shapes_that_disagree_are_refused():
    with pytest.raises(ValueError, match=r"expected xyxy \(2, 4\), got \(1, 4\)"):
        Sample("a", PictureFile(Path("a")), (1, 1), np.zeros((1, 4)), np.zeros(2, np.int64))


def test_a_video_that_ends_too_early_is_decoded_once(small_dataset, tmp_path):
    shutil.copytree(small_dataset, tmp_path / "cut")
    video = tmp_path / "cut/runs/short-0003/cameras/left/left.mp4"
    data = video.read_bytes()
    video.write_bytes(data[: len(data) * 2 // 3])
    samples = [one for one in open_dataset(tmp_path / "cut").samples() if one.sequence.endswith("left")]
    whole = sum(isinstance(answer(one.picture), np.ndarray) for one in samples)
    assert 5 < whole < len(samples)
    said = {str(answer(one.picture)) for one in samples[whole:]}
    assert len(said) == 1
    assert f"left.mp4, from frame {whole} on: " in said.pop()
    assert answer(samples[0].picture).shape == (96, 160, 3)


def answer(picture):
    """The pixels, or what went wrong."""
    try:
        return picture.read()
    except PictureError as error:
        return error


@pytest.mark.parametrize(
    ("names", "splits"), [(["annotations"], [""]), (["b", "a"], ["a", "b"]), (["person_val2017"], ["val"])]
)
def test_coco_files_are_named_after_their_splits(coco_folder, names, splits):
    folder = coco_folder([(name, []) for name in names])
    assert [one.split for one in open_dataset(folder).samples()] == splits


def test_a_folder_of_another_format_without_its_list_is_not_photos(coco_folder, tmp_path):
    convert(open_dataset(coco_folder(PLAIN)), "coco", tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "annotations")
    with pytest.raises(DatasetFileError, match="no dataset that is known"):
        open_dataset(tmp_path / "out")
