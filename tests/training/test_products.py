import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli import app
from datasets.sample import DatasetFileError
from models.products.embedder import DETAIL, joined, unit
from training.evaluate.product_data import left_out, photo_trial, set_trial
from training.evaluate.products import fpr95, score_trials
from training.package_sets import PackageSet


class Colours:
    """An embedder without a network: colours of a grid, padded to the real one's length."""

    def embed(self, images):
        return joined(self.detail(images), self.coarse(images))

    def detail(self, images):
        return np.pad(self.coarse(images), ((0, 0), (0, DETAIL - 48)))

    def coarse(self, images):
        small = [cv2.resize(image, (4, 4), interpolation=cv2.INTER_AREA).ravel() - 127.0 for image in images]
        return unit(np.array(small).reshape(-1, 48))


def label(seed):
    rng = np.random.default_rng(seed)
    image = np.full((200, 140, 3), rng.integers(40, 200, 3), np.uint8)
    for _ in range(40):
        x, y = int(rng.integers(140)), int(rng.integers(200))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        cv2.circle(image, (x, y), int(rng.integers(3, 20)), colour, -1)
        cv2.putText(image, chr(65 + int(rng.integers(26))), (x, y), 0, 0.8, tuple(255 - c for c in colour), 2)
    return image


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four products with a catalogue photo each, two photos of each to recognise, one of them of another product."""
    root = tmp_path_factory.mktemp("photos")
    (root / "catalogue").mkdir()
    (root / "images").mkdir()
    classes, val = ["class_id,name,catalogue_photo"], ["path,class_id"]
    for number in range(4):
        front = label(number)
        cv2.imwrite(str(root / "catalogue" / f"{number}.png"), front)
        classes.append(f"{number},product-{number},catalogue/{number}.png")
        for turn in (5, 20):
            wrong = number == 3 and turn == 20
            matrix = cv2.getRotationMatrix2D((70, 100), turn, 0.8)
            picture = cv2.warpAffine(label(0) if wrong else front, matrix, (140, 200), borderValue=(90, 90, 90))
            cv2.imwrite(str(root / "images" / f"{number}-{turn}.png"), picture)
            val.append(f"{number}-{turn}.png,{number}")
    (root / "classes.csv").write_text("\n".join(classes) + "\n")
    (root / "val.csv").write_text("\n".join(val) + "\n")
    return root


def test_a_folder_of_photos_is_scored_and_its_mistake_shown(folder, tmp_path):
    trial = photo_trial(folder, "catalogue", "val")
    report = score_trials("photos", [trial], Colours(), page=tmp_path / "page.html")
    assert report.pictures == 8
    assert report.scores["top1"] == pytest.approx(7 / 8)
    assert report.scores["top5"] == 1
    assert report.slices["product"]["product-3"] == (2, 0.5, 0.5)
    assert "product-3 taken for product-0" in (tmp_path / "page.html").read_text()
    assert json.loads(report.as_json())["top1"] == 0.875


def test_two_embedders_are_compared_on_the_same_pictures(folder):
    class Blind(Colours):
        def coarse(self, images):
            return unit(np.ones((len(images), 48)))

    trial = photo_trial(folder, "catalogue", "val")
    report = score_trials("photos", [trial], Colours(), against=Blind())
    assert report.against is not None
    assert report.against.value == pytest.approx(7 / 8)


def test_photos_that_are_not_there_are_named(folder):
    with pytest.raises(DatasetFileError, match="train"):
        photo_trial(folder, "train", "val")
    with pytest.raises(DatasetFileError, match="'test'"):
        photo_trial(folder, "catalogue", "test")


@pytest.mark.parametrize(("source", "photos"), [("train", 3), ("both", 4)])
def test_products_are_enrolled_from_photos_of_the_shop(folder, tmp_path, source, photos):
    root = tmp_path / "photos"
    shutil.copytree(folder, root)
    rows = ["path,class_id"]
    for number in range(4):
        for turn in (-10, 0, 10):
            matrix = cv2.getRotationMatrix2D((70, 100), turn, 0.8)
            picture = cv2.warpAffine(label(number), matrix, (140, 200), borderValue=(60 + turn, 90, 90))
            cv2.imwrite(str(root / "images" / f"{number}t{turn}.png"), picture)
            rows.append(f"{number}t{turn}.png,{number}")
    (root / "train.csv").write_text("\n".join(rows) + "\n")
    trial = photo_trial(root, source, "val")
    assert {len(images) for images in trial.enrolled.values()} == {photos}
    report = score_trials("photos", [trial], Colours())
    assert report.scores["top1"] == pytest.approx(7 / 8)
    assert report.scores["cpu_ms"] > 0
    assert "event_top1" not in report.scores


def test_an_eighth_and_thirty_one_products_leave_twenty_three():
    gtins = [str(n) for n in range(31)]
    draws = [left_out(gtins, draw, 0.25) for draw in range(5)]
    assert {len(kept) for kept in draws} == {23}
    assert draws[0] == left_out(gtins, 0, 0.25) != draws[1]


def test_fpr_is_what_is_accepted_where_nearly_all_known_are():
    known = np.linspace(0.5, 1.0, 101)
    assert fpr95(known, np.array([0.1, 0.2, 0.6, 0.9])) == 0.5
    assert fpr95(known, np.array([0.1, 0.2])) == 0.0
    assert np.isnan(fpr95(known, np.array([])))


def test_a_simulated_shop_is_asked_among_neighbours_and_by_size():
    """Products 0 and 1 have one print and differ in size alone."""
    prints = [label(7), label(7), label(8), label(9)]
    heights = np.array([0.2, 0.3, 0.2, 0.2])

    def png(image):
        return cv2.imencode(".png", image)[1].tobytes()

    scale = 700.0
    crops = [
        cv2.resize(front, None, fx=h * scale / 200, fy=h * scale / 200)
        for front, h in zip(prints, heights, strict=True)
    ]
    shop = PackageSet(
        crops=tuple(map(png, crops)),
        photos=tuple(png(front) for front in prints for _ in range(2)),
        xyxy=np.array([[0, 0, c.shape[1], c.shape[0]] for c in crops], np.float32),
        product=np.arange(4),
        held=np.array([False, False, True, False]),
        visible_share=np.ones(4, np.float32),
        turned_deg=np.zeros(4, np.float32),
        pixels_per_metre=np.full(4, scale, np.float32),
        axes=np.tile(np.array([[scale, 0, 0], [0, 0, -scale]], np.float32), (4, 1, 1)),
        picture=np.arange(4),
        event=np.arange(4),
        gtins=tuple(f"{n:014d}" for n in range(4)),
        names=tuple("abcd"),
        look=np.array([0, 0, 1, 2]),
        size_m=np.column_stack([heights, heights, heights]).astype(np.float32),
        neighbours=np.array([[0, 1, 2], [1, 0, 2], [2, 1, 3], [3, 2, -1]]),
    )
    trial = set_trial("shop", shop)
    assert trial.candidates[3] == (shop.gtins[2], shop.gtins[3])
    told = score_trials("shop", [trial], Colours())
    assert told.scores["top1"] == told.scores["look"] == 1
    # Were the camera half as near again, the small package would be the large one.
    nearer = replace(shop, axes=shop.axes * np.array([2 / 3, 1, 1, 1], np.float32)[:, None, None])
    taken = score_trials("shop", [set_trial("shop", nearer)], Colours())
    assert taken.scores["look"] == 1
    assert taken.scores["top1"] == 0.75
    assert told.slices["where"]["hand"] == (1, 1.0, 1.0)
    assert told.slices["event"]["hand"] == (1, 1.0, 1.0)
    assert told.scores["event_top1"] == 1
    # Without what is measured, one print is one product.
    unmeasured = score_trials("shop", [set_trial("shop", shop)], Colours(), sizes=False)
    assert unmeasured.scores["look"] == 1 > unmeasured.scores["top1"]


def test_the_command_says_what_is_wrong_in_one_line(tmp_path):
    result = CliRunner().invoke(app, ["evaluate", "products", str(tmp_path), "--weights", "none.onnx"])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
