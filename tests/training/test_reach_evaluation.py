import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.commands.evaluate import app
from datasets.reach_clips import LINES, ReachClipError, read_clips
from tests.training.reach_folder import Oracle, dumped, write
from training.evaluate.reach import evaluate_reach
from training.evaluate.reach_events import EventScores, ReachFact, match, score
from training.evaluate.reach_page import write_page
from training.evaluate.reach_video import ReachFileError, TrueReach, VideoReport, evaluate_video, read_slots, read_truth
from vision.reach_spotter import SpottedReach

facts = st.lists(
    st.builds(
        ReachFact,
        st.sampled_from(["take", "return"]),
        st.floats(0, 5).map(lambda value: round(value, 2)),
        st.sampled_from("ab"),
    ),
    max_size=6,
)


def test_matching_is_one_to_one_of_the_same_kind_and_person_within_half_a_second():
    truth = [ReachFact("take", 1.0, "a"), ReachFact("return", 3.0, "a")]
    found = [
        ReachFact("take", 1.4, "a"),
        ReachFact("take", 0.9, "a"),  # a second one of the same
        ReachFact("take", 3.0, "a"),  # another kind
        ReachFact("return", 3.1, "b"),  # another person
        ReachFact("return", 3.6, "a"),  # too late
    ]
    matched = match(found, truth)
    assert matched.found.tolist() == [-1, 0, -1, -1, -1]
    assert matched.missed == (1,)
    scores = score(found, truth)
    assert (scores.precision, scores.recall) == (0.2, 0.5)
    assert scores.f1 == pytest.approx(2 / 7)


def test_matching_finds_as_many_pairs_as_there_can_be():
    truth = [ReachFact("take", 1.0, "a"), ReachFact("take", 1.6, "a")]
    found = [ReachFact("take", 1.3, "a"), ReachFact("take", 2.0, "a")]
    assert match(found, truth).found.tolist() == [0, 1]


def test_scores_of_nothing():
    assert EventScores(0, 0, 0).f1 == 1.0
    assert EventScores(3, 0, 0).f1 == 0.0
    assert EventScores.together([EventScores(3, 2, 1), EventScores(1, 1, 1)]) == EventScores(4, 3, 2)


@given(facts, facts)
def test_scores_are_bounded_and_do_not_depend_on_order(found, truth):
    scores = score(found, truth)
    assert scores.right <= min(scores.found, scores.truth)
    assert score(found[::-1], truth[::-1]) == scores
    assert score(truth, truth).f1 == 1.0


def test_a_model_that_knows_finds_all_and_one_that_says_nothing_finds_none(tmp_path):
    write(tmp_path)
    found = dumped(evaluate_reach(tmp_path, Oracle()))
    assert found["events"]["f1"] == 1.0
    assert found["events"]["truth"] == 8
    assert set(found["kinds"]) == {"take", "return"}
    assert {axis: len(rows) for axis, rows in found["slices"].items()} == {
        "family": 1, "camera": 2, "angle": 2, "shelf": 1, "people": 2, "light": 1,
    }  # fmt: skip
    table = np.array(found["looks"]["confusion"]["table"])
    assert table.sum() == found["looks"]["count"] == 12 * 11
    assert table[1, 2] == table[2, 1] == 0

    class Silent:
        def classify(self, clips):
            return np.log(np.tile([0.98, 0.01, 0.01], (len(clips), 1))).astype(np.float32)

    silent = dumped(evaluate_reach(tmp_path, Silent()))
    assert silent["events"] | {"precision": 1.0, "recall": 0.0} == silent["events"]


def test_slots_can_be_looked_at_instead_of_wrists(tmp_path):
    write(tmp_path)
    assert dumped(evaluate_reach(tmp_path, Oracle(), by_slot=True))["events"]["recall"] >= 0.5


def test_the_better_model_is_called_better(tmp_path):
    write(tmp_path, 24)

    class Swapped(Oracle):
        def classify(self, clips):
            return super().classify(clips)[:, [0, 2, 1]]

    report = evaluate_reach(tmp_path, Oracle(), against=Swapped())
    assert dumped(report)["against"]["verdict"] == "better"
    assert dumped(evaluate_reach(tmp_path, Oracle(), against=Oracle()))["against"]["verdict"] == "not known"


def test_the_page_shows_what_was_missed(tmp_path):
    write(tmp_path / "clips")

    class Blind(Oracle):
        def classify(self, clips):
            said = super().classify(clips)
            said[:, [0, 2]] = said[:, [2, 0]]  # returns are taken for nothing, nothing for a return
            return said

    report = evaluate_reach(tmp_path / "clips", Blind())
    write_page(tmp_path / "page.html", tmp_path / "clips", report)
    page = (tmp_path / "page.html").read_text()
    assert "data:image/jpeg" in page
    assert "Missed" in page
    with pytest.raises(ReachClipError, match="no folder of reach clips"):
        write_page(tmp_path / "page.html", tmp_path, report)


def test_broken_folders_are_told_with_file_and_line(tmp_path):
    with pytest.raises(ReachClipError, match="no folder of reach clips"):
        read_clips(tmp_path)
    write(tmp_path, 3)
    path = tmp_path / LINES
    path.write_text(path.read_text() + '{"name": 1}\n')
    with pytest.raises(ReachClipError, match="line 4"):
        read_clips(tmp_path)
    path.write_text("")
    with pytest.raises(ReachClipError, match="no clips"):
        read_clips(tmp_path)


def test_a_lost_and_a_broken_picture_are_told(tmp_path):
    clips = write(tmp_path, 3)
    file = tmp_path / "clips" / f"{clips[0].name}.jpg"
    file.write_bytes(b"no picture")
    with pytest.raises(ReachClipError, match=f"{clips[0].name}.jpg: no picture"):
        evaluate_reach(tmp_path, Oracle())
    file.unlink()
    with pytest.raises(ReachClipError, match="missing"):
        evaluate_reach(tmp_path, Oracle())


def spotted(kind, frame, slot="A"):
    return SpottedReach(slot, kind, frame / 30, 0.9, (0.0, 0.0)), frame


def test_a_video_is_judged_by_frames_around_contact_and_clear():
    truth = (TrueReach("take", "A", 200, 215), TrueReach("return", "A", 383, 397))
    found = (spotted("take", 196), spotted("return", 401), spotted("return", 300), spotted("take", 210, "B"))
    report = VideoReport(found, truth, 6, 30.0)
    assert [row["right"] for row in report.rows()] == [True, True, False, False]
    assert [row["frames_after_contact"] for row in report.rows()] == [-4, 18, None, None]
    assert json.loads(report.as_json()) | {"right": 2, "missed": 0, "false": 2} == json.loads(report.as_json())
    late = VideoReport((spotted("take", 222),), truth, 6, 30.0)
    assert json.loads(late.as_json())["right"] == 0
    twice = VideoReport((spotted("take", 200), spotted("take", 210)), truth, 6, 30.0)
    assert json.loads(twice.as_json())["right"] == 1


def test_files_of_slots_and_truth_are_read_or_refused(tmp_path):
    path = tmp_path / "events.json"
    path.write_text(
        '{"slots_xyxy": {"A": [1, 2, 30, 40]}, "events": [{"slot": "A", "type": "pick", "contact_frame": 5}]}'
    )
    assert read_slots(path) == {"A": ((1.0, 2.0), (30.0, 2.0), (30.0, 40.0), (1.0, 40.0))}
    assert read_truth(path) == ([TrueReach("take", "A", 5, 5)], 6)
    for text, said in (
        ("[]", "has no"),
        ('{"slots_xyxy": {}}', "names a slot"),
        ('{"slots_xyxy": {"A": [3, 2, 1, 4]}}', "slot A is"),
        ('{"slots_xyxy": {"A": "x"}}', "slots_xyxy is an object"),
        ("{", "JSON"),
    ):
        path.write_text(text)
        with pytest.raises(ReachFileError, match=said):
            read_slots(path)
    path.write_text('{"slots": {"A": [[1, 2], [30, 2], [15, 40]]}}')
    assert read_slots(path) == {"A": ((1.0, 2.0), (30.0, 2.0), (15.0, 40.0))}
    path.write_text('{"events": [{"slot": "A", "type": "wave", "contact_frame": 5}]}')
    with pytest.raises(ReachFileError, match=r"events\[0\]"):
        read_truth(path)


def test_a_model_looks_at_the_slots_of_a_video(shared_data):
    slots = read_slots(shared_data / "bottles" / "events.json")
    truth, tolerance = read_truth(shared_data / "bottles" / "events.json")

    class Silent:
        calls = 0

        def classify(self, clips):
            Silent.calls += len(clips)
            return np.log(np.tile([0.98, 0.01, 0.01], (len(clips), 1))).astype(np.float32)

    video = str(shared_data / "bottles" / "bottles.mp4")
    report = evaluate_video(video, slots, truth, model=Silent(), tolerance=tolerance)
    assert json.loads(report.as_json())["missed"] == 2
    assert Silent.calls == pytest.approx(3 * 15.75 / 0.2, abs=15)


def test_the_bottle_is_seen_going_and_coming_back(shared_data):
    folder = shared_data / "bottles"
    given = ["--slots", folder / "events.json", "--truth", folder / "events.json", "--json"]
    result = CliRunner().invoke(app, ["reach", *map(str, [folder / "bottles.mp4", *given])])
    found = json.loads(result.stdout)
    assert (found["right"], found["missed"], found["false"]) == (2, 0, 0)
    assert all(abs(event["frames_after_contact"]) <= 6 for event in found["events"])


def test_reaching_alone_is_no_take(shared_data):
    slots = {
        f"{x},{y}": ((x, y), (x + 60, y), (x + 60, y + 45), (x, y + 45))
        for x in range(0, 421, 60)
        for y in range(0, 226, 45)
    }
    report = evaluate_video(str(shared_data / "store_aisle" / "store_aisle.gif"), slots, [])
    assert json.loads(report.as_json())["found"] == 0


def test_the_command_tells_what_is_wrong_in_one_line(tmp_path):
    weights = ("--weights", tmp_path / "none.onnx")
    result = CliRunner().invoke(app, ["reach", str(tmp_path), *map(str, weights)])
    assert result.exit_code == 2
    assert "none.onnx is no file" in result.output
