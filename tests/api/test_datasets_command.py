from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli import app
from datasets.manifest import verify


@pytest.fixture
def aisle():
    def run(*words):
        return CliRunner().invoke(app, ["datasets", *map(str, words)])

    return run


@pytest.fixture
def photos(tmp_path):
    """Photos of four products, three of each."""
    for product in range(4):
        for number in range(3):
            path = tmp_path / "photos" / f"p{product}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            rng = np.random.default_rng([product, number])
            cv2.imwrite(str(path), cv2.resize(rng.integers(0, 255, (6, 6, 3), np.uint8), (40, 40)))
    (tmp_path / "photos" / "LICENSE").write_text("MIT License\n\nmore\n")
    return tmp_path / "photos"


def test_a_dataset_is_split_converted_and_checked(aisle, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = aisle("split", photos, "--by", "product", "--ratios", "2:1:1", "--seed", 1)
    assert done.exit_code == 0, done.output
    assert "train        6 pictures  50.0%       2 groups by product" in done.output
    done = aisle("convert", photos, "--to", "yolo", "--out", "yolo")
    assert done.exit_code == 0, done.output
    assert "12 pictures, 12 objects, test 3, train 6, val 3, licence: MIT License" in done.output
    assert len(verify(tmp_path / "yolo").files) == 12 * 2 + 2
    done = aisle("info", "yolo", "--json")
    said = json.loads(done.stdout)
    assert (said["kind"], said["pictures"], said["splits"]) == ("yolo", 12, {"test": 3, "train": 6, "val": 3})
    assert said["heights_px"]["<64"] == 12
    assert said["groups"] == {"product": 4}
    assert said["split_by"] == "product"
    done = aisle("check", "yolo")
    assert (done.exit_code, done.output) == (0, "yolo: 12 pictures, errors: 0, warnings: 0\n")
    assert not (tmp_path / "out").exists()


def test_check_ends_with_1_and_draws_what_it_found(aisle, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (photos / "p1" / "2.png").write_bytes(b"")
    done = aisle("check", photos)
    assert done.exit_code == 1
    assert "error: unreadable picture: p1/2.png" in done.output
    assert "is empty" in done.output
    assert "errors: 1, warnings: 0" in done.output
    assert cv2.imread(str(tmp_path / "out/check/photos.png")).shape[0] > 200
    done = aisle("info", photos)
    assert done.exit_code == 2
    assert "p1/2.png" in done.stderr
    done = aisle("info", photos, "--skip-broken")
    assert done.exit_code == 0
    assert "left out: p1/2.png" in done.stderr
    assert "pictures 11" in done.stdout


def test_info_reads_as_text(aisle, photos):
    lines = aisle("info", photos).stdout.splitlines()
    assert lines[0] == f"{photos}: photos, licence: MIT License"
    assert "  40x40       12" in lines
    assert "splits: none" in lines
    assert any(line.split()[:2] == ["32-63", "12"] and line.endswith("#" * 40) for line in lines)


def test_a_manifest_is_written_once(aisle, photos):
    done = aisle("manifest", photos, "--licence", "ours")
    assert done.exit_code == 0, done.output
    made = verify(photos)
    assert (made.licence, made.counts, len(made.files)) == ("ours", {"pictures": 12, "objects": 12}, 13)
    assert aisle("manifest", photos).exit_code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["info", "nowhere"], "there is no such folder"),
        (["convert", "{photos}", "--to", "voc", "--out", "x"], "the formats are coco, yolo, mot, photos"),
        (["split", "{photos}", "--by", "person"], "no picture says to which person it belongs"),
        (["split", "{photos}", "--by", "product", "--ratios", "a:b"], "--ratios are numbers as in 8:1:1"),
        (["info", "{photos}", "--split", "nowhere"], "there is no such split file"),
    ],
)
def test_what_a_user_can_mend_is_said_in_a_line(aisle, photos, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = aisle(*[word.format(photos=photos) for word in words])
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
