"""Bodies in motion: whatever people do, bones keep their length, feet stand, hands arrive and nothing jumps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets.simulation.characters import Skeleton
from datasets.simulation.motion import Poser, bone_matrices, can_reach, reach_times, standing_place
from datasets.simulation.motion.body import SkeletonError
from datasets.simulation.performance import (
    LEFT,
    RIGHT,
    Carrier,
    Gesture,
    Hold,
    Motion,
    Performance,
    Poses,
    Walk,
)

FEW = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SIZE = (0.1, 0.08, 0.2)
NORMAL = (0.0, -1.0)
HEADING = np.pi / 2  # of someone who looks at a shelf with that normal


def standing(xy: tuple[float, float] = (0.0, 0.0), heading: float = HEADING, seconds: float = 6.0) -> Walk:
    times = np.arange(0.0, seconds, 0.1)
    return Walk(times, np.tile(xy, (len(times), 1)), np.full(len(times), heading))


def straight(speed: float = 1.1, seconds: float = 4.0) -> Walk:
    times = np.arange(0.0, seconds + 2.0, 0.05)
    way = speed * np.clip(times - 1.0, 0.0, seconds)
    return Walk(times, np.stack([way, np.zeros_like(way)], axis=1), np.zeros_like(way))


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    """A person walks, stops and turns at random, as smoothly as people do."""
    pieces = draw(
        st.lists(
            st.tuples(st.floats(0.4, 2.0), st.sampled_from([0.0, 0.5, 0.9, 1.3]), st.floats(-1.8, 1.8)),
            min_size=1,
            max_size=4,
        )
    )
    rate = 20
    speed = np.concatenate([np.zeros(10), *[np.full(int(s * rate), v) for s, v, _ in pieces], np.zeros(20)])
    turning = np.concatenate([np.zeros(10), *[np.full(int(s * rate), w) for s, _, w in pieces], np.zeros(20)])
    soft = np.hanning(11) / np.hanning(11).sum()
    speed, turning = np.convolve(speed, soft, "same"), np.convolve(turning, soft, "same")
    heading = np.cumsum(turning) / rate
    steps = (speed / rate)[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    return Walk(np.arange(len(speed)) / rate, np.cumsum(steps, axis=0), heading)


def shelf_reach(
    skeleton: Skeleton, height: float, hand: int, inside: float = 0.0, motion: Motion = Motion.TAKE
) -> Performance:
    target = (0.3, 1.0, height)
    xy, heading = standing_place(skeleton, target, NORMAL, hand, inside)
    contact, release, end = reach_times(skeleton, target, motion)
    gesture = Gesture(motion, hand, 1.0, 1 + contact, 1 + release, 1 + end, target, NORMAL, inside)
    held = (1 + release, 9.0) if motion is Motion.TAKE else (-1.0, 1 + release)
    walk = standing((float(xy[0]), float(xy[1])), heading)
    return Performance(walk, (gesture,), (Hold(hand, *held, SIZE),))


def every(performance: Performance, rate: float = 100.0) -> np.ndarray:
    span = performance.walk.time_s
    return np.arange(span[0], span[-1], 1.0 / rate)


def assert_whole(skeleton: Skeleton, poses: Poses) -> None:
    """Bones keep their length and rotations are rotations."""
    eye = np.eye(3)
    product = poses.rotation @ np.swapaxes(poses.rotation, -1, -2)
    assert np.abs(product - eye).max() < 1e-9
    assert np.linalg.det(poses.rotation).min() > 0.99
    # The root is the body's place on the floor and no bone's end.
    bones = np.arange(skeleton.index("pelvis") + 1, len(skeleton.names))
    parents = skeleton.parents[bones]
    rest = np.linalg.norm(skeleton.heads[bones] - skeleton.heads[parents], axis=1)
    length = np.linalg.norm(poses.joint[:, bones] - poses.joint[:, parents], axis=2)
    assert np.abs(length - rest).max() < 1e-6


def joint(skeleton: Skeleton, poses: Poses, name: str) -> np.ndarray:
    return poses.joint[:, skeleton.index(name)]


def assert_calm(skeleton: Skeleton, poses: Poses, rate: float = 100.0) -> None:
    """No joint jumps between two samples."""
    speed = np.linalg.norm(np.diff(poses.joint, axis=0), axis=2) * rate
    for name in ("pelvis", "spine_03", "head"):
        assert speed[:, skeleton.index(name)].max() < 2.5
    for side in "lr":
        assert speed[:, skeleton.index(f"hand_{side}")].max() < 4.0
        assert speed[:, skeleton.index(f"lowerarm_{side}")].max() < 4.0
        assert speed[:, skeleton.index(f"foot_{side}")].max() < 6.5
    turn = np.einsum("tbij,tbij->tb", poses.rotation[1:], poses.rotation[:-1])
    assert np.arccos(np.clip((turn - 1) / 2, -1, 1)).max() * rate < 25.0


@FEW
@given(walk=walks())
def test_walkers_stay_whole_calm_and_above_the_floor(skeleton: Skeleton, walk: Walk) -> None:
    performance = Performance(walk)
    poses = Poser(skeleton, performance).poses(every(performance))
    assert_whole(skeleton, poses)
    assert_calm(skeleton, poses)
    for side in "lr":
        for name in (f"foot_{side}", f"ball_{side}"):
            bone = skeleton.index(name)
            tail = poses.joint[:, bone] + poses.rotation[:, bone] @ (skeleton.tails[bone] - skeleton.heads[bone])
            assert tail[:, 2].min() > skeleton.tails[bone][2] - 1e-3
            assert poses.joint[:, bone, 2].min() > skeleton.heads[bone][2] - 1e-3
        # The middle of the heel's edge is a quarter of the foot behind the ankle.
        foot = skeleton.index(f"foot_{side}")
        heel = poses.joint[:, foot] + poses.rotation[:, foot] @ np.array([0.0, -0.045, -skeleton.heads[foot][2]])
        assert heel[:, 2].min() > -2e-3


@FEW
@given(walk=walks())
def test_feet_stand_still_or_swing(skeleton: Skeleton, walk: Walk) -> None:
    performance = Performance(walk)
    poses = Poser(skeleton, performance).poses(every(performance))
    down = {}
    for side in "lr":
        bone = skeleton.index(f"ball_{side}")
        rest = skeleton.tails[bone] - skeleton.heads[bone]
        tip = poses.joint[:, bone] + poses.rotation[:, bone] @ rest
        # On the floor is where joint and tip of the toes are as low as at rest.
        on = (poses.joint[:, bone, 2] < skeleton.heads[bone][2] + 1e-4) & (tip[:, 2] < skeleton.tails[bone][2] + 1e-4)
        down[side] = on
        edges = np.flatnonzero(np.diff(np.r_[False, on, False]))
        for first, after in zip(edges[::2], edges[1::2], strict=True):
            if after - first < 5:
                continue
            stance = slice(first, after)
            assert np.ptp(poses.joint[stance, bone], axis=0).max() < 0.005
            assert np.ptp(tip[stance], axis=0).max() < 0.005
    # A walker never flies: most of the time some foot is flat, and the two never swing together for long.
    assert np.mean(down["l"] | down["r"]) > 0.85
    assert down["l"][0]
    assert down["r"][0]


def test_steps_follow_one_another_left_and_right_along_the_path(skeleton: Skeleton) -> None:
    performance = Performance(straight(1.2))
    poses = Poser(skeleton, performance).poses(every(performance))
    left, right = (joint(skeleton, poses, f"foot_{side}")[:, 0] for side in "lr")
    ahead = np.sign(np.where(np.abs(left - right) > 0.2, left - right, 0))
    changes = ahead[ahead != 0]
    count = np.count_nonzero(np.diff(changes)) + 1
    # 4.8 m at 1.2 m/s in steps of some 0.6 m.
    assert 6 <= count <= 11
    assert np.abs(left - right).max() < 0.85
    assert abs(left[-1] - right[-1]) < 0.02
    assert abs((left[-1] + right[-1]) / 2 - 4.8) < 0.05


def test_the_trunk_stays_above_the_feet(skeleton: Skeleton) -> None:
    performance = Performance(straight(1.1))
    poses = Poser(skeleton, performance).poses(every(performance))
    pelvis = joint(skeleton, poses, "pelvis")
    standing_height = pelvis[0, 2]
    assert 0.02 < np.ptp(pelvis[:, 2]) < 0.09
    assert pelvis[:, 2].max() < standing_height + 0.01
    walked = np.interp(every(performance), performance.walk.time_s, performance.walk.xy[:, 0])
    assert np.abs(pelvis[:, 0] - walked).max() < 0.08


def test_knees_bend_forward_and_elbows_back(skeleton: Skeleton) -> None:
    poses = Poser(skeleton, Performance(straight(1.1))).poses(np.arange(0, 6, 0.02))
    for side in "lr":
        hip, knee, ankle = (joint(skeleton, poses, f"{name}_{side}") for name in ("thigh", "calf", "foot"))
        assert (knee - (hip + ankle) / 2)[:, 0].min() > -0.01
        shoulder, elbow, wrist = (joint(skeleton, poses, f"{name}_{side}") for name in ("upperarm", "lowerarm", "hand"))
        assert (elbow - (shoulder + wrist) / 2)[:, 0].max() < 0.01


def test_arms_swing_against_the_legs(skeleton: Skeleton) -> None:
    poses = Poser(skeleton, Performance(straight(1.1))).poses(np.arange(1.8, 4.2, 0.01))
    feet = joint(skeleton, poses, "foot_r")[:, 0] - joint(skeleton, poses, "foot_l")[:, 0]
    hands = joint(skeleton, poses, "hand_r")[:, 0] - joint(skeleton, poses, "hand_l")[:, 0]
    assert np.corrcoef(feet, hands)[0, 1] < -0.9
    assert np.ptp(hands) > 0.3


@FEW
@given(height=st.floats(0.14, 1.9), hand=st.sampled_from([LEFT, RIGHT]), inside=st.sampled_from([0.0, 0.1]))
def test_hands_arrive_and_stay(skeleton: Skeleton, height: float, hand: int, inside: float) -> None:
    if can_reach(skeleton, (0.3, 1.0, height), NORMAL, hand=hand, inside_m=inside):
        assert inside > 0 or height > 1.85
        return
    performance = shelf_reach(skeleton, height, hand, inside)
    poser, gesture = Poser(skeleton, performance), performance.gestures[0]
    during = np.linspace(gesture.contact_s, gesture.release_s, 12)
    palm = poser.poses(during).palm[:, hand]
    assert gesture.target is not None
    assert np.abs(palm - gesture.target).max() < 0.015
    poses = poser.poses(every(performance))
    assert_whole(skeleton, poses)
    assert_calm(skeleton, poses)


@FEW
@given(
    height=st.floats(0.5, 1.5),
    hand=st.sampled_from([LEFT, RIGHT]),
    motion=st.sampled_from([Motion.TAKE, Motion.PUT, Motion.TOUCH]),
)
def test_hands_go_straight_in_and_out(skeleton: Skeleton, height: float, hand: int, motion: Motion) -> None:
    performance = shelf_reach(skeleton, height, hand, motion=motion)
    gesture = performance.gestures[0]
    assert gesture.target is not None
    times = np.arange(gesture.start_s, gesture.end_s, 0.01)
    palm = Poser(skeleton, performance).poses(times).palm[:, hand]
    off = np.hypot(palm[:, 0] - gesture.target[0], palm[:, 2] - gesture.target[2])
    near = palm[:, 1] > gesture.target[1] - 0.08
    assert near.any()
    assert off[near].max() < 0.02
    # It comes in before contact and is out again before the end.
    assert palm[0, 1] < gesture.target[1] - 0.12
    assert palm[-1, 1] < gesture.target[1] - 0.12


@pytest.mark.parametrize("hand", [LEFT, RIGHT])
@pytest.mark.parametrize("board", [0.35, 0.68, 1.01, 1.34])
def test_forearm_and_hand_stay_between_the_boards(skeleton: Skeleton, board: float, hand: int) -> None:
    clear, deep = 0.33, 0.2
    front = 1.0 - deep
    performance = shelf_reach(skeleton, board + 0.14, hand, inside=deep)
    assert can_reach(skeleton, (0.3, 1.0, board + 0.14), NORMAL, hand=hand, inside_m=deep) is None
    poses = Poser(skeleton, performance).poses(every(performance))
    side = "lr"[hand]
    elbow, wrist = joint(skeleton, poses, f"lowerarm_{side}"), joint(skeleton, poses, f"hand_{side}")
    knuckle = joint(skeleton, poses, f"middle_01_{side}")
    parts = np.concatenate(
        [elbow + s * (wrist - elbow) for s in np.linspace(0, 1, 20)]
        + [wrist + s * (knuckle - wrist) for s in np.linspace(0, 1, 8)]
    )
    inside = parts[parts[:, 1] > front]
    assert len(inside) > 100
    thick = 0.035
    assert (inside[:, 2] - thick).min() > board - 0.03
    assert (inside[:, 2] + thick).max() < board + clear + 0.03


@pytest.mark.parametrize("height", [0.14, 0.4, 0.9, 1.4, 1.85])
def test_the_body_stays_out_of_the_shelf(skeleton: Skeleton, height: float) -> None:
    performance = shelf_reach(skeleton, height, RIGHT)
    poses = Poser(skeleton, performance).poses(every(performance))
    for name, room in (("head", 0.02), ("pelvis", 0.2), ("spine_03", 0.1), ("upperarm_r", 0.0), ("calf_l", 0.0)):
        assert joint(skeleton, poses, name)[:, 1].max() < 1.0 - room, name


def test_low_targets_bend_the_knees_and_high_ones_raise_the_heels(skeleton: Skeleton) -> None:
    def at_contact(height: float) -> Poses:
        performance = shelf_reach(skeleton, height, RIGHT)
        return Poser(skeleton, performance).poses(np.array([performance.gestures[0].contact_s]))

    low, middle, high = at_contact(0.15), at_contact(1.2), at_contact(1.95)
    assert joint(skeleton, low, "pelvis")[0, 2] < joint(skeleton, middle, "pelvis")[0, 2] - 0.3
    assert joint(skeleton, high, "foot_l")[0, 2] > joint(skeleton, middle, "foot_l")[0, 2] + 0.02
    assert abs(joint(skeleton, middle, "pelvis")[0, 2] - 0.94) < 0.05


@pytest.mark.parametrize("height", [0.5, 1.2, 1.85])
def test_the_face_turns_to_what_the_hand_reaches_for(skeleton: Skeleton, height: float) -> None:
    performance = shelf_reach(skeleton, height, RIGHT)
    gesture = performance.gestures[0]
    poses = Poser(skeleton, performance).poses(np.array([gesture.contact_s]))
    face = poses.rotation[0, skeleton.index("head"), :, 1]
    way = np.array(gesture.target) - joint(skeleton, poses, "head")[0] - [0.0, 0.0, 0.1]
    assert face @ way / np.linalg.norm(way) > 0.8


def test_two_hands_at_once(skeleton: Skeleton) -> None:
    targets = ((0.15, 0.5, 1.1), (-0.15, 0.5, 1.15))
    gestures = tuple(
        Gesture(Motion.TAKE, hand, 1.0, 1.8, 2.2, 3.0, target, NORMAL)
        for hand, target in zip((RIGHT, LEFT), targets, strict=True)
    )
    palm = Poser(skeleton, Performance(standing(), gestures)).poses(np.array([1.8, 2.0, 2.2])).palm
    assert np.abs(palm[:, RIGHT] - targets[0]).max() < 0.015
    assert np.abs(palm[:, LEFT] - targets[1]).max() < 0.015


@pytest.mark.parametrize("carrier", list(Carrier))
@pytest.mark.parametrize("hand", [LEFT, RIGHT])
@pytest.mark.parametrize("motion", [Motion.BAG, Motion.POCKET, Motion.DROP, Motion.GIVE])
def test_every_gesture_with_every_carrier_is_calm(
    skeleton: Skeleton, carrier: Carrier, hand: int, motion: Motion
) -> None:
    walk = straight(1.0, 2.0)
    walk = Walk(
        np.r_[walk.time_s, walk.time_s[-1] + np.arange(1, 40) * 0.1],
        np.concatenate([walk.xy, np.tile(walk.xy[-1], (39, 1))]),
        np.r_[walk.heading, np.zeros(39)],
    )
    gesture = Gesture(motion, hand, 4.0, 5.0, 5.3, 6.3)
    performance = Performance(walk, (gesture,), (Hold(hand, -1.0, 5.3, SIZE),), carrier)
    poses = Poser(skeleton, performance).poses(every(performance))
    assert_whole(skeleton, poses)
    assert_calm(skeleton, poses)
    speed = np.linalg.norm(np.diff(poses.carrier[:, :3, 3], axis=0), axis=1) * 100
    assert speed.max() < 3.0


def test_a_dropped_item_is_put_on_the_floor_ahead(skeleton: Skeleton) -> None:
    performance = Performance(standing(heading=0.0), (Gesture(Motion.DROP, RIGHT, 1.0, 2.0, 2.2, 3.4),))
    palm = Poser(skeleton, performance).poses(np.array([2.0, 2.2])).palm[:, RIGHT]
    assert np.abs(palm[:, 0] - 0.35).max() < 0.03
    assert palm[:, 2].max() < 0.13


def test_held_items_are_upright_before_the_belly(skeleton: Skeleton) -> None:
    performance = Performance(standing(heading=0.0), (), (Hold(RIGHT, -5.0, 20.0, SIZE),))
    poses = Poser(skeleton, performance).poses(np.linspace(0, 5, 40))
    palm, axes = poses.palm[:, RIGHT], poses.palm_rotation[:, RIGHT]
    assert np.abs(axes[:, :, 2] - [0, 0, 1]).max() < 1e-9
    assert (axes[:, :, 1] @ [1, 0, 0]).min() > 0.95
    assert np.abs(palm[:, 2] - 0.62 * 1.75).max() < 0.05
    assert palm[:, 0].min() > 0.2
    assert np.abs(palm[:, 1]).max() < 0.25


def test_items_face_the_shelf_while_the_hand_is_there(skeleton: Skeleton) -> None:
    performance = shelf_reach(skeleton, 1.2, RIGHT)
    gesture = performance.gestures[0]
    axes = Poser(skeleton, performance).poses(np.array([gesture.contact_s, gesture.release_s])).palm_rotation[:, RIGHT]
    assert np.abs(axes - np.eye(3)).max() < 1e-6


def test_fingers_close_on_what_they_hold(skeleton: Skeleton) -> None:
    open_hand = Poser(skeleton, Performance(standing())).poses(np.array([1.0]))
    fist = Poser(skeleton, Performance(standing(), (), (Hold(RIGHT, -1, 9, SIZE),))).poses(np.array([1.0]))

    def span(poses: Poses) -> float:
        tip, wrist = joint(skeleton, poses, "middle_03_r"), joint(skeleton, poses, "hand_r")
        return float(np.linalg.norm(tip - wrist))

    assert span(fist) < span(open_hand) - 0.005


def test_a_trolley_goes_ahead_and_waits_beside_the_shelf(skeleton: Skeleton) -> None:
    times = np.arange(0.0, 9.0, 0.05)
    way = np.clip(times - 1.0, 0.0, 3.0)
    heading = np.clip((times - 5.0) * 2.0, 0.0, np.pi / 2)
    walk = Walk(times, np.stack([way, np.zeros_like(way)], axis=1), heading)
    poses = Poser(skeleton, Performance(walk, carrier=Carrier.TROLLEY)).poses(np.array([2.5, 8.0]))
    assert np.abs(poses.carrier[0, :3, 3] - [1.5 + 0.45, 0.0, 0.0]).max() < 0.05
    handle = poses.carrier[0, :3, 3] + [0, 0, 0.95]
    for hand in (LEFT, RIGHT):
        off = poses.palm[0, hand] - handle
        assert abs(off[0]) < 0.05
        assert abs(off[2]) < 0.06
    # The walker has turned left; the trolley still looks along the aisle.
    assert np.abs(poses.carrier[1, :3, 3] - [3.45, 0.0, 0.0]).max() < 0.05
    assert np.abs(poses.carrier[1, :3, 1] - [1, 0, 0]).max() < 0.05


@pytest.mark.parametrize("shelf", [1, -1])
def test_a_trolley_comes_about_behind_the_walker(skeleton: Skeleton, shelf: int) -> None:
    times = np.arange(0.0, 9.0, 0.05)
    # Faces a shelf on one side, then turns on and walks back along the aisle.
    heading = shelf * (np.clip(times, 0.0, np.pi / 2) + np.clip((times - 4.0) * 2.0, 0.0, np.pi / 2))
    way = -np.clip(times - 5.0, 0.0, 3.0) + np.clip(times * 2, 0, 1)
    walk = Walk(times, np.stack([way, np.zeros_like(way)], axis=1), heading)
    poses = Poser(skeleton, Performance(walk, carrier=Carrier.TROLLEY)).poses(np.arange(4.0, 8.9, 0.02))
    assert (shelf * poses.carrier[:, 1, 3]).max() < 0.25
    assert np.abs(poses.carrier[-1, :3, 1] - [-1, 0, 0]).max() < 0.05
    assert np.linalg.norm(poses.palm[-1, RIGHT, :2] - poses.carrier[-1, :2, 3]) < 0.25


@pytest.mark.parametrize("come_from", [-2.5, 2.5])
def test_a_trolley_is_left_beside_the_walker_where_there_is_room(skeleton: Skeleton, come_from: float) -> None:
    times = np.arange(0.0, 12.0, 0.05)
    # Along the shelf, then a quarter turn and on to it.
    along = come_from * (1.0 - np.clip((times - 0.5) / 2.5, 0.0, 1.0))
    up = 0.6 * np.clip((times - 3.5) / 1.0, 0.0, 1.0)
    first = 0.0 if come_from < 0 else np.pi
    heading = first + (np.pi / 2 - first) * np.clip((times - 2.8) / 0.9, 0.0, 1.0)
    gesture = Gesture(Motion.TAKE, RIGHT, 6.0, 6.8, 7.1, 8.0, (0.1, 1.1, 1.2), NORMAL)
    walk = Walk(times, np.stack([along, up], axis=1), heading)
    beyond = -np.sign(come_from)  # where other furniture leaves no room
    corner = tuple((float(beyond * x), y) for x, y in ((0.8, -0.4), (1.6, -0.4), (1.6, 1.5), (0.8, 1.5)))
    performance = Performance(walk, (gesture,), (), Carrier.TROLLEY, (corner,))
    poses = Poser(skeleton, performance).poses(np.array([6.0, 7.0, 8.0]))
    front = poses.carrier[:, :3, 3] + poses.carrier[:, :3, :3] @ [0.0, 0.55, 0.0]
    assert front[:, 1].max() < 1.0
    assert (np.sign(front[:, 0]) == np.sign(come_from)).all()
    assert np.abs(poses.palm[1, RIGHT] - gesture.target).max() < 0.015


def test_a_basket_hangs_from_the_left_hand_or_the_elbow(skeleton: Skeleton) -> None:
    walk = standing()
    idle = Poser(skeleton, Performance(walk, carrier=Carrier.BASKET)).poses(np.array([2.0]))
    busy = Poser(skeleton, Performance(walk, (), (Hold(LEFT, -2, 9, SIZE),), Carrier.BASKET)).poses(np.array([2.0]))
    assert np.abs(idle.carrier[0, :3, 3] - idle.palm[0, LEFT]).max() < 1e-6
    elbow = joint(skeleton, busy, "lowerarm_l")[0]
    assert np.linalg.norm(busy.carrier[0, :3, 3] - elbow) < 0.12
    assert np.abs(busy.carrier[0, :3, 2] - [0, 0, 1]).max() < 1e-9


@FEW
@given(walk=walks(), seed=st.integers(0, 99))
def test_poses_depend_on_the_time_alone(skeleton: Skeleton, walk: Walk, seed: int) -> None:
    rng = np.random.default_rng(seed)
    end = float(walk.time_s[-1])
    gesture = Gesture(Motion.BAG, RIGHT, 0.3 * end, 0.5 * end, 0.55 * end, 0.8 * end)
    performance = Performance(walk, (gesture,), (Hold(RIGHT, 0.0, 0.55 * end, SIZE),), Carrier.BASKET)
    times = rng.uniform(-1.0, end + 1.0, 30)
    poser = Poser(skeleton, performance)
    together = poser.poses(times)
    order = rng.permutation(30)
    again = Poser(skeleton, performance).poses(times[order])
    for n, time in enumerate(times[:5]):
        alone = poser.poses(np.array([time]))
        assert np.allclose(alone.joint[0], together.joint[n], atol=1e-9)
        assert np.allclose(alone.rotation[0], together.rotation[n], atol=1e-9)
    assert np.allclose(again.joint, together.joint[order], atol=1e-9)
    assert np.allclose(again.carrier, together.carrier[order], atol=1e-9)


def test_outside_the_walk_a_person_stands_as_at_its_ends(skeleton: Skeleton) -> None:
    performance = Performance(straight())
    end = performance.walk.time_s[-1]
    poses = Poser(skeleton, performance).poses(np.array([-5.0, 0.0, end, end + 50.0]))
    assert np.array_equal(poses.joint[0], poses.joint[1])
    assert np.array_equal(poses.joint[2], poses.joint[3])


def test_bone_matrices_take_rest_joints_to_posed_joints(skeleton: Skeleton) -> None:
    poses = Poser(skeleton, Performance(straight())).poses(np.linspace(0, 5, 7))
    matrices = bone_matrices(skeleton, poses)
    assert matrices.shape == (7, 53, 3, 4)
    assert matrices.dtype == np.float32
    rest = np.concatenate([skeleton.heads, np.ones((53, 1))], axis=1)
    assert np.allclose(np.einsum("tbij,bj->tbi", matrices, rest), poses.joint, atol=1e-4)


@pytest.mark.parametrize("hand", [LEFT, RIGHT])
@pytest.mark.parametrize("normal", [(0.0, -1.0), (1.0, 0.0), (-0.6, 0.8)])
def test_one_stands_before_the_shelf_and_looks_at_it(
    skeleton: Skeleton, hand: int, normal: tuple[float, float]
) -> None:
    xy, heading = standing_place(skeleton, (2.0, 3.0, 1.1), normal, hand)
    way = np.array([2.0, 3.0]) - xy
    assert 0.28 <= -way @ normal <= 0.62
    ahead = np.array([np.cos(heading), np.sin(heading)])
    assert ahead @ normal < -0.999
    right = np.array([ahead[1], -ahead[0]])
    # The working shoulder, not the middle, stands before the target.
    assert (way @ right > 0.05) == (hand == RIGHT)


def test_what_is_out_of_reach_is_said_why(skeleton: Skeleton) -> None:
    assert can_reach(skeleton, (0, 1, 1.2), NORMAL) is None
    assert "too high" in str(can_reach(skeleton, (0, 1, 2.6), NORMAL))
    assert "too far" in str(can_reach(skeleton, (0, 1, 1.2), NORMAL, distance=1.6))
    assert can_reach(skeleton, (0, 1, 0.13), NORMAL) is None


def test_hurry_and_height_change_how_long_it_takes(skeleton: Skeleton) -> None:
    chest = reach_times(skeleton, (0, 1, 1.2), Motion.TAKE)
    low = reach_times(skeleton, (0, 1, 0.2), Motion.TAKE)
    fast = reach_times(skeleton, (0, 1, 1.2), Motion.TAKE, hurry=0.5)
    assert 0.6 < chest[0] < 0.85
    assert chest[0] < chest[1] < chest[2]
    assert low[0] > chest[0] + 0.3
    assert np.allclose(fast, np.array(chest) / 2)


def test_a_walk_or_skeleton_that_makes_no_sense_is_refused(skeleton: Skeleton) -> None:
    walk = standing()
    with pytest.raises(ValueError, match="must rise"):
        Poser(skeleton, Performance(Walk(walk.time_s[::-1], walk.xy, walk.heading)))
    with pytest.raises(ValueError, match="as many points"):
        Poser(skeleton, Performance(Walk(walk.time_s, walk.xy[:3], walk.heading)))
    short = Skeleton(skeleton.names[:-20], skeleton.parents[:-20], skeleton.heads[:-20], skeleton.tails[:-20])
    with pytest.raises(SkeletonError, match="upperarm_r"):
        Poser(short, Performance(walk))
