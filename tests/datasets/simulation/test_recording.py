"""A small shop filmed and written: what is in the folder, that it agrees with itself, and what interruption leaves."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cameras import open_source
from cameras.geometry import CameraModel
from datasets.formats.coco import decode_mask, read_coco
from datasets.formats.mot import read_truth
from datasets.manifest import read_manifest, verify
from datasets.simulation.filming.dataset import DatasetError, record_runs, write_dataset
from datasets.simulation.filming.recipes import Filming, Recipe
from datasets.simulation.filming.recording import RUN, record
from datasets.simulation.shop import load_shop
from store.events import from_cloudevent

TRUTH = ("coco.json", "mot.txt", "frames.csv")


@pytest.fixture
def run(small_dataset) -> Path:
    return small_dataset / "runs" / "short-0003"


@pytest.fixture
def cameras(run) -> list[Path]:
    return sorted((run / "cameras").iterdir())


def recipe(shop: Path, seed: int = 3, **filming) -> Recipe:
    return Recipe(str(shop / "short.yaml"), seed, shop / "plan.yaml", Filming(**{"rate_hz": 5.0, **filming}))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def model(run: Path, camera: str) -> CameraModel:
    found = json.loads((run / "calibration.json").read_text())[camera]
    arrays = [np.array(found[name]) for name in ("matrix", "distortion", "rotation", "position")]
    return CameraModel(camera, tuple(found["size"]), *arrays)


def test_the_manifest_verifies_and_says_how_it_was_made(small_dataset, run):
    manifest = verify(small_dataset)
    assert verify(run, RUN).made["settings"]["seed"] == 3
    assert (manifest.made["seeds"], manifest.made["scenarios"]) == ([3], ["short"])
    assert manifest.counts["runs"] == 1
    assert manifest.counts["pictures"] == sum(len(read_coco(p).images) for p in run.glob("cameras/*/coco.json"))
    assert manifest.licence
    assert not any(part.name.startswith(".") for part in (small_dataset / "runs").iterdir())


def test_videos_have_the_stamped_times(run, cameras):
    assert [folder.name for folder in cameras] == ["left", "right-side"]
    for folder in cameras:
        dataset, listed = read_coco(folder / "coco.json"), rows(folder / "frames.csv")
        with open_source(str(folder / f"{folder.name}.mp4")) as source:
            captured = [frame.captured_at for frame in source]
        stamped = [image["stamped_at"] for image in dataset.images]
        assert len(captured) == len(listed) == len(stamped) > 50
        np.testing.assert_allclose(captured, stamped, atol=1.5e-5)
        np.testing.assert_allclose([seconds(row["stamped"]) for row in listed], stamped, atol=1e-6)
        true = [image["captured_at"] for image in dataset.images]
        np.testing.assert_allclose([seconds(row["time"]) for row in listed], true, atol=1e-6)
        offset_s = json.loads((run / "calibration.json").read_text())[dataset.info["description"][7:]]["clock_offset_s"]
        assert np.abs(np.subtract(stamped, true) - offset_s).max() < 0.01


def test_boxes_masks_and_floor_agree(run, cameras):
    where = {}
    for row in rows(run / "floor.csv"):
        where.setdefault(row["track_id"], []).append((seconds(row["time"]), float(row["x"]), float(row["y"])))
    seen = 0
    for folder in cameras:
        dataset = read_coco(folder / "coco.json")
        camera = model(run, dataset.info["description"][7:])
        times = {image["id"]: image["captured_at"] for image in dataset.images}
        for person in dataset.annotations:
            mask = decode_mask(person["segmentation"])
            x, y, w, h = person["bbox"]
            ys, xs = np.nonzero(mask)
            assert (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) == (x, y, x + w, y + h)
            assert mask.sum() == person["area"]
            left, top, width, height = person["bbox_full"]
            assert left - 1.5 <= x
            assert top - 1.5 <= y
            assert x + w <= left + width + 1.5
            assert y + h <= top + height + 1.5
            assert 0 < person["visible_share"] <= 1
            path = np.array(where[person["track_id"]])
            xy = [np.interp(times[person["image_id"]], path[:, 0], path[:, axis]) for axis in (1, 2)]
            np.testing.assert_allclose(person["xy_m"], xy, atol=0.03)
            # The middle of the body at hip height lies within the whole body's box.
            hip = camera.project(np.array([*person["xy_m"], 0.9]))
            assert left - 2 <= hip[0] <= left + width + 2
            assert top <= hip[1] <= top + height
            keypoints = np.reshape(person["keypoints"], (17, 3))
            assert (keypoints[:, 2] > 0).sum() == person["num_keypoints"]
            shown = keypoints[keypoints[:, 2] == 2]
            assert all(
                mask[max(int(v) - 1, 0) : int(v) + 2, max(int(u) - 1, 0) : int(u) + 2].any() for u, v, _ in shown
            )
            seen += 1
    assert seen > 50


def test_somebody_in_the_open_is_seen_whole(cameras):
    shares = [p["visible_share"] for folder in cameras for p in read_coco(folder / "coco.json").annotations]
    assert max(shares) > 0.88


def test_mot_files_have_everybodys_whole_box(run, cameras):
    ids = {person["mot_id"]: person["track_id"] for person in json.loads((run / "people.json").read_text())}
    for folder in cameras:
        dataset, boxes = read_coco(folder / "coco.json"), read_truth(folder / "mot.txt")
        listed = {(frame, ids[i]): n for n, (frame, i) in enumerate(zip(boxes.frame, boxes.id, strict=True))}
        assert len(listed) == len(boxes) >= len(dataset.annotations)
        for person in dataset.annotations:
            n = listed[person["image_id"], person["track_id"]]
            left, top, width, height = person["bbox_full"]
            np.testing.assert_allclose(boxes.xyxy[n], [left, top, left + width, top + height], atol=0.02)
            assert boxes.visibility[n] == pytest.approx(person["visible_share"])
            assert (boxes.confidence[n] > 0) == (person["visible_share"] >= 0.1)


def test_the_shops_truth_can_be_read(run):
    events = [from_cloudevent(json.loads(line)) for line in (run / "events.jsonl").read_text().splitlines()]
    assert {"person.entered", "session.opened", "product.taken"} <= {event.type for event in events}
    assert all(a.time <= b.time for a, b in pairwise(events))
    tracks = {person["track_id"] for person in json.loads((run / "people.json").read_text())}
    assert {event.track_id for event in events if hasattr(event, "track_id") and event.type != "person.moved"} <= tracks
    gates = json.loads((run / "gates.json").read_text())
    assert {code["session_id"] for code in gates} == {e.session_id for e in events if e.type == "session.opened"}
    plates = rows(run / "plates.csv")
    assert {row["plate"] for row in plates} == {"scale"}
    taken = next(event for event in events if event.type == "product.taken")
    before, after = (
        [float(row["true_weight_g"]) for row in plates if (seconds(row["time"]) < taken.time) == early]
        for early in (True, False)
    )
    assert before[0] > after[-1]


def test_the_same_seed_gives_the_same_truth_and_another_another(small_shop, run, tmp_path):
    for seed in (3, 4):
        (tmp_path / str(seed)).mkdir()
        record(recipe(small_shop, seed), tmp_path / str(seed))
    first, again, other = (read_manifest(folder, RUN) for folder in (run, tmp_path / "3", tmp_path / "4"))
    assert first.files == again.files
    hashes = {entry.path: entry.sha256 for entry in other.files}
    kept = {entry.path for entry in first.files if hashes.get(entry.path) == entry.sha256}
    assert kept == {"catalogue.yaml", "plan.yaml", "scenario.yaml", "outages.json"} | (kept & {"receipts.json"})


def test_a_runs_plan_loads_by_itself_and_fits_its_pictures(small_shop, tmp_path):
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "goods.yaml").write_bytes((small_shop / "catalogue.yaml").read_bytes())
    written = (small_shop / "plan.yaml").read_text().replace("catalogue: catalogue.yaml", "catalogue: goods.yaml")
    (shop / "plan.yaml").write_text(written)
    out = tmp_path / "run"
    out.mkdir()
    filming = Filming(rate_hz=0.5, size=(96, 64), cameras=("left",))
    made = Recipe(str(small_shop / "short.yaml"), 3, shop / "plan.yaml", filming)
    record(made, out)
    plan, catalogue = load_shop(out / "plan.yaml")
    before, products = load_shop(shop / "plan.yaml")
    assert catalogue == products
    assert plan.fixtures == before.fixtures
    assert [view.size for view in plan.cameras] == [(96, 64), (160, 96)]
    point = np.array([2.0, 2.0, 0.5])
    (filmed,) = made.camera_models()
    np.testing.assert_allclose(CameraModel.of(plan.view("left")).project(point), filmed.project(point), atol=1e-9)


def test_pictures_in_folders_have_the_videos_truth(small_shop, run, tmp_path):
    record(recipe(small_shop, format="frames", cameras=("right side",)), tmp_path)
    (folder,) = (tmp_path / "cameras").iterdir()
    dataset = read_coco(folder / "coco.json")
    with open_source(str(folder / "frames")) as source:
        images = [frame.image for frame in source]
    assert len(images) == len(dataset.images)
    assert (folder / dataset.images[0]["file_name"]).is_file()
    videos = read_coco(run / "cameras" / "right-side" / "coco.json")
    assert dataset.annotations == videos.annotations


class _InterruptedError(Exception):
    pass


def test_an_interrupted_run_leaves_nothing_and_is_made_again(small_shop, tmp_path):
    done = []

    def interrupt(progress):
        done.append(progress.run)
        if len(set(done)) == 2:
            raise _InterruptedError

    recipes = [recipe(small_shop, seed, rate_hz=1.0) for seed in (0, 1)]
    with pytest.raises(_InterruptedError):
        write_dataset(tmp_path, recipes, listener=interrupt)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["short-0000"]
    (tmp_path / "runs" / ".short-0001.part").mkdir()
    (tmp_path / "runs" / ".short-0001.part" / "half").write_text("left by a power cut")
    steps = []
    write_dataset(tmp_path, recipes, listener=steps.append)
    assert {step.run for step in steps if step.skipped} == {"short-0000"}
    assert {step.run for step in steps if not step.skipped} == {"short-0001"}
    assert verify(tmp_path).counts["runs"] == 2
    assert not (tmp_path / "runs" / ".short-0001.part").exists()


def test_a_run_made_in_another_way_is_not_mistaken(small_shop, small_dataset, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(small_dataset, folder)
    with pytest.raises(DatasetError, match="another rate_hz"):
        write_dataset(folder, [recipe(small_shop, rate_hz=4.0)])
    with pytest.raises(DatasetError, match="short-0003"):
        write_dataset(folder, [recipe(small_shop), replace(recipe(small_shop), start=0.0)])
    verify(folder)
    (folder / "runs" / "short-0003" / RUN).unlink()
    with pytest.raises(DatasetError, match="is no run of ours"):
        write_dataset(folder, [recipe(small_shop)])


def test_runs_side_by_side_are_those_one_after_the_other(small_shop, small_dataset, tmp_path):
    steps = []
    write_dataset(tmp_path, [recipe(small_shop, seed) for seed in (3, 4)], workers=2, listener=steps.append)
    verify(tmp_path)
    assert {step.run for step in steps if step.done == step.total} == {"short-0003", "short-0004"}
    truth = [f"runs/short-0003/cameras/left/{name}" for name in TRUTH]
    assert [(tmp_path / name).read_bytes() for name in truth] == [(small_dataset / name).read_bytes() for name in truth]


def test_a_run_without_annotations_has_the_same_footage_and_shop(small_shop, run, tmp_path):
    plain = recipe(small_shop, annotated=False)
    record_runs({tmp_path / "of" / "its own": plain}, apart=True)
    made, whole = read_manifest(tmp_path / "of" / "its own", RUN), read_manifest(run, RUN)
    left_out = {entry.path for entry in whole.files} - {entry.path for entry in made.files}
    assert {Path(path).name for path in left_out} == {"coco.json", "mot.txt", "preview.js"}
    assert set(made.files) == {entry for entry in whole.files if entry.path not in left_out}
    with pytest.raises(DatasetError, match="another annotated"):
        record_runs({run: plain})


def test_only_what_is_near_a_reach_is_filmed_where_that_is_wanted(small_shop, run, cameras, tmp_path):
    record_runs({tmp_path / "near": recipe(small_shop, near_reaches_s=0.5)}, apart=True)
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    contact = [seconds(each["time"]) for each in events if each["type"] == "shelf.reached"]
    assert contact
    for camera in cameras:
        own = tmp_path / "near" / "cameras" / camera.name
        near, every = ([seconds(row["time"]) for row in rows(folder / "frames.csv")] for folder in (own, camera))
        assert near == [time for time in every if min(abs(time - each) for each in contact) <= 0.5]
        assert 0 < len(near) < len(every)
        assert len(read_coco(own / "coco.json").images) == len(near)
    with pytest.raises(DatasetError, match="another near_reaches_s"):
        record_runs({run: recipe(small_shop, near_reaches_s=0.5)})


def test_runs_of_several_folders_are_passed_over_where_they_are_whole(small_shop, run, tmp_path):
    steps = []
    record_runs(
        {run: recipe(small_shop), tmp_path / "new": recipe(small_shop, rate_hz=1.0, annotated=False)},
        listener=steps.append,
    )
    assert [step.run for step in steps if step.skipped] == ["short-0003"]
    assert steps[-1].done == steps[-1].total > 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]
