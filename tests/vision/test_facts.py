import numpy as np
import pytest

from store.events import Event, PersonEntered, PersonLeft, PersonMoved
from store.views import CameraView
from vision.detections import Tracks
from vision.facts import FactWriter
from vision.lookback import Moment

VIEW = CameraView(camera="aisle", size=(640, 480))


def moment(index: int, people: dict[int, float]) -> Moment:
    """People by number at x, 100 px tall with their feet at y = 300; ten frames a second."""
    boxes = np.array([(x - 20, 200, x + 20, 300) for x in people.values()], np.float32).reshape(-1, 4)
    ids = np.array(list(people), np.int64)
    return Moment(index, 1000 + index / 10, Tracks(ids, boxes, np.full(len(people), 0.8, np.float32)))


def write(moments: list[Moment], view: CameraView = VIEW, close: bool = True) -> tuple[FactWriter, list[Event]]:
    events: list[Event] = []
    writer = FactWriter("shop", view, events.extend, patience_s=2.0)
    for each in moments:
        writer.add([each])
    if close:
        writer.close()
    return writer, events


def of(kind: type[Event], events: list[Event]) -> list:
    return [event for event in events if isinstance(event, kind)]


def test_a_visit_is_entered_moved_left_in_this_order():
    writer, events = write([moment(k, {1: 100 + k}) for k in range(25)])
    (entered,), (left,) = of(PersonEntered, events), of(PersonLeft, events)
    rows = [
        row for event in of(PersonMoved, events) for row in zip(event.track_id, event.time_s, event.xy, strict=True)
    ]
    assert events[0] is entered
    assert events[-1] is left
    assert writer.entered == 1
    assert (entered.time, left.entered_at, left.time) == pytest.approx((1000, 1000, 1002.4))
    assert [xy for _, _, xy in rows] == [(100.0 + k, 300.0) for k in range(25)]
    assert {track_id for track_id, _, _ in rows} == {entered.track_id} == {left.track_id}


def test_movements_go_out_about_once_a_second():
    _, events = write([moment(k, {1: 100}) for k in range(40)])
    sizes = [len(event.track_id) for event in of(PersonMoved, events)]
    assert sum(sizes) == 40
    assert max(sizes) <= 12
    assert len(sizes) <= 6


def test_who_is_hidden_for_less_than_the_patience_has_not_left():
    there = [moment(k, {1: 100}) for k in range(10)]
    hidden = [moment(k, {}) for k in range(10, 28)]
    back = [moment(k, {1: 130}) for k in range(28, 35)]
    _, events = write(there + hidden + back)
    assert len(of(PersonEntered, events)) == len(of(PersonLeft, events)) == 1


def test_who_is_gone_for_longer_has_left_when_last_seen():
    _, events = write([moment(0, {1: 100}), moment(1, {1: 100})] + [moment(k, {}) for k in range(2, 40)], close=False)
    (left,) = of(PersonLeft, events)
    assert left.time == pytest.approx(1000.1)
    assert events.index(left) > max(events.index(event) for event in of(PersonMoved, events))


def test_track_ids_are_random_and_of_one_visit():
    frames = [moment(0, {1: 100, 2: 300})]
    first, second = (of(PersonEntered, write(frames)[1]) for _ in range(2))
    ids = {event.track_id for event in first + second}
    assert len(ids) == 4
    assert not ids & {"1", "2"}


def test_the_floor_is_given_where_the_camera_is_calibrated():
    view = VIEW.model_copy(update={"homography": ((0.01, 0, 0), (0, 0.02, 1), (0, 0, 1))})
    _, events = write([moment(0, {1: 100})], view)
    (moved,) = of(PersonMoved, events)
    assert moved.xy_m == ((1.0, 7.0),)
    (moved,) = of(PersonMoved, write([moment(0, {1: 100})])[1])
    assert moved.xy_m is None
