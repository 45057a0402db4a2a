import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from api.commands.evaluate import app
from cameras.frame import Frame
from datasets.formats.mot import read_truth
from store.plan import parse_line
from training.evaluate.extra import MissingExtraError, extra
from training.evaluate.sequence import SequenceInfo, frame_range, read_sequence_info
from training.evaluate.tracking import read_reference
from training.evaluate.watch import WatchQuestion, evaluate_watch
from vision.detections import Tracks
from vision.lookback import Moment

KEYS = ["hota", "idf1", "mota", "id_switches", "ids", "people", "updates_per_cpu_s"]


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def tracking(folder, *arguments):
    return run("tracking", "--detections", folder / "det.txt", "--truth", folder / "gt.txt", *arguments)


def test_json_is_all_that_is_printed(sequence):
    result = tracking(sequence, "--json", "--repeats", 1)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert list(found) == KEYS
    assert found["people"] == 6
    assert found["hota"] > 0.6
    assert found["updates_per_cpu_s"] > 0


def test_peers_stand_under_their_names(sequence):
    result = tracking(sequence, "--json", "--repeats", 1, "--peer", "sort", "--peer", "ocsort")
    found = json.loads(result.stdout)
    assert list(found) == [*KEYS, "peers"]
    assert list(found["peers"]) == ["sort", "ocsort"]
    assert list(found["peers"]["sort"]) == KEYS


def test_peer_confidence_reaches_the_peers_alone(sequence):
    result = tracking(sequence, "--json", "--repeats", 1, "--peer", "sort", "--peer-confidence", 0.95)
    found = json.loads(result.stdout)
    assert found["peers"]["sort"]["ids"] == 0
    assert found["ids"] > 0


def test_crossings_are_counted_for_all(sequence):
    counts = sequence / "counts.json"
    counts.write_text('{"crossings": [{"frame": 5, "dir": "RL"}, {"frame": 50, "dir": "LR"}]}')
    line = ("--line", "9000,0,9000,480", "--counts", counts)
    found = json.loads(tracking(sequence, "--json", "--repeats", 1, "--peer", "sort", *line).stdout)
    assert found["crossings"] == {"truth": 2, "found": 0, "false": 0}
    assert found["peers"]["sort"]["crossings"] == found["crossings"]
    half = json.loads(tracking(sequence, "--json", "--repeats", 1, "--second-half", *line).stdout)
    assert half["crossings"]["truth"] == 1


def test_the_second_half_stands_alone(sequence):
    # Broken detections in the first half change nothing that is quoted.
    whole = json.loads(tracking(sequence, "--json", "--repeats", 1).stdout)
    rows = (sequence / "det.txt").read_text().splitlines()
    (sequence / "det.txt").write_text("\n".join(row for row in rows if int(row.split(",")[0]) > 30))
    late = json.loads(tracking(sequence, "--json", "--repeats", 1).stdout)
    half = json.loads(tracking(sequence, "--json", "--repeats", 1, "--second-half").stdout)
    assert late["mota"] < 0.6 < whole["mota"]
    assert half["mota"] > 0.8


def test_people_get_a_table(sequence):
    result = tracking(sequence, "--repeats", 1, "--peer", "sort", "--second-half")
    assert "Frames 31 to 60" in result.stdout
    assert "aisle" in result.stdout
    assert "sort" in result.stdout


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ("gone", (), "det.txt: there is no such file"),
        ("bad", (), "det.txt, line 2: 'many' is not a number"),
        ("empty truth", (), "gt.txt: there is no truth in this file"),
        ("twice", (), "truth: id 1 is on two boxes of frame 1"),
        ("bad ini", (), "seqinfo.ini: not a MOTChallenge seqinfo.ini"),
        (None, ("--peer", "nobody"), "no tracker 'nobody' to compare with"),
        (None, ("--line", "1,2,3", "--counts", "c.json"), "expected 4 numbers"),
        (None, ("--line", "1,2,3,4", "--counts", "gone.json"), "gone.json: there is no such file"),
        (None, ("--line", "1,2,3,4"), "--line and --counts go together"),
    ],
)
def test_what_is_wrong_is_said(sequence, change, arguments, message):
    if change == "gone":
        (sequence / "det.txt").unlink()
    if change == "bad":
        (sequence / "det.txt").write_text("1,-1,0,0,5,5,1\n1,-1,0,0,many,5,1\n")
    if change == "empty truth":
        (sequence / "gt.txt").write_text("")
    if change == "twice":
        (sequence / "gt.txt").write_text("1,1,0,0,5,5,1\n1,1,9,0,5,5,1\n")
    if change == "bad ini":
        (sequence / "seqinfo.ini").write_text("[Sequence]\nframeRate=fast\n")
    result = tracking(sequence, "--json", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""


def test_the_sequence_file_is_read_beside_or_above(sequence):
    expected = SequenceInfo(25.0, 60, 480)
    assert read_sequence_info(sequence / "gt.txt") == expected
    assert read_sequence_info(sequence / "gt" / "gt.txt") == expected
    (sequence / "seqinfo.ini").unlink()
    assert read_sequence_info(sequence / "gt.txt") == SequenceInfo()
    assert read_reference(sequence / "gt.txt").frame_rate == 30.0
    assert read_reference(sequence / "gt.txt", frame_rate=7.0).frame_rate == 7.0


def test_halves_of_even_and_odd_lengths():
    assert frame_range(600, True) == (301, 600)
    assert frame_range(795, True) == (398, 795)
    assert frame_range(795, False) == (1, 795)


def test_a_missing_extra_says_how_to_get_it():
    with pytest.raises(MissingExtraError, match=r"surely_absent is not installed.*aisle\[evaluate\]"), extra():
        import surely_absent  # noqa: F401


def test_the_command_itself_imports_little():
    code = (
        "import sys, api.commands.evaluate; heavy = {'numpy', 'torch', 'cv2', 'av', 'scipy', 'trackers', 'trackeval', "
        "'openvino', 'pydantic', 'rich.progress'}; print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


class MadeVideo:
    """Frames without content, as a source."""

    camera, live, dropped, frame_rate, frame_count, size = "made", False, 0, 25.0, 60, (640, 480)

    def __iter__(self):
        for index in range(self.frame_count):
            yield Frame("made", index, index / self.frame_rate, np.zeros((480, 640, 3), np.uint8))


@pytest.mark.parametrize(("second_half", "first"), [(False, 1), (True, 31)])
def test_a_video_is_scored_frame_by_frame(sequence, second_half, first):
    truth = read_truth(sequence / "gt.txt")
    seen, opened, told = [], [], []

    class TruthTeller:
        """Says what is true of each frame, a frame late."""

        def __init__(self):
            self.held = []

        def update(self, frame):
            seen.append(frame.index)
            now = truth.between(frame.index + 1, frame.index + 1)
            tracks = Tracks(now.id, now.xyxy.astype(np.float32), np.ones(len(now), np.float32))
            due, self.held = self.held, [Moment(frame.index, frame.captured_at, tracks)]
            return due

        def finish(self):
            return self.held

    def open_watcher(size, frame_rate):
        opened.append((size, frame_rate))
        return TruthTeller()

    counts = sequence / "counts.json"
    counts.write_text('{"crossings": []}')
    question = WatchQuestion(sequence / "gt.txt", second_half, parse_line("320,0,320,480"), counts)
    report = evaluate_watch(MadeVideo(), question, open_watcher, lambda done, total: told.append((done, total)))
    assert seen == list(range(first - 1, 60))
    assert opened == [((640, 480), 25.0)]
    assert told[-1] == (60, 60)
    found = json.loads(report.as_json())
    assert list(found) == [*KEYS, "crossings"]
    assert (found["idf1"], found["ids"], found["people"]) == (1.0, 6, 6)
    assert found["crossings"]["truth"] == 0


def test_a_video_that_is_none_is_named(sequence):
    result = run("watch", sequence / "gone.avi", "--truth", sequence / "gt.txt", "--json")
    assert result.exit_code == 2
    assert "gone.avi" in result.stderr
