from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.promotion import Outcome
from tests.models.registered import finder
from training.evaluate.bootstrap import Comparison, Verdict
from training.guard import judgement_of, people


def comparison(verdict: Verdict) -> Comparison:
    return Comparison(0.9, 0.8, 0.05, 0.15, 12, verdict)


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        (["better", "worse"], "worse"),
        (["better", "not known"], "better"),
        (["not known", "not known"], "not known"),
        ([], "not known"),
    ],
)
def test_one_score_that_is_worse_is_enough(verdicts: list[Verdict], outcome: Outcome) -> None:
    found = judgement_of({f"score {place}": comparison(each) for place, each in enumerate(verdicts)})
    assert found.outcome == outcome
    assert all(f"score {place} 0.900 against 0.800" in found.said for place in range(len(verdicts)))


@pytest.fixture
def guard_set(tmp_path: Path) -> Path:
    """Eight dark pictures of 256x128 with a person in (32, 16, 96, 112), as YOLO labels."""
    folder = tmp_path / "guard"
    for kind in ("images", "labels"):
        (folder / kind / "val").mkdir(parents=True)
    for number in range(8):
        cv2.imwrite(str(folder / f"images/val/{number}.png"), np.full((128, 256, 3), number, np.uint8))
        (folder / f"labels/val/{number}.txt").write_text("0 0.25 0.5 0.25 0.75\n")
    (folder / "data.yaml").write_text("path: .\nval: images/val\nnames: {0: person}\n")
    return folder


def test_a_network_that_looks_beside_people_is_worse_than_one_that_finds_them(guard_set: Path, tmp_path: Path) -> None:
    finder(tmp_path / "good.onnx", 0.9)
    finder(tmp_path / "beside.onnx", 0.9, aside=30.0)
    assert people(tmp_path / "beside.onnx", tmp_path / "good.onnx", guard_set).outcome == "worse"
    found = people(tmp_path / "good.onnx", tmp_path / "beside.onnx", guard_set)
    assert found.outcome == "better"
    assert "AP50 1.000 against 0.000" in found.said
    assert people(tmp_path / "good.onnx", tmp_path / "good.onnx", guard_set).outcome == "not known"
