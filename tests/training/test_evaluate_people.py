"""`aisle evaluate detector` and `pose`, asked of detectors whose answers are made from the truth."""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from api.commands.evaluate import app
from datasets.converting import convert
from datasets.formats.coco import KEYPOINTS
from datasets.formats.registry import open_dataset
from models.boxes import Boxes
from models.errors import UnusableNetworkError
from training.errors import DataError
from training.evaluate.detector import evaluate_detectors
from training.evaluate.people_pictures import Limits, Question, people_pictures
from training.evaluate.pose import SIGMAS, WRISTS, boxes_found, evaluate_poses, oks
from training.evaluate.slices import ANGLE, HEIGHT
from training.guard import GUARDS

LIMITS = Limits(0.3, 50)


class Oracle:
    """Answers each picture of ``question`` with its people, changed by ``change``, and others with nobody."""

    def __init__(self, question, change=lambda boxes: boxes):
        self.answers = {self.key(p.image): change(self.of(p)) for p in people_pictures(question)}
        self.nobody = change(Boxes.empty(17))

    @staticmethod
    def key(image):
        return hashlib.sha256(image.tobytes()).digest()

    @staticmethod
    def of(picture):
        points = picture.keypoints.astype(np.float32)
        points[..., 2] = points[..., 2] > 0
        return Boxes(picture.seen.astype(np.float32), np.full(len(points), 0.9, np.float32), points)

    def detect(self, images, min_confidence=0.1):
        return [self.answers.get(self.key(image), self.nobody) for image in images]


def moved(boxes, by):
    return boxes._replace(keypoints=boxes.keypoints + np.array([by, 0, 0], np.float32))


@pytest.mark.parametrize("every", [1, 3])
def test_who_says_the_truth_is_perfect(small_dataset, every):
    question = Question(small_dataset, limits=LIMITS, every=every)
    (report,) = evaluate_detectors(question, {"oracle": Oracle(question)})
    assert list(report.cameras) == ["left", "right-side"]
    assert report.matches.at(0.5) == (1.0, 1.0)
    assert report.matches.people > 5
    scores = report.matches.scores()
    assert (scores.ap, scores.ap50, scores.ar) == (1.0, 1.0, 1.0)
    found = json.loads(report.as_json())
    assert found["pictures"] == report.pictures
    assert found["cameras"]["left"]["people"] == report.cameras["left"].people
    assert sum(part["people"] for part in found["slices"]["angle"].values()) == report.matches.people
    assert sum(part["people"] for part in found["slices"]["height"].values()) == report.matches.people
    assert found["reliability"]["ece"] == pytest.approx(0.1)


def test_angles_come_from_the_cameras(small_dataset):
    # The cameras hang at 2.7 m and look at the middle of the floor from its corners: nobody is straight below.
    for picture in people_pictures(Question(small_dataset)):
        assert picture.lens is not None
        assert (picture.parts(picture.whole)[ANGLE.name] > 0).all()


def test_missed_and_wrong_answers_are_counted_and_shown(small_dataset, tmp_path):
    question = Question(small_dataset, limits=LIMITS)

    def without_the_first(boxes):
        kept = boxes.take(np.arange(len(boxes.xyxy)) > 0)
        wrong = np.array([[0, 0, 12, 12]], np.float32)
        return Boxes(np.concatenate([kept.xyxy, wrong]), np.append(kept.confidence, np.float32(0.5)))

    (report,) = evaluate_detectors(question, {"some <b>": Oracle(question, without_the_first)})
    recall, precision = report.matches.at(0.1)
    assert 0 < recall < 1
    assert 0 < precision < 1
    assert report.missed.count == round((1 - recall) * report.matches.people)
    assert len(report.wrong.mistakes) == min(report.wrong.count, 24)
    report.write_page(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "What some &lt;b&gt; gets wrong" in page
    assert page.count("<article>") == len(report.missed.mistakes) + len(report.wrong.mistakes)
    costs = [mistake.cost for mistake in report.missed.mistakes]
    assert costs == sorted(costs, reverse=True)


def test_two_detectors_are_compared_on_the_same_pictures(small_dataset, tmp_path):
    # Eight copies of the run are eight groups or more: enough for a verdict.
    question = Question(small_dataset, limits=LIMITS)
    good, bad = Oracle(question), Oracle(question, lambda boxes: boxes.take(np.arange(len(boxes.xyxy)) % 2 == 0))
    first, second = evaluate_detectors(question, {"good": good, "bad": bad})
    assert (first.other, second.other) == ("bad", "")
    assert set(first.against) == {"AP", "AP50"}
    assert first.against["AP50"].difference > 0
    assert first.against["AP50"].verdict == "not known"  # two cameras of one run are two groups
    assert json.loads(first.as_json())["against"]["AP"]["groups"] == 2


def test_other_formats_are_read_with_their_splits(small_dataset, tmp_path):
    convert(open_dataset(small_dataset), "coco", tmp_path / "coco")
    question = Question(tmp_path / "coco", limits=LIMITS)
    (report,) = evaluate_detectors(question, {"oracle": Oracle(question)})
    plain = Question(small_dataset, limits=LIMITS)
    (first,) = evaluate_detectors(plain, {"oracle": Oracle(plain)})
    assert report.matches.people == first.matches.people
    with pytest.raises(DataError, match="no picture of split val; there are: none"):
        list(people_pictures(Question(tmp_path / "coco", split="val")))


def test_unknown_cameras_are_named(small_dataset):
    with pytest.raises(DataError, match="no camera moon; there are: left, right-side"):
        list(people_pictures(Question(small_dataset, ("moon",))))
    only = list(people_pictures(Question(small_dataset, ("left",))))
    assert {picture.camera for picture in only} == {"left"}


def test_true_poses_are_perfect(small_dataset):
    question = Question(small_dataset, limits=LIMITS)
    (report,) = evaluate_poses(question, {"oracle": Oracle(question)})
    said = report.measures()
    assert {name: said[name] for name in ("oks_ap", "oks_ap50", "oks_ar", "box_ap50", "pck", "pck_wrists")} == {
        "oks_ap": 1, "oks_ap50": 1, "oks_ar": 1, "box_ap50": 1, "pck": 1, "pck_wrists": 1,
    }  # fmt: skip
    assert said["people_found"] == boxes_found(report.boxes) == 1
    found = json.loads(report.as_json())
    assert list(found["joints"]) == list(KEYPOINTS)
    assert found["people"] == report.found.people > 5
    parts = found["slices"][HEIGHT.name].values()
    assert sum(part["people"] for part in parts) == report.found.people


def test_pck_turns_at_a_fifth_of_the_larger_side(small_dataset, tmp_path):
    question = Question(small_dataset, limits=LIMITS)
    sides = {
        Oracle.key(picture.image): (picture.body[:, 2:] - picture.body[:, :2]).max(axis=1)
        for picture in people_pictures(question)
    }

    def poses_off_by(share):
        oracle = Oracle(question)
        for key, side in sides.items():
            shifts = np.zeros_like(oracle.answers[key].keypoints)
            shifts[..., 0] = share * side[:, None]
            oracle.answers[key] = oracle.answers[key]._replace(keypoints=oracle.answers[key].keypoints + shifts)
        return evaluate_poses(question, {"off": oracle})[0]

    near, far = poses_off_by(0.19), poses_off_by(0.21)
    assert near.joints.pck() == 1.0
    assert far.joints.pck() == 0.0
    assert near.joints.pck(torso=True) < 1.0  # a torso is shorter than the larger side
    assert near.found.scores().ap < 0.5
    far.write_page(tmp_path / "page.html")
    assert "left wrist" in (tmp_path / "page.html").read_text()


def test_wrists_stand_apart(small_dataset):
    question = Question(small_dataset, limits=LIMITS)

    def without_wrists(boxes):
        points = boxes.keypoints.copy()
        points[:, list(WRISTS), :2] += 1000
        return boxes._replace(keypoints=points)

    (report,) = evaluate_poses(question, {"handless": Oracle(question, without_wrists)})
    assert report.joints.pck(joints=WRISTS) == 0.0
    assert report.by_joint()["left_elbow"][0] == 1.0
    assert 0 < report.measures()["pck"] < 1
    assert np.isnan(report.joints.pck(people=np.zeros(len(report.joints.off), bool)))


def test_poses_are_compared(small_dataset):
    question = Question(small_dataset, limits=LIMITS)
    detectors = {"good": Oracle(question), "bad": Oracle(question, lambda boxes: moved(boxes, 15))}
    first, _ = evaluate_poses(question, detectors)
    assert set(first.against) == {"OKS AP", "OKS AP50", "PCK", "PCK of wrists"}
    assert first.against["PCK"].difference > 0


def test_oks_is_its_formula():
    true = np.zeros((1, 17, 3))
    true[0, :, 2] = 2
    found = np.zeros((2, 17, 3))
    found[1, 3, 0] = 6.0
    alike = oks(found, true, np.array([400.0]))
    assert alike[0, 0] == pytest.approx(1.0)
    expected = (16 + math.exp(-36 / (2 * 400 * (2 * SIGMAS[3]) ** 2))) / 17
    assert alike[1, 0] == pytest.approx(expected)
    true[0, 5:, 2] = 0
    expected = (4 + math.exp(-36 / (2 * 400 * (2 * SIGMAS[3]) ** 2))) / 5
    assert oks(found, true, np.array([400.0]))[1, 0] == pytest.approx(expected)
    true[0, :, 2] = 0
    assert oks(found, true, np.array([400.0])).tolist() == [[0.0], [0.0]]


def test_a_detector_without_joints_is_named(small_dataset):
    question = Question(small_dataset)
    boxes_only = Oracle(question, lambda boxes: boxes._replace(keypoints=None))
    with pytest.raises(UnusableNetworkError, match="plain finds people without COCO's 17 keypoints"):
        evaluate_poses(question, {"plain": boxes_only})


def one_each(question):
    """A detector that finds all, and one that finds the first of each picture."""
    return Oracle(question), Oracle(question, lambda boxes: boxes.take(np.arange(len(boxes.xyxy)) < 1))


def test_the_guard_of_people_judges_by_boxes(small_dataset, monkeypatch):
    import models.people

    all_found, first_found = one_each(Question(small_dataset))
    opened = {"candidate.onnx": all_found, "active.onnx": first_found}
    monkeypatch.setattr(models.people, "open_person_detector", opened.__getitem__)
    judgement = GUARDS["people"](Path("candidate.onnx"), Path("active.onnx"), small_dataset)
    assert judgement.outcome == "not known"  # of two groups nothing is known
    assert judgement.said.startswith("AP50 1.000 against 0.")


def test_the_guard_of_joints_judges_both_in_the_boxes_of_the_active_people_network(small_dataset, monkeypatch):
    import models.joints
    import models.people

    class Joints:
        def __init__(self, path):
            self.right = path == Path("candidate.onnx")

        def find_in(self, images, xyxy):
            found = []
            for true, boxes in zip(oracle.detect(images), xyxy, strict=True):
                assert np.array_equal(true.xyxy, boxes)
                found.append(true.keypoints if self.right else true.keypoints + np.array([500, 0, 0], np.float32))
            return found

    oracle = Oracle(Question(small_dataset))
    monkeypatch.setattr(models.people, "open_person_detector", {"active": oracle}.__getitem__)
    monkeypatch.setattr(models.joints, "JointFinder", Joints)
    judgement = GUARDS["joints"](Path("candidate.onnx"), Path("active.onnx"), small_dataset)
    assert judgement.said.startswith("AP50 by OKS 1.000 against 0.")
    assert "PCK 1.000 against 0.000" in judgement.said


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.parametrize("command", ["detector", "pose"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone",), "gone: there is no such folder"),
        (("SET", "--weights", "nobody"), "'nobody' is no detector"),
    ],
)
def test_what_is_wrong_is_said(small_dataset, tmp_path, command, arguments, message, monkeypatch):
    import models.people

    opened = models.people.open_person_detector
    monkeypatch.setattr(
        models.people, "open_person_detector", lambda name: object() if name == "active" else opened(name)
    )
    arguments = [small_dataset if a == "SET" else tmp_path / a if a == "gone" else a for a in arguments]
    result = run(command, *arguments, "--json")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("detector", "--weights", "efficientdet-lite0", "--against", "efficientdet-lite0"), "name another"),
        (("pose", "--joints", "own", "--against", "own"), "name another"),
        (("pose", "--joints", "nothing"), "'nothing' places no joints: give active, aisle-joints, or an .onnx file"),
    ],
)
def test_networks_that_cannot_be_compared_are_named(small_dataset, arguments, message, monkeypatch):
    import models.people

    monkeypatch.setattr(models.people, "open_person_detector", lambda name: object())
    result = run(arguments[0], small_dataset, *arguments[1:])
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_the_command_prints_json_and_a_table_and_writes_the_page(small_dataset, tmp_path, monkeypatch):
    import models.people

    question = Question(small_dataset, limits=LIMITS, every=4)
    monkeypatch.setattr(models.people, "open_person_detector", lambda name: Oracle(question))
    limits = ("--min-visible", 0.3, "--min-area", 50, "--every", 4)
    page = tmp_path / "page.html"
    result = run("pose", small_dataset, *limits, "--joints", "own", "--json", "--page", page)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["detector"], found["oks_ap"]) == ("active, joints own", 1.0)
    assert page.exists()
    result = run("detector", small_dataset, *limits)
    assert "AP50" in result.stdout
    assert "calibration error" in result.stdout
