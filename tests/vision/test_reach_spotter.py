import numpy as np
import pytest

from models.reach import AFTER_S, OFFSETS_S
from vision.reach_spotter import Hands, ReachSpotter, spotted

NOTHING, TAKE, RETURN = (0.98, 0.01, 0.01), (0.1, 0.85, 0.05), (0.1, 0.05, 0.85)


def series(*rows):
    return np.arange(len(rows)) * 0.2, np.log(np.array(rows))


class BySight:
    """Takes a hand for taking while its square is bright, for returning while it is dark."""

    def __init__(self):
        self.clips = []

    def classify(self, clips):
        self.clips += list(clips)
        middle = clips[:, OFFSETS_S.index(0.0), 20:60, 20:60, :3].mean(axis=(1, 2, 3))
        rows = [TAKE if value > 200 else RETURN if value < 50 else NOTHING for value in middle]
        return np.log(np.array(rows, np.float32).reshape(-1, 3))


def one(name="a", xy=(50, 50), wrist=True):
    return Hands((name,), np.array([xy], np.float64), np.array([40.0]), np.array([wrist]))


def picture(value):
    return np.full((100, 200, 3), value, np.uint8)


def test_looks_in_a_row_are_one_event_at_their_middle():
    (event,) = spotted(*series(NOTHING, NOTHING, TAKE, TAKE, TAKE, NOTHING))
    assert event[0] == "take"
    assert event[1] == pytest.approx(0.6)
    assert event[2] == pytest.approx(1 - (1 - 0.85 - 0.01 * 2 / 3) ** 1.6, abs=0.01)


def test_nothing_is_nothing_and_what_is_unsure_is_not_told():
    assert spotted(*series(NOTHING, NOTHING)) == []
    assert spotted(*series(NOTHING, (0.6, 0.3, 0.1), NOTHING)) == []
    assert spotted(*series(NOTHING, TAKE, NOTHING)) == []  # the looks beside a true one see it, too
    assert spotted(np.zeros(0), np.zeros((0, 3))) == []


def test_a_take_and_a_return_apart_are_two_events():
    events = spotted(*series(NOTHING, TAKE, TAKE, NOTHING, NOTHING, RETURN, RETURN, NOTHING))
    assert [event[0] for event in events] == ["take", "return"]


def test_a_short_doubt_beside_a_strong_event_is_dropped_but_a_strong_one_is_kept():
    weak = (0.3, 0.1, 0.6)
    assert [e[0] for e in spotted(*series(NOTHING, TAKE, TAKE, TAKE, weak, NOTHING))] == ["take"]
    both = spotted(*series(NOTHING, TAKE, TAKE, TAKE, RETURN, RETURN, RETURN, NOTHING))
    assert [e[0] for e in both] == ["take", "return"]


def run(spotter, values, hands, rate=10.0):
    found = []
    for index, value in enumerate(values):
        found += spotter.update(index / rate, picture(value), hands(index))
    return found, spotter.flush()


@pytest.mark.parametrize("rate", [5.0, 10.0, 29.83])
def test_an_event_is_told_once_at_its_time_soon_after_it(rate):
    values = [100] * round(4 * rate) + [255] * round(0.6 * rate) + [100] * round(4 * rate)
    spotter, told_at, found = ReachSpotter(BySight()), None, []
    for index, value in enumerate(values):
        new = spotter.update(index / rate, picture(value), one())
        told_at = index / rate if new else told_at
        found += new
    assert spotter.flush() == []
    (event,) = found
    assert (event.name, event.kind, event.xy) == ("a", "take", (50.0, 50.0))
    assert event.time_s == pytest.approx(4.3, abs=0.25)
    assert told_at is not None
    assert told_at - event.time_s <= AFTER_S + 1.0


def test_what_happens_at_the_end_is_told_by_flush():
    found, last = run(ReachSpotter(BySight()), [100] * 40 + [0] * 6, lambda index: one())
    assert found == []
    assert [event.kind for event in last] == ["return"]


def test_hands_are_apart():
    class ByPlace(BySight):
        def classify(self, clips):
            rows = [TAKE if clip[5, ..., 0].mean() > 150 else NOTHING for clip in clips]
            return np.log(np.array(rows, np.float32).reshape(-1, 3))

    pictures = []
    for index in range(80):
        made = picture(100)
        if 30 <= index < 36:
            made[:, :100] = 255
        if 50 <= index < 56:
            made[:, 100:] = 255
        pictures.append(made)
    both = Hands(("left", "right"), np.array([[50.0, 50], [150, 50]]), np.full(2, 40.0), np.ones(2, np.bool_))
    spotter, found = ReachSpotter(ByPlace()), []
    for index, made in enumerate(pictures):
        found += spotter.update(index / 10, made, both)
    assert [(event.name, round(event.time_s)) for event in found] == [("left", 3), ("right", 5)]


def test_a_hand_that_goes_away_is_told_of_and_costs_nothing_any_more():
    model = BySight()
    spotter = ReachSpotter(model)
    values = [100] * 20 + [255] * 40
    found, last = run(spotter, values, lambda index: one() if index < 24 else Hands.none())
    assert [event.kind for event in found + last] == ["take"]
    assert len(model.clips) <= 13


def test_slots_are_watched_without_a_mark():
    model = BySight()
    run(ReachSpotter(model), [100] * 30, lambda index: one(wrist=False))
    assert model.clips
    assert max(clip[..., 3].max() for clip in model.clips) == 0
    run(ReachSpotter(model := BySight()), [100] * 30, lambda index: one())
    assert min(clip[5, ..., 3].max() for clip in model.clips) == 255


def test_looks_are_told_as_they_are_taken():
    looks = []
    spotter = ReachSpotter(BySight(), lambda name, time_s, log_p: looks.append((name, time_s, log_p)))
    run(spotter, [100] * 30, lambda index: one())
    assert {name for name, _, _ in looks} == {"a"}
    assert np.allclose(np.diff([time_s for _, time_s, _ in looks]), 0.2)
    assert np.allclose(np.exp([log_p for _, _, log_p in looks]).sum(axis=1), 1, atol=1e-5)


def test_reset_forgets_and_time_must_rise():
    spotter = ReachSpotter(BySight())
    run_values = [100] * 40 + [255] * 6
    for index, value in enumerate(run_values):
        spotter.update(index / 10, picture(value), one())
    spotter.reset()
    assert spotter.flush() == []
    spotter.update(0.0, picture(100), one())
    with pytest.raises(ValueError, match="in order"):
        spotter.update(0.0, picture(100), one())


def test_hands_of_wrong_shapes_and_equal_names_are_refused():
    with pytest.raises(ValueError, match=r"xy of 1 hands is \(1, 2\), found \(2, 2\)"):
        Hands(("a",), np.zeros((2, 2)), np.zeros(1), np.zeros(1, np.bool_))
    with pytest.raises(ValueError, match="different names"):
        Hands(("a", "a"), np.zeros((2, 2)), np.ones(2), np.zeros(2, np.bool_))
