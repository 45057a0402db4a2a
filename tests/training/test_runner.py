import numpy as np
import pytest

from datasets.formats.mot import MotBoxes, read_mot, read_truth
from training.evaluate.metrics import evaluate_sequence
from training.evaluate.peers import PEERS, PeerFollower, UnknownPeerError, choose_peers
from training.evaluate.runner import OurFollower, follow, frames_of, run_side_by_side, to_boxes
from vision.detections import Detections, Tracks


class Echo:
    """Gives every detection an id of its own place, a frame late, and notes what it was asked."""

    def __init__(self, log, name):
        self.log, self.name, self.held = log, name, []

    def prepare(self, detections, number):
        return detections

    def update(self, prepared):
        self.log.append((self.name, len(prepared)))
        return prepared

    def tracks(self, answer, number):
        due, self.held = self.held, [(number, Tracks(np.arange(1, len(answer) + 1), answer.xyxy, answer.confidence))]
        return due

    def finish(self):
        return self.held


def boxes_of(*frames):
    rows = [[frame, -1, 10 * i, 0, 5, 5, 0.5] for frame in frames for i in range(frame % 3)]
    return MotBoxes.from_rows(np.array(rows, dtype=float).reshape(-1, 7))


def test_frames_are_cut_with_the_empty_ones():
    frames = frames_of(boxes_of(1, 2, 3, 4, 5), 2, 6)
    assert [len(f) for f in frames] == [2, 0, 1, 2, 0]
    assert frames[0].xyxy.tolist() == [[0, 0, 5, 5], [10, 0, 15, 5]]
    assert frames[0].xyxy.dtype == np.float32


def test_trackers_take_turns_and_repeat_but_answer_once():
    log, ticks = [], []
    frames = frames_of(boxes_of(*range(1, 61)), 1, 60)
    runs = run_side_by_side(
        {"a": lambda: Echo(log, "a"), "b": lambda: Echo(log, "b")}, frames, 101, 2, lambda: ticks.append(1)
    )
    turns = [name for name, _ in log[:120]]
    assert turns == ["a"] * 25 + ["b"] * 25 + ["a"] * 25 + ["b"] * 25 + ["a"] * 10 + ["b"] * 10
    assert len(log) == 240
    assert len(ticks) == 12
    for run in runs.values():
        assert len(run.results) == 60
        assert (run.results.frame[0], run.results.last_frame) == (101, 159)
        assert run.updates_per_cpu_s > 0


def test_tracks_of_frames_become_one_table():
    one = Tracks(np.array([4]), np.array([[0, 0, 2, 2]], np.float32), np.array([0.5], np.float32))
    boxes = to_boxes([(3, one), (4, Tracks.empty()), (2, one)])
    assert boxes.frame.tolist() == [2, 3]
    assert boxes.id.tolist() == [4, 4]
    assert len(to_boxes([(1, Tracks.empty())])) == 0


@pytest.mark.parametrize("name", [*PEERS, "ours"])
def test_everybody_follows_plain_walkers(sequence, name):
    truth = read_truth(sequence / "gt.txt")
    frames = frames_of(read_mot(sequence / "det.txt"), 1, 60)
    follower = OurFollower(25.0) if name == "ours" else PeerFollower(name, 25.0)
    results = to_boxes(follow(follower, frames))
    assert results.id.min() >= 1
    scores = evaluate_sequence(truth, results)
    assert scores.hota > 0.6
    assert scores.ids < 25


def test_a_peer_is_shown_only_what_is_sure_enough():
    detections = Detections(np.array([[0, 0, 9, 9], [50, 0, 59, 9]], np.float32), np.array([0.6, 0.3], np.float32))
    assert len(PeerFollower("sort", 30.0).prepare(detections, 1)) == 1  # a score of .6 is .6 in any precision
    assert len(PeerFollower("sort", 30.0, 0.2).prepare(detections, 1)) == 2
    assert len(PeerFollower("botsort", 30.0).prepare(detections, 1)) == 2


def test_what_a_peer_has_not_confirmed_is_left_out():
    detections = Detections(np.array([[0, 0, 9, 9]], np.float32), np.array([0.9], np.float32))
    follower = PeerFollower("sort", 30.0)
    assert [len(tracks) for _, tracks in follow(follower, [detections] * 4)] == [0, 0, 1, 1]
    ((number, nobody),) = follower.tracks(follower.update(follower.prepare(Detections.empty(), 5)), 5)
    assert (number, len(nobody)) == (5, 0)


def test_peers_are_chosen_by_name():
    assert choose_peers(["all"]) == ["sort", "bytetrack", "ocsort", "botsort"]
    assert choose_peers(["botsort", "sort", "sort"]) == ["sort", "botsort"]
    assert choose_peers([]) == []
    with pytest.raises(UnknownPeerError, match=r"'deepsort'.*sort, bytetrack, ocsort, botsort and all"):
        choose_peers(["deepsort"])
