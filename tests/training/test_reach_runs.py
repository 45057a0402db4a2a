import csv
import json
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
import yaml

from cameras.geometry import CameraModel
from datasets.formats.coco import KEYPOINTS, CocoDataset, CocoFileError, write_coco
from datasets.simulation.reaching.deeds import slot_middle
from datasets.simulation.truth.shop import FLOOR_COLUMNS, calibration
from models.reach import OFFSETS_S
from store.plan import example_plan, load_plan
from tests.training.reach_folder import dumped
from training.evaluate.reach import evaluate_reach
from training.evaluate.reach_runs import Wrists, watch_runs

START, RATE, CAMERA = 1767254400.0, 10.0, "aisle-south"
BRIGHT = (3.8, 4.4)  # when the pictures say that something is taken
EXACT = Wrists(0.0, 0.0, 0.0, 0.0)


def utc(moment):
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")


class Clock:
    kept = np.ones(1, np.bool_)
    offset_s = 0.0

    def __len__(self):
        return 1


class BySight:
    """Takes a hand for taking while its pictures are bright."""

    def classify(self, clips):
        bright = clips[:, OFFSETS_S.index(0.0), ..., :3].mean(axis=(1, 2, 3)) > 150
        rows = np.where(bright[:, None], (0.05, 0.9, 0.05), (0.98, 0.01, 0.01))
        return np.log(rows).astype(np.float32)


@pytest.fixture
def dataset(tmp_path):
    """A run of 8 s by one camera: anna's right hand takes from a slot at 4.1 s; ben takes at 6 s where none sees it."""
    plan = load_plan(example_plan("nano"))
    camera = CameraModel.of(plan.view(CAMERA))
    slot = next(
        slot
        for slot in plan.slots()
        if slot.corner[2] > 0.6
        and np.all(np.abs(camera.project(slot_middle(slot)) - [320, 180]) < [200, 120])
        and (camera.position[:2] - np.array(slot.corner[:2])) @ np.array(slot.normal) > 0.5
    )
    run = tmp_path / "runs" / "single_pick-0001"
    folder = run / "cameras" / CAMERA
    (folder / "frames").mkdir(parents=True)
    settings = {"scenario": "single_pick", "seed": 1}
    (run / "run.json").write_text(json.dumps({"files": [], "made": {"settings": settings}, "counts": {"pictures": 80}}))
    (run / "plan.yaml").write_text(yaml.safe_dump(plan.model_dump(mode="json", exclude_defaults=True)))
    (run / "calibration.json").write_text(json.dumps(calibration([camera], [Clock()])))
    wrist = slot_middle(slot) + 0.04 * np.array([*slot.normal, 0.0])
    images, annotations = [], []
    with (run / "floor.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(FLOOR_COLUMNS)
        for n in range(80):
            time_s = n / RATE
            name = f"{n:06d}.jpg"
            value = 220 if BRIGHT[0] <= time_s < BRIGHT[1] else 80
            cv2.imwrite(str(folder / "frames" / name), np.full((360, 640, 3), value, np.uint8))
            image = {"id": n + 1, "file_name": f"frames/{name}", "width": 640, "height": 360}
            images.append(image | {"frame_index": n, "captured_at": START + time_s, "stamped_at": START + time_s})
            for who, seen in (("anna", 2), ("ben", 1)):
                hand = wrist if 3.0 <= time_s <= 7.0 else np.array([*wrist[:2], 2.9])
                rows.writerow([utc(START + time_s), who, *hand[:2], 0.0, *hand[:2], hand[2] - 0.6, *hand])
                points = np.zeros((len(KEYPOINTS), 3))
                points[KEYPOINTS.index("right_wrist")] = (*camera.project(hand), seen)
                box = {"bbox": [0, 0, 10, 10], "area": 100.0, "iscrowd": 0, "category_id": 1, "image_id": n + 1}
                told = {"id": len(annotations) + 1, "track_id": who, "keypoints": points.ravel().tolist()}
                annotations.append(box | told)
    write_coco(folder / "coco.json", CocoDataset(images, annotations))
    events = [("product.taken", "anna", 4.1), ("product.taken", "ben", 6.0), ("person.left", "anna", 7.9)]
    lines = [
        {"type": kind, "time": utc(START + time_s), "data": {"track_id": who, "slot": slot.id, "gtin": "0" * 14}}
        for kind, who, time_s in events
    ]
    (run / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def test_a_take_in_sight_is_found_at_its_time_and_one_out_of_sight_counts_for_nothing(dataset):
    (part,) = watch_runs(dataset, BySight(), wrists=EXACT)
    (truth,) = part.truth
    assert (truth.fact.kind, truth.fact.who) == ("take", "anna")
    assert truth.fact.time_s == pytest.approx(START + 4.1)
    assert part.hidden == 1
    assert 0 < truth.angle_deg < 90
    assert truth.people == 2
    anna = [each for each in part.found if each.fact.who == "anna"]
    assert [each.fact.kind for each in anna] == ["take"]
    assert anna[0].fact.time_s == pytest.approx(START + 4.1, abs=0.3)
    # ben's hand is there too, and the model cannot tell whose it is.
    assert {each.fact.who for each in part.found} == {"anna", "ben"}
    assert part.scores().right == 1
    assert part.label.sum() >= 2
    assert len(part.label) == len(part.log_p) > 30


def test_only_hands_near_shelves_are_looked_at(dataset):
    (part,) = watch_runs(dataset, BySight(), wrists=EXACT)
    # Two right hands for 4 s, a look every .2 s; the left ones are lower than the shelf and never labelled.
    assert len(part.label) <= 2 * (4.0 / 0.2 + 3)


def test_the_report_of_runs_is_sliced_by_family_and_camera(dataset):
    found = dumped(evaluate_reach(dataset, BySight(), cameras=(CAMERA,)))
    assert set(found["slices"]["family"]) == {"single_pick"}
    assert set(found["slices"]["camera"]) == {CAMERA}
    assert found["hidden"] == 1
    assert found["events"]["recall"] == 1.0


def test_unknown_cameras_and_folders_are_refused(dataset, tmp_path):
    with pytest.raises(CocoFileError, match="no camera cellar; there are: aisle-south"):
        list(watch_runs(dataset, BySight(), cameras=("cellar",)))
    with pytest.raises(CocoFileError, match="no simulated dataset"):
        list(watch_runs(tmp_path / "cameras", BySight()))
