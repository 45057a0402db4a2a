"""What would strike an onlooker, in every family: people, hands, feet, packages and baskets keep out of one another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pytest

from datasets.simulation.furnishing.props import prop_mesh
from datasets.simulation.motion import Poser
from datasets.simulation.scenario import families
from datasets.simulation.scene import Scene
from store.layout import BOARD_M, PANEL_M, shelf_frame

HZ = 10.0
FEET_HZ = 25.0
MIDDLE_M = 0.01  # so deep in a board, which is three times as thick, or a panel is within it
SMALL = [name for name in families() if not name.startswith("crowd")]
CASES = [(name, n % 2) for n, name in enumerate(SMALL)] + [("crowd_8", 0)]
CUBE = np.array([[x, y, z] for x in (-0.5, 0.0, 0.5) for y in (-0.5, 0.0, 0.5) for z in (0.0, 0.5, 1.0)])
UNIT = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])


@dataclass(frozen=True)
class Boxes:
    """Upright boxes: middles (n, 3), axes (n, 3, 3) in rows, half their sizes (n, 3)."""

    middle: np.ndarray
    axes: np.ndarray
    half: np.ndarray

    def depth(self, points):
        """How far each of points (..., 3) is inside of a box, 0 outside."""
        local = np.einsum("bij,...bj->...bi", self.axes, points[..., None, :] - self.middle)
        return np.maximum((self.half - np.abs(local)).min(axis=-1), 0.0).max(axis=-1)

    def depth_of(self, poses, corners):
        """How far upright boxes with ``corners`` (k, 3) at ``poses`` (n, 4, 4) are over the floor of boxes of their
        own height.
        """
        placed = poses[:, None, :3, :3] @ corners[None, :, :, None]
        placed = placed[..., 0] + poses[:, None, :3, 3]
        local = np.einsum("bij,nkbj->nkbi", self.axes, placed[:, :, None] - self.middle)[..., :2]
        over = (self.half[:, :2] - np.abs(local)).min(axis=-1).max(axis=1)
        low, high = placed[..., 2].min(axis=1), placed[..., 2].max(axis=1)
        meets = (low[:, None] < (self.middle + self.half)[:, 2]) & (high[:, None] > (self.middle - self.half)[:, 2])
        return np.where(meets, np.maximum(over, 0.0), 0.0).max(axis=1)


@dataclass(frozen=True, eq=False)
class People:
    """One actor in even steps of time: joints (n, bones, 3), palms (n, 2, 3)."""

    name: str
    skeleton: object
    time_s: np.ndarray
    joint: np.ndarray
    palm: np.ndarray


class Seen:
    """A timeline's people and packages at HZ."""

    def __init__(self, timeline):
        self.timeline = timeline
        self.scene = Scene(timeline)
        self.states = self.scene.states(np.arange(0.05, timeline.duration_s, 1.0 / HZ))
        self.size = {product.id: np.array(product.size_m) for product in timeline.catalogue.products}
        self.furniture = furniture(timeline.plan)

    def who(self, actor):
        return self.timeline.actors[actor].name

    @cached_property
    def people(self):
        """Of each who moves a hand or foot: name, joints and palms."""
        rows = {}
        for state in self.states:
            for k, actor in enumerate(state.actors):
                rows.setdefault(int(actor), []).append((state.time_s, state.joints[k], state.palms[k]))
        return [
            People(
                self.who(a), self.timeline.actors[a].character.skeleton, *(np.array(c) for c in zip(*r, strict=True))
            )
            for a, r in rows.items()
        ]

    @cached_property
    def packages(self):
        """Of all packages in hands, baskets and trolleys at all times: time, item, actor and pose."""
        times = np.concatenate([np.full(len(s.item_index), s.time_s) for s in self.states])
        columns = (np.concatenate([getattr(s, c) for s in self.states]) for c in ("item_index", "item_actor"))
        poses = np.concatenate([s.item_pose for s in self.states]).astype(np.float64)
        return (times, *columns, poses)

    def sizes(self, items):
        return np.array([self.size[self.timeline.moved[i].product] for i in items]).reshape(-1, 3)


def furniture(plan):
    """The boards and panels of a plan's furniture."""
    rows = []
    for fixture in plan.fixtures:
        for side in ("front", "back"):
            origin, along, normal = (np.array(v) for v in shelf_frame(fixture, side))
            axes = np.array([[*along, 0.0], [*normal, 0.0], [0.0, 0.0, 1.0]])
            middle = origin + along * fixture.length_m / 2
            for shelf in fixture.shelves:
                if shelf.side == side:
                    at = middle + normal * shelf.depth_m / 2
                    half = (fixture.length_m / 2, shelf.depth_m / 2, BOARD_M / 2)
                    rows.append(([*at, shelf.z_m - BOARD_M / 2], axes, half))
            if side == "front" and fixture.kind != "table":
                at = middle - normal * PANEL_M / 2
                half = (fixture.length_m / 2, PANEL_M / 2, fixture.height_m / 2)
                rows.append(([*at, fixture.height_m / 2], axes, half))
    return Boxes(*(np.array(column) for column in zip(*rows, strict=True)))


@pytest.fixture(scope="session")
def seen(played):
    known = {}

    def of(name, seed):
        if (name, seed) not in known:
            known[name, seed] = Seen(played(name, seed))
        return known[name, seed]

    return of


def listed(faults, limit=8):
    """Faults as (family, seed, time, who, how much), the worst of them."""
    worst = sorted(faults, key=lambda fault: -abs(fault[-1]))[:limit]
    return f"{len(faults)}: {[tuple(round(v, 3) if isinstance(v, float) else v for v in fault) for fault in worst]}"


@pytest.mark.parametrize(("name", "seed"), CASES)
class TestEverybody:
    def test_people_keep_apart_and_out_of_furniture(self, seen, name, seed):
        see = seen(name, seed)
        faults = []
        for state in see.states:
            gap = np.linalg.norm(state.xy[:, None] - state.xy[None], axis=-1)
            for a, b in zip(*np.nonzero(np.triu(gap < 0.5, 1)), strict=True):
                faults.append((state.time_s, see.who(state.actors[a]), see.who(state.actors[b]), float(gap[a, b])))
        places = np.concatenate([np.column_stack([s.xy, np.zeros(len(s.xy))]) for s in see.states])
        ground = Boxes(see.furniture.middle * [1, 1, 0], see.furniture.axes, np.maximum(see.furniture.half, [0, 0, 1]))
        inside = ground.depth(places)
        assert not faults, f"{name} {seed}: nearer than 0.5 m: {listed(faults)}"
        assert inside.max() == 0.0, f"{name} {seed}: somebody stands {inside.max():.2f} m in furniture"

    def test_arms_do_not_pass_through_boards(self, seen, name, seed):
        see = seen(name, seed)
        faults = []
        for person in see.people:
            for side, hand in enumerate("lr"):
                elbow, wrist = (person.joint[:, person.skeleton.index(f"{b}_{hand}")] for b in ("lowerarm", "hand"))
                share = np.linspace(0.0, 1.0, 6)[:, None]
                points = elbow[:, None] + share * (wrist - elbow)[:, None]
                points = np.concatenate([points, person.palm[:, side, None]], axis=1)
                depth = see.furniture.depth(points).max(axis=1)
                faults += [(person.time_s[n], person.name, hand, depth[n]) for n in np.flatnonzero(depth > MIDDLE_M)]
        assert not faults, f"{name} {seed}: arms in boards: {listed(faults)}"

    def test_feet_that_bear_weight_stand_still(self, seen, name, seed):
        see = seen(name, seed)
        faults = []
        for actor in see.timeline.actors:
            walk, skeleton = actor.performance.walk, actor.character.skeleton
            times = np.arange(walk.time_s[0], walk.time_s[-1], 1.0 / FEET_HZ)
            joints = Poser(actor.character, actor.performance).poses(times).joint
            for foot in "lr":
                ball = joints[:, skeleton.index(f"ball_{foot}")]
                low = ball[:, 2] < np.median(ball[:, 2]) + 0.002
                speed = np.linalg.norm(np.diff(ball[:, :2], axis=0), axis=1) * FEET_HZ
                slides = np.flatnonzero(low[1:] & low[:-1] & (speed > 0.3))
                faults += [(times[n], actor.name, foot, speed[n]) for n in slides]
                assert ball[:, 2].min() > 0.0, f"{name} {seed}: {actor.name}'s foot is under the floor"
        assert not faults, f"{name} {seed}: feet slide: {listed(faults)}"

    def test_palms_are_where_they_touch(self, seen, name, seed):
        see = seen(name, seed)
        faults = []
        for actor in see.timeline.actors:
            poser = Poser(actor.character, actor.performance)
            aimed = [gesture for gesture in actor.performance.gestures if gesture.target is not None]
            if not aimed:
                continue
            times = np.array([np.linspace(g.contact_s, g.release_s, 3) for g in aimed])
            palms = poser.poses(times.ravel()).palm.reshape(len(aimed), 3, 2, 3)
            for gesture, moments, palm in zip(aimed, times, palms, strict=True):
                off = np.linalg.norm(palm[:, gesture.hand] - np.array(gesture.target), axis=1).max()
                if off > 0.02:
                    faults.append((moments[0], actor.name, gesture.motion.value, gesture.target, off))
        assert not faults, f"{name} {seed}: palms beside their targets: {listed(faults)}"


@pytest.mark.parametrize(("name", "seed"), CASES)
class TestPackages:
    def test_they_move_like_things_in_hands_and_stay_above_the_floor(self, seen, name, seed):
        see = seen(name, seed)
        times, items, actors, poses = see.packages
        corners = (UNIT * see.sizes(items)[:, None]) @ np.swapaxes(poses[:, :3, :3], 1, 2) + poses[:, None, :3, 3]
        low = corners[..., 2].min(axis=1)
        under = np.flatnonzero(low < -0.01)
        faults = [(times[n], see.who(actors[n]), see.timeline.moved[items[n]].product, low[n]) for n in under]
        assert not faults, f"{name} {seed}: packages under the floor: {listed(faults)}"
        for item in np.unique(items):
            mine = np.flatnonzero(items == item)
            for n, after in pairwise(mine):
                speed = np.linalg.norm(poses[after, :3, 3] - poses[n, :3, 3]) / (times[after] - times[n])
                if times[after] - times[n] < 1.5 / HZ and speed > 3.6:
                    faults.append((times[n], see.who(actors[n]), see.timeline.moved[item].product, speed))
        assert not faults, f"{name} {seed}: packages jump: {listed(faults)}"

    def test_carried_ones_are_out_of_boards(self, seen, name, seed):
        see = seen(name, seed)
        times, items, actors, poses = see.packages
        size = see.sizes(items)
        points = CUBE * size[:, None]
        points = points @ np.swapaxes(poses[:, :3, :3], 1, 2) + poses[:, None, :3, 3]
        depth = np.concatenate([see.furniture.depth(part).max(axis=1) for part in np.array_split(points, 8)])
        faults = [
            (times[n], see.who(actors[n]), see.timeline.moved[items[n]].product, depth[n])
            for n in np.flatnonzero(depth > MIDDLE_M)
        ]
        assert not faults, f"{name} {seed}: packages in boards: {listed(faults)}"

    def test_standing_ones_rest_on_something(self, seen, name, seed):
        see = seen(name, seed)
        stays = [(i.product, s) for i in see.timeline.moved for s in i.stays if s.where in ("slot", "floor")]
        stock = {slot.id: slot.slot.product for slot in see.timeline.plan.slots()}
        versions = {see.scene.version(stay.start_s) for _, stay in stays} | {0}
        boards = np.array([shelf.z_m for fixture in see.timeline.plan.fixtures for shelf in fixture.shelves])
        assert set(see.timeline.stock) <= set(stock)
        for version in versions:
            standing = see.scene.standing(version)
            base = np.concatenate([pose[:, :3, 3] for pose in standing.values()]).astype(np.float64)
            size = np.concatenate([np.tile(see.size[id], (len(pose), 1)) for id, pose in standing.items()])
            on_board = np.abs(base[:, 2, None] - np.append(boards, 0.0)).min(axis=1) < 1e-4
            for n in np.flatnonzero(~on_board):
                near = np.linalg.norm(base[:, :2] - base[n, :2], axis=1) < 0.5 * size[n].max()
                under = near & (np.abs(base[:, 2] + size[:, 2] - base[n, 2]) < 1e-4)
                assert under.any(), f"{name} {seed}: version {version}: a package floats at {base[n].round(3)}"


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_baskets_and_trolleys_stay_out_of_furniture(seen, name, seed):
    see = seen(name, seed)
    faults = []
    for kind in {kind for state in see.states for kind in state.carrier_kind if kind.value in ("basket", "trolley")}:
        rows = [
            (state.time_s, see.who(actor), pose)
            for state in see.states
            for found, pose, actor in zip(state.carrier_kind, state.carrier_pose, state.carrier_actor, strict=True)
            if found is kind
        ]
        vertices = prop_mesh(kind).positions.astype(np.float64)
        if kind.value == "basket":
            vertices = vertices[vertices[:, 2] < -0.16]  # below its handle
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
        depth = see.furniture.depth_of(np.array([pose for _, _, pose in rows], np.float64), corners)
        faults += [(*rows[n][:2], kind.value, depth[n]) for n in np.flatnonzero(depth > 0.05)]
    assert not faults, f"{name} {seed}: in furniture: {listed(faults)}"
