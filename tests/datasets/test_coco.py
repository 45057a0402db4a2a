import json

import numpy as np
import pytest
from faster_coco_eval import COCO
from faster_coco_eval.core import mask as reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from datasets.formats.coco import (
    KEYPOINTS,
    SKELETON,
    CocoDataset,
    CocoFileError,
    decode_mask,
    encode_columns,
    encode_mask,
    read_coco,
    write_coco,
)

masks = arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def dataset():
    mask = np.zeros((48, 64), bool)
    mask[10:30, 20:40] = True
    image = {"id": 7, "file_name": "a.jpg", "width": 64, "height": 48, "frame_index": 0}
    box = {
        "id": 1, "image_id": 7, "category_id": 1, "bbox": [20, 10, 20, 20], "area": 400, "iscrowd": 0,
        "segmentation": encode_mask(mask), "keypoints": [0.0] * 51, "num_keypoints": 0, "track_id": "x",
    }  # fmt: skip
    return CocoDataset([image, {**image, "id": 8}], [box])


@given(masks)
def test_run_lengths_are_those_of_the_reference(mask):
    lengths = encode_mask(mask)
    theirs = reference.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]
    assert lengths["counts"] == (theirs.decode() if isinstance(theirs, bytes) else theirs)
    assert lengths["size"] == list(mask.shape)
    np.testing.assert_array_equal(decode_mask(lengths), mask)


@given(masks, st.data())
def test_some_columns_are_enough(mask, data):
    left = data.draw(st.integers(0, mask.shape[1] - 1))
    right = data.draw(st.integers(left + 1, mask.shape[1]))
    whole = np.zeros_like(mask)
    whole[:, left:right] = mask[:, left:right]
    columns = np.ascontiguousarray(mask.T[left:right])
    np.testing.assert_array_equal(decode_mask(encode_columns(columns, left, mask.shape[1])), whole)


def test_what_is_written_is_read_again_by_us_and_by_the_reference(tmp_path):
    path = tmp_path / "coco.json"
    write_coco(path, dataset())
    again = read_coco(path)
    assert (again.images, again.annotations) == (dataset().images, dataset().annotations)
    assert {key: len(found) for key, found in again.by_image().items()} == {7: 1, 8: 0}
    theirs = COCO(str(path))
    annotation = theirs.loadAnns(theirs.getAnnIds(imgIds=[7]))[0]
    assert theirs.annToMask(annotation).sum() == annotation["area"] == 400
    assert theirs.loadCats([1])[0]["keypoints"] == list(KEYPOINTS)
    write_coco(tmp_path / "again.json", again)
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_the_skeleton_joins_the_same_side():
    names = {(KEYPOINTS[a - 1], KEYPOINTS[b - 1]) for a, b in SKELETON}
    assert ("left_ankle", "left_knee") in names
    assert ("left_shoulder", "right_shoulder") in names
    assert ("left_elbow", "left_wrist") in names


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["annotations"][0].update(image_id=9), "annotation 1 names image_id 9"),
        (lambda d: d["annotations"][0].update(category_id=3), "names category_id 3"),
        (lambda d: d["annotations"][0].update(bbox=[1, 2, 3]), "4 numbers in bbox"),
        (lambda d: d["images"][1].update(id=7), "two of its images have the id 7"),
        (lambda d: d["images"][1].pop("width"), "number 2 of its images has no width"),
        (lambda d: d.pop("categories"), "no list of categories"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, said):
    path = tmp_path / "coco.json"
    write_coco(path, dataset())
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(CocoFileError, match=said) as caught:
        read_coco(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("text", "said"), [("{", "as JSON"), ("[]", "found list")])
def test_what_is_no_coco_file_is_refused(tmp_path, text, said):
    path = tmp_path / "coco.json"
    path.write_text(text)
    with pytest.raises(CocoFileError, match=said):
        read_coco(path)
    with pytest.raises(CocoFileError, match="no such file"):
        read_coco(tmp_path / "none.json")
