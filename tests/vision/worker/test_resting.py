"""Which cameras may rest, by where people are."""

from __future__ import annotations

import numpy as np
import pytest

from cameras.geometry import CameraModel
from store.layout import Plan
from tests.vision.worker.walkers import RATE, VISIT, looks, plan
from vision.floor.coverage import seen_share
from vision.floor.observations import Rig
from vision.floor.sight import Sight
from vision.floor.tracks import FloorTracks
from vision.worker.floor import FloorFollower, FloorFollowing
from vision.worker.resting import NEAR_M, SILENT_S, Resting

AWAKE = dict.fromkeys("abcd", 0.0)


def hall(**changes: object) -> Plan:
    """A hall 30 m long with the door at its left end, and a camera over either end, which see 5 m around them."""
    shop = plan("ab").model_dump(mode="json")
    shop["floor"] = {"polygon": [[0, 0], [30, 0], [30, 5], [0, 5]]}
    for view, x in zip(shop["cameras"], (3.0, 27.0), strict=True):
        view["pose"] = {"position": [x, 2.5, 3.5], "look_at": [x + 0.01, 2.5, 0.0]}
    return Plan.model_validate(shop | changes)


def resting(shop: Plan) -> Resting:
    models = [CameraModel.of(view) for view in shop.cameras]
    return Resting(models, shop, Sight.of(shop, models))


def people(*xy: tuple[float, float], cameras: int = 2) -> FloorTracks:
    count = len(xy)
    mean = np.column_stack([np.array(xy, np.float64).reshape(-1, 2), np.zeros((count, 2)), np.full(count, 1.7)])
    variance = np.tile(np.eye(5) * 0.01, (count, 1, 1))
    seen = np.zeros((count, cameras), np.bool_)
    return FloorTracks.of(np.arange(1, count + 1), mean, variance, np.ones(count), seen)


def test_the_camera_that_sees_most_of_the_door_never_rests_and_others_do_in_an_empty_shop() -> None:
    rest = resting(hall())
    assert rest.guards == {"a"}  # killed: the farthest
    assert rest.cameras(people(), AWAKE) == {"b"}


@pytest.mark.parametrize(("x", "rests"), [(2.0, {"b"}), (15.0, {"b"}), (24.5, set()), (27.0, set())])
def test_a_camera_rests_while_nobody_is_near_what_it_sees(x: float, rests: set[str]) -> None:
    assert resting(hall()).cameras(people((x, 2.5)), AWAKE) == rests
    assert resting(hall()).cameras(people((x, 2.5), (2.0, 1.0)), AWAKE) == rests


def test_near_is_as_far_as_people_go_before_it_looks_again() -> None:
    shop = hall()
    rest, x = resting(shop), np.arange(10.0, 30.0, 0.25)
    awake = [at for at in x if not rest.cameras(people((at, 2.5)), AWAKE)]
    rig = Rig.of(tuple(CameraModel.of(view) for view in shop.cameras))
    shown = seen_share(rig, np.column_stack([x, np.full(len(x), 2.5), np.full(len(x), 1.7)]), hiding=False)[:, 1] > 0.1
    assert min(x[shown]) - min(awake) == pytest.approx(NEAR_M, abs=0.6)


def test_all_are_awake_while_a_guard_shows_nothing() -> None:
    rest = resting(hall())
    assert rest.cameras(people(), {"a": SILENT_S + 0.1, "b": 0.0}) == set()
    assert rest.cameras(people(), {"b": 0.0}) == set()  # killed: a guard that never showed anything
    assert rest.cameras(people(), {"a": SILENT_S - 0.1, "b": 60.0}) == {"b"}


@pytest.mark.parametrize(
    "changes",
    [
        {"gates": []},
        {"gates": [{"name": "door", "a": [14.5, 0], "b": [15.5, 0]}]},  # which no camera sees
        {"walls": [{"name": "screen", "a": [1.0, 0.6], "b": [5.0, 0.6]}]},  # which hides the door from both
    ],
)
def test_nobody_rests_where_people_may_come_unseen(changes: dict[str, object]) -> None:
    assert resting(hall(**changes)).cameras(people(), AWAKE) == set()


def test_a_follower_lets_cameras_rest_when_everybody_has_left() -> None:
    shop = plan()
    said: dict[str, list[bool]] = {view.camera: [] for view in shop.cameras}
    follower = FloorFollower(
        shop,
        shop.cameras,
        lambda events: None,
        store="shop",
        rest=lambda camera, rest: said[camera].append(rest),
        following=FloorFollowing(),
        clock=lambda: 0.0,
    )
    away = np.full((round(15 * RATE), 2), np.nan)
    models = {view.camera: CameraModel.of(view) for view in shop.cameras}
    for each in looks(models, [np.concatenate([VISIT, away])]):
        follower.take(each)
    guards = {name for name, rests in said.items() if not any(rests)}
    assert len(guards) == 1
    for name in set(said) - guards:
        inside = said[name][round(RATE) : len(VISIT) - round(RATE)]
        assert not any(inside)  # killed: a camera that rests while somebody walks before it
        assert said[name][-1]
