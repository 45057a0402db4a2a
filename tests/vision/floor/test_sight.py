"""What walls and furniture hide from cameras, and what the tracker makes of it."""

import numpy as np
import pytest

from store.layout import Plan
from tests.vision.floor.rooms import boxes, camera, detections
from vision.floor import FloorTracker
from vision.floor.coverage import seen_share
from vision.floor.observations import Rig
from vision.floor.sight import Sight, visible

SHOP = Plan.model_validate(
    {
        "store": "small",
        "floor": {"polygon": [[0, 0], [8, 0], [8, 6], [0, 6]], "height_m": 3.0},
        "gates": [{"name": "door", "a": [1, 0], "b": [2, 0]}],
        "fixtures": [
            {"name": "island", "xy": [4, 3], "heading_deg": 0, "length_m": 2.0, "depth_m": 0.6, "height_m": 1.2}
        ],
    }
)
CAMERAS = (
    camera("north", (0.5, 5.9, 2.6), (1.5, 0.0, 0.8)),
    camera("east", (7.9, 0.5, 2.6), (1.5, 0.5, 0.8)),
    camera("west", (0.1, 3.0, 2.6), (5.0, 3.0, 0.8)),
)


def test_a_body_behind_a_wall_of_half_its_height_shows_its_upper_points():
    wall = np.array([[[-5.0, 2.0], [5.0, 2.0]]])
    eye = np.array([[0.0, 0.0, 1.0]])
    # Seen from 1 m above the floor, 4 m away behind a wall of 1 m that is half way: what is lower than 1 m is hidden.
    share = visible(eye, np.array([[0.0, 4.0]]), wall, np.array([1.0]))
    assert share == pytest.approx(2 / 5)  # killed: the points at 1.3 and 1.65 m of .1, .5, .9, 1.3, 1.65
    assert visible(eye, np.array([[0.0, 1.5]]), wall, np.array([1.0])) == 1.0  # before it
    assert visible(eye, np.array([[0.0, 4.0]]), wall, np.array([np.inf])) == 0.0
    assert visible(eye, np.array([[9.0, 3.0]]), wall / 5, np.array([np.inf])) == 1.0  # past its end


def test_through_the_gate_people_outside_are_seen_and_through_walls_they_are_not():
    share = Sight(SHOP, CAMERAS).share(np.array([[1.5, -0.8], [4.0, -0.8], [1.5, 0.8]]))
    assert share[:, 0] == pytest.approx([1.0, 0.1, 1.0])
    assert share[0, 1] == pytest.approx(0.1)  # along the wall, past the opening
    assert share[2, 1] == 1.0


def test_low_furniture_hides_the_legs_behind_it():
    share = Sight(SHOP, CAMERAS).share(np.array([[5.0, 3.0], [2.5, 3.0], [400.0, 3.0]]))
    assert 0.1 < share[0, 2] < 0.9
    assert share[1, 2] == 1.0
    assert (share[2] == 1.0).all()  # nothing is known so far outside


def test_a_plan_without_a_floor_has_no_sight():
    with pytest.raises(ValueError, match="small has no floor"):
        Sight(SHOP.model_copy(update={"floor": None, "gates": ()}), CAMERAS)


def test_who_one_camera_sees_through_the_gate_is_followed_from_there():
    """The other cameras would see them but for the wall."""
    others = [((7.9, y, 2.6), (1.5, -0.5, 0.8)) for y in (0.3, 0.6, 0.9, 1.2)]
    cameras = (CAMERAS[0], *(camera(f"east-{n}", *each) for n, each in enumerate(others)))

    def first_y(sight: Sight | None) -> float:
        tracker = FloorTracker(cameras, gates=np.array([[[1.0, 0.0], [2.0, 0.0]]]), sight=sight)
        live = []
        for t in range(25):
            place = np.array([[1.5, -1.2 + 0.1 * t]])
            shown = {}
            for model in cameras:
                seen = model.camera == "north" or place[0, 1] > 0.3
                shown[model.camera] = detections(boxes(model, place) if seen else [])
            live.append(tracker.update(t * 0.2, shown))
        return min(float(tracks.xy[0, 1]) for tracks in live if len(tracks))

    with_walls = first_y(Sight(SHOP, cameras))
    assert with_walls < -0.7
    assert with_walls < first_y(None) - 0.3


@pytest.mark.parametrize("outside", [1, 2])
def test_who_comes_is_told_of_from_where_two_cameras_see_them_or_inside(outside):
    """Two come in one behind the other: one camera alone takes them for one another."""
    others = [((7.9, y, 2.6), (1.5, 0.9, 0.8)) for y in (0.3, 0.9)]
    cameras = (CAMERAS[0], *(camera(f"east-{n}", *each) for n, each in enumerate(others)))
    tracker = FloorTracker(cameras, gates=np.array([[[1.0, 0.0], [2.0, 0.0]]]), sight=Sight(SHOP, cameras))
    settled = []
    for t in range(50):
        shown = {model.camera: [] for model in cameras}
        for late_m in (0.0, 0.9):
            place = np.array([[1.4, -1.2 - late_m + 0.2 * t]])
            for model in cameras[:outside] if place[0, 1] < 0.3 else cameras:
                if -1.2 < place[0, 1] < 4.0:
                    shown[model.camera] += boxes(model, place).tolist()
        tracker.update(t * 0.2, {name: detections(found) for name, found in shown.items()})
        settled += tracker.settled
    settled += tracker.finish()
    first_y = min(float(m.tracks.xy[:, 1].min()) for m in settled if len(m.tracks))
    assert first_y < -0.7 if outside == 2 else -0.1 < first_y < 0.3
    assert len({n for m in settled for n in m.tracks.track_id.tolist()}) == 2


def test_who_the_lens_bends_into_the_picture_is_expected_in_it():
    lens = (-0.3, 0.08, 0, 0, 0)
    wide = camera("wide", (0, 0, 2.6), (6, 0, 0.8), focal=700.0, distortion=lens)
    place = np.array([[4.5, -4.6, 1.7]])
    low, high = wide.project(np.array([[4.5, -4.6, 0.0], place[0]]))
    assert 0 < low[0] < wide.size[0]
    assert 0 < high[0] < wide.size[0]
    assert seen_share(Rig.of((wide,)), place)[0, 0] > 0.6
    ideal = camera("ideal", (0, 0, 2.6), (6, 0, 0.8), focal=700.0)
    assert seen_share(Rig.of((ideal,)), place)[0, 0] < 0.2  # without the lens they are beyond the edge
