import json

import numpy as np
import pytest

from cameras.geometry import CameraModel
from datasets.manifest import verify
from datasets.reach_clips import ANCHOR, FRAMES, SIDE_PX, read_clips, read_pictures
from datasets.simulation.reaching.deeds import anchors, deeds, nearest_slot, slot_middle
from datasets.simulation.reaching.film import Take, write_clips
from datasets.simulation.reaching.practice import practice
from datasets.simulation.reaching.views import SIDE_M, Sight, cut, free_camera
from datasets.simulation.render import RendererError
from datasets.simulation.scene import Scene
from store.events import ProductMisplaced, ProductReturned, ProductTaken
from store.plan import example_plan, load_plan


@pytest.fixture(scope="module")
def timeline(played):
    return played("put_back", 1)


def test_deeds_are_the_takes_and_returns_of_the_truth(timeline):
    kinds = {ProductTaken: "take", ProductReturned: "return", ProductMisplaced: "return"}
    events = [(kinds[type(e)], e.slot, round(e.time - timeline.start, 6)) for e in timeline.events if type(e) in kinds]
    assert [(deed.kind, deed.slot, round(deed.time_s, 6)) for deed in deeds(timeline)] == events
    assert len(events) == 5


def test_every_gesture_is_an_anchor_and_takes_know_their_slot(timeline):
    done = deeds(timeline)
    found = anchors(timeline, done, np.random.default_rng(0), idle=0.5)
    assert sum(anchor.what == "take" for anchor in found) == 3
    assert sum(anchor.what == "put" for anchor in found) == 2
    assert any(anchor.what == "idle" for anchor in found)
    slots = [(deed.kind == "take", deed.slot) for deed in done]
    assert [(a.what == "take", a.slot) for a in found if a.what in ("take", "put")] == slots
    times = {round(deed.time_s, 3) for deed in done}
    for anchor in found:
        if anchor.what in ("take", "put"):
            assert min(abs(anchor.time_s - time_s) for time_s in times) <= 0.1


def test_practice_depends_on_the_seed_alone_and_a_second_draw_puts_nothing_elsewhere():
    assert practice(5) == practice(5)
    assert practice(5) != practice(6)
    steps = [step for person in practice(5, draw=1).people for step in person.does]
    assert all(step.put is None or step.put.slot is None for step in steps)


def test_a_cut_view_shows_what_the_camera_shows_there():
    plan = load_plan(example_plan("nano"))
    slot = plan.slots()[0]
    point = slot_middle(slot)
    seen = 0
    for view in plan.cameras:
        camera = CameraModel.of(view)
        part = cut(camera, point, "part", view.camera)
        if part is None:
            continue
        seen += 1
        side = part.model.size[0]
        np.testing.assert_allclose(part.model.project(point), [side / 2, side / 2], atol=1e-6)
        near = point + np.array([0.05, 0.03, -0.04])
        scale = side / (camera.matrix[0, 0] / np.linalg.norm(camera.to_camera(point)) * SIDE_M)
        moved = part.model.project(near) - side / 2
        np.testing.assert_allclose(moved, (camera.project(near) - camera.project(point)) * scale, rtol=0.05, atol=0.1)
        assert 0 < part.elevation_deg < 90
    assert seen >= 2
    assert nearest_slot(plan.slots(), point) == slot.id


def test_free_cameras_hang_in_the_shop_and_look_at_the_hand():
    plan = load_plan(example_plan("nano"))
    rng = np.random.default_rng(0)
    slot = plan.slots()[0]
    point = slot_middle(slot) + 0.03 * np.array([*slot.normal, 0])
    found = [camera for _ in range(40) if (camera := free_camera(rng, plan, slot, point)) is not None]
    assert len(found) >= 10
    for camera in found:
        assert 0 < camera.position[2] < plan.floor.height_m
        assert cut(camera, point, "x", "free") is not None


def test_a_shelf_is_not_seen_from_behind_and_a_trunk_hides(timeline):
    sight = Sight(timeline)
    slot = next(slot for slot in timeline.plan.slots() if slot.corner[2] > 0.8)
    normal = np.array([*slot.normal, 0.0])
    point = slot_middle(slot) + 0.05 * normal
    assert sight.clear(point + 0.8 * normal + [0, 0, 0.4], point, slot.id)
    assert not sight.clear(point - 0.8 * normal + [0, 0, 0.4], point, slot.id)
    assert not sight.clear(point + 0.1 * normal + [0, 0, 2.0], slot_middle(slot) - 0.1 * normal, slot.id)

    walk = timeline.actors[0].performance.walk
    (state,) = Scene(timeline).states(np.array([float(walk.time_s[len(walk.time_s) // 2])]))
    skeleton = timeline.actors[0].character.skeleton
    hand = skeleton.index("hand_l")
    body = state.joints[list(state.actors).index(0)]
    away = body[skeleton.index("spine_02")] - body[hand]
    away[2] = 0
    away /= np.linalg.norm(away)
    assert not sight.seen(body[hand] + 2 * away, state, 0, hand)
    assert sight.seen(body[hand] - 2 * away, state, 0, hand)


def test_clips_are_filmed_once_and_hold_the_truth(tmp_path):
    take = Take("put_back", 1, views=1)
    said = []
    try:
        manifest = write_clips(tmp_path, [take], lambda name, done, total: said.append((name, done, total)))
    except RendererError as error:
        pytest.skip(f"no OpenGL here: {error}")
    clips = read_clips(tmp_path)
    assert manifest.counts["clips"] == len(clips) >= 4
    assert verify(tmp_path).counts == manifest.counts
    assert said[-1][1:] == (len({name.name.rpartition("-")[0] for name in clips}),) * 2 or said[-1][1] == said[-1][2]
    assert {"take", "put"} <= {clip.what for clip in clips}
    for clip in clips:
        pictures = read_pictures(tmp_path, clip)
        assert pictures.shape == (FRAMES, SIDE_PX, SIDE_PX, 3)
        assert pictures.std() > 10
        assert np.abs(pictures[0].astype(int) - pictures[ANCHOR]).mean() > 1
        assert clip.wrist[ANCHOR] == pytest.approx((SIDE_PX / 2, SIDE_PX / 2), abs=1)
        own = [deed for deed in clip.deeds if deed.own and abs(deed.time_s) <= 0.11]
        assert {deed.kind for deed in own} == {"take": {"take"}, "put": {"return"}}.get(clip.what, set())
    before = (tmp_path / "clips.jsonl").read_bytes()
    said.clear()
    write_clips(tmp_path, [take], lambda name, done, total: said.append((name, done, total)))
    assert said == []
    assert (tmp_path / "clips.jsonl").read_bytes() == before
    assert json.loads((tmp_path / "manifest.json").read_text())["made"]["left_out"] == {}
