import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from api.commands.evaluate import app
from datasets.formats.coco import CocoDataset, CocoFileError, write_coco
from training.evaluate.person_pictures import gather
from training.evaluate.persons import evaluate_persons

SHIRTS = {"a": (200, 40, 40), "b": (40, 200, 40), "c": (40, 40, 200), "d": (180, 180, 40)}  # BGR
CAMERAS = {"door": (0.0, 0.0, 3.0), "over": (5.0, 2.0, 3.0)}


class ByColour:
    """Knows people by the mean colour in their box; ``turned`` takes blue for red."""

    def __init__(self, turned=False, flat=False):
        self._turned, self._flat = turned, flat

    def embed(self, image, xyxy):
        found = []
        for x1, y1, x2, y2 in xyxy.round().astype(int).clip(0).tolist():
            mean = image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)].mean(axis=(0, 1)) - 110
            # Half of the time the channels are mixed up: by the place in the picture, which says nothing of who it is.
            mixed = mean[::-1] if self._turned and x1 % 2 else mean
            found.append(np.ones(3) if self._flat else mixed)
        rows = np.array(found, np.float32).reshape(-1, 3)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def same_person_probability(self, a, b, prior=0.5):
        return np.clip((a @ b.T + 1) / 2, 0.02, 0.98)


def write_run(folder, frames=6, people=SHIRTS, cameras=CAMERAS, seed=0):
    """A run as ``aisle simulate`` writes it: people are upright rectangles that wander through the pictures."""
    rng = np.random.default_rng(seed)
    for camera in cameras:
        place = folder / "cameras" / camera
        (place / "frames").mkdir(parents=True)
        images, annotations = [], []
        for number in range(1, frames + 1):
            image = np.full((120, 200, 3), 110, np.uint8)
            name = f"frames/{number:06d}.jpg"
            images.append({"id": number, "file_name": name, "width": 200, "height": 120, "captured_at": 3.0 * number})
            for slot, (track, shirt) in enumerate(people.items()):
                left, top = 50 * slot + int(rng.integers(4, 14)), int(rng.integers(10, 40))
                image[top : top + 60, left : left + 24] = shirt
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": 1,
                        "bbox": [left, top, 24, 60],
                        "area": 1440,
                        "iscrowd": 0,
                        "track_id": track,
                        "visible_share": 0.3 if number == 1 else 0.9,
                        "xy_m": [float(slot), 2.0],
                    }
                )
            (place / name).write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
        write_coco(place / "coco.json", CocoDataset(images, annotations))
    (folder / "people.json").write_text(json.dumps([{"track_id": track} for track in people]))
    (folder / "calibration.json").write_text(json.dumps({c: {"position": p} for c, p in cameras.items()}))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("visitors")
    for seed in range(2):
        write_run(folder / "runs" / f"crowd-{seed}", seed=seed)
    return folder


def test_each_picture_is_known_with_its_place_time_and_angle(dataset):
    runs = list(gather(dataset, {"x": ByColour()}))
    assert [run.run for run in runs] == ["crowd-0", "crowd-1"]
    (run, _) = runs
    assert len(run) == 2 * 6 * 4
    assert run.visitors == 4
    assert run.cameras == ("door", "over")
    # The over camera is at the place of the fourth's foot, 3 m off the others' line.
    under = (run.camera == 1) & (run.person == 3)
    assert run.angle_deg[under] == pytest.approx(np.degrees(np.arctan2(2.0, 2.1)))
    assert set(run.time_s) == {3.0 * k for k in range(1, 7)}
    half = run[run.visible >= 0.5]
    assert len(half) == 2 * 5 * 4
    assert half.vectors["x"].shape == (40, 3)


def test_boxes_have_errors_that_a_seed_repeats(dataset):
    by_seed = [next(iter(gather(dataset, {"x": ByColour()}, seed=seed))).vectors["x"] for seed in (0, 0, 1)]
    assert np.array_equal(by_seed[0], by_seed[1])
    assert not np.array_equal(by_seed[0], by_seed[2])


def test_who_knows_the_clothes_is_right_and_who_does_not_is_compared(dataset, tmp_path):
    page = tmp_path / "page.html"
    peers = {"flat": ByColour(flat=True)}
    report = evaluate_persons(dataset, ByColour(), against=ByColour(turned=True), peers=peers, page=page)
    found = json.loads(report.as_json())
    assert found["rank1"] == found["map"] == found["rank1_apart"] == found["rank1_single"] == 1.0
    assert found["auroc"] == 1.0
    assert (found["runs"], found["visits"], found["queries"]) == (2, 8, 80)
    assert found["all"]["rank1"] == 1.0
    assert found["peers"]["flat"]["rank1"] < 0.5
    assert found["peers"]["flat"]["auroc"] == 0.5
    assert found["slices"]["visitors"]["to 8"] == {"rank1": 1.0, "queries": 80}
    assert found["slices"]["height"]["50-100 px"]["queries"] == 80
    assert sum(part["queries"] for part in found["slices"]["angle"].values()) == 80
    assert 0 < found["ece"] < 0.5
    assert found["against"]["verdict"] == "better"
    assert found["against"]["groups"] == 8
    assert "None." in page.read_text()


def test_mistakes_are_shown_with_the_right_picture(dataset, tmp_path):
    page = tmp_path / "page.html"
    report = evaluate_persons(dataset, ByColour(turned=True), page=page)
    wrong = report.queries - round(json.loads(report.as_json())["rank1"] * report.queries)
    text = page.read_text()
    assert wrong > 0
    assert text.count("<article>") == min(wrong, 24)
    assert "right, " in text


def test_every_nth_picture_is_looked_at(dataset):
    assert evaluate_persons(dataset, ByColour(), every=2).pictures < evaluate_persons(dataset, ByColour()).pictures


def test_one_camera_or_no_dataset_is_refused(tmp_path):
    write_run(tmp_path / "runs" / "one", cameras={"door": CAMERAS["door"]})
    with pytest.raises(CocoFileError, match="two cameras or more"):
        evaluate_persons(tmp_path, ByColour())
    answer = CliRunner().invoke(app, ["persons", str(tmp_path), "--weights", str(tmp_path / "none.onnx")])
    assert answer.exit_code == 2
    assert "there is no file" in answer.output
