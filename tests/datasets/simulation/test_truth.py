"""The truth of pictures drawn of families at any moment: what must agree whoever is seen, wherever, by any camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.geometry import CameraModel
from datasets.formats.coco import decode_mask
from datasets.simulation.characters import Character, Skeleton
from datasets.simulation.render.renderer import Renderer
from datasets.simulation.render.setting import shop_setting
from datasets.simulation.scene import Scene, SceneState
from datasets.simulation.truth.annotations import CameraTruth
from datasets.simulation.truth.pictures import VISIBLE, PictureTruth, PictureTruths

FAMILIES = ("hand_over", "two_hands", "crowd_8")
CAMERAS = ("door-in", "aisle-north-left", "over-west")
SIZE = (320, 180)
TOLERANCE = 3.0
MOMENTS = st.tuples(st.sampled_from(FAMILIES), st.sampled_from(CAMERAS), st.floats(0.05, 0.95))


@dataclass(frozen=True)
class Shown:
    """A picture with all that its truth is made from."""

    camera: CameraModel
    state: SceneState
    ids: np.ndarray
    truth: PictureTruth
    tracks: list[str]
    skeletons: list[Skeleton]
    characters: list[Character]

    def mesh_box(self, place: int) -> np.ndarray | None:
        """The box around every vertex of a body, by skinning of its own; None where some are beside the camera."""
        body = self.characters[place]
        rest = np.column_stack([body.positions, np.ones(len(body.positions))])
        each = np.einsum("nkij,nj->nki", self.state.matrices[place][body.bones], rest)
        points = (each * body.weights[..., None]).sum(axis=1).astype(float)
        if self.camera.to_camera(points)[:, 2].min() < 0.5:
            return None
        pixels = self.camera.project(points)
        return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])

    @property
    def people(self):
        """Of each person in the truth: its place there and in the state."""
        places = {actor: place for place, actor in enumerate(self.state.actors.tolist())}
        return [(n, places[actor]) for n, actor in enumerate(self.truth.actor.tolist())]

    def in_view(self):
        """The places in the state of those whose hips' joint is in the picture."""
        hips = [skeleton.index("pelvis") for skeleton in self.skeletons]
        at = self.camera.project(self.state.joints[np.arange(len(hips)), hips].reshape(-1, 3))
        return np.flatnonzero(((at >= 0) & (at < SIZE)).all(axis=1)).tolist()

    def pixels_of(self, metres: float, at: np.ndarray) -> float:
        """How many pixels a length at the shop's point ``at`` takes at most."""
        return float(self.camera.matrix[0, 0] * metres / max(self.camera.to_camera(at)[2], 0.3))


@pytest.fixture(scope="module")
def show(played):
    """Draws a family at a share of its duration; each family has one renderer."""
    known, setting = {}, None

    def of(name, camera, share):
        nonlocal setting
        if name not in known:
            timeline = played(name, 0)
            setting = setting or shop_setting(timeline.plan, timeline.catalogue, 0)
            scene = Scene(timeline)
            models = {view: CameraModel.of(timeline.plan.view(view), SIZE) for view in CAMERAS}
            renderer = Renderer(timeline, scene, list(models.values()), setting=setting)
            truths = PictureTruths([actor.character for actor in timeline.actors])
            known[name] = timeline, scene, models, renderer, truths
        timeline, scene, models, renderer, truths = known[name]
        (state,) = scene.states(np.array([share * timeline.duration_s]))
        ids = renderer.picture(camera, state, None, 0).ids
        tracks = [actor.track_id for actor in timeline.actors]
        characters = [timeline.actors[actor].character for actor in state.actors]
        skeletons = [character.skeleton for character in characters]
        return Shown(models[camera], state, ids, truths.of(models[camera], state, ids), tracks, skeletons, characters)

    yield of
    for _, _, _, renderer, _ in known.values():
        renderer.close()


def excess(box, point):
    """By how many pixels a point lies outside a box; 0 inside and for a point behind the camera."""
    if not np.isfinite(point).all():
        return 0.0
    return max(float(np.max([box[:2] - point, point - box[2:]])), 0.0)


@settings(max_examples=60)
@given(MOMENTS)
def test_floor_points_and_wrists_fall_in_the_boxes(show, moment):
    shown = show(*moment)
    state = shown.state
    assert {state.actors[place] for place in shown.in_view()} <= set(shown.truth.actor)
    for n, place in shown.people:
        box = shown.truth.full_xyxy[n]
        floor = np.append(state.xy[place], 0.0)
        np.testing.assert_array_equal(shown.truth.xy_m[n], state.xy[place])
        # The point between the feet is no part of the body: a lifted heel or a lean leaves it some cm in front.
        assert excess(box, shown.camera.project(floor)) <= shown.pixels_of(0.05, floor)
        skeleton = shown.skeletons[place]
        wrists = state.joints[place, [skeleton.index("hand_l"), skeleton.index("hand_r")]]
        # Wrists and palms lie within the hands, whose hulls the box is drawn around.
        for point in [*wrists, *state.palms[place]]:
            assert excess(box, shown.camera.project(point)) <= 0.5


@settings(max_examples=60)
@given(MOMENTS)
def test_masks_boxes_and_keypoints_agree(show, moment):
    shown = show(*moment)
    kept = CameraTruth(shown.camera.camera, SIZE, shown.tracks)
    kept.add(shown.truth, "a.mp4", 0.0, 0.0)
    seen = {person["track_id"]: person for person in kept.coco().annotations}
    covered = np.zeros(shown.ids.shape, int)
    for n, place in shown.people:
        track = shown.tracks[shown.truth.actor[n]]
        label = shown.ids == place + 1
        assert (track in seen) == label.any()
        if track not in seen:
            continue
        person = seen.pop(track)
        mask = decode_mask(person["segmentation"]) > 0
        np.testing.assert_array_equal(mask, label)
        covered += mask
        ys, xs = np.nonzero(mask)
        x, y, w, h = person["bbox"]
        assert (x, y, x + w, y + h) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        assert person["area"] == mask.sum()
        assert 0 < person["visible_share"] <= 1
        left, top, width, height = person["bbox_full"]
        visible, whole = np.array([x, y, x + w, y + h]), np.array([left, top, left + width, top + height])
        beyond = np.concatenate([whole[:2] - visible[:2], visible[2:] - whole[2:]])
        assert beyond.max() <= 0.02  # hundredths are rounded away
        mesh = shown.mesh_box(place)
        if mesh is not None:
            assert np.abs(np.array(shown.truth.full_xyxy[n]) - whole).max() <= 0.02
            assert np.abs(whole - mesh).max() <= TOLERANCE
        keypoints = np.reshape(person["keypoints"], (17, 3))
        for point in keypoints[keypoints[:, 2] == VISIBLE, :2]:
            # Seen is what shows within a pixel; a tenth is rounded away.
            assert excess(visible, point) <= 1.1
    assert not seen
    assert covered.max(initial=0) <= 1
    # Nobody is drawn of whom the truth knows nothing.
    people = shown.ids[(shown.ids > 0) & (shown.ids <= len(shown.state.actors))]
    assert covered.sum() == len(people)
