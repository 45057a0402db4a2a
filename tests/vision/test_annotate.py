from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.frame import Frame
from models.boxes import Boxes
from store.views import CameraView, Line, Zone
from vision.annotate import annotate
from vision.blur import PictureBlur
from vision.detections import Tracks
from vision.strokes import PALETTE, colour_of
from vision.trails import Trails


class NoFaces:
    def detect(self, image):
        return Boxes.empty()


def picture(width=640, height=480, grey=128):
    frame = Frame("door", 0, 5.0, np.full((height, width, 3), grey, np.uint8))
    return PictureBlur(NoFaces()).blur(frame, np.zeros((0, 4), np.float32))


def tracks(*rows):
    ids = np.array([row[0] for row in rows], np.int64)
    return Tracks(ids, np.array([row[1] for row in rows], np.float32).reshape(-1, 4), np.ones(len(ids), np.float32))


def changed(before, after):
    return (before.image != after.image).any(axis=2)


def has(image, colour):
    return (np.abs(image.astype(int) - np.array(colour)).max(axis=-1) <= 12).any()


def test_a_box_in_the_colour_of_its_id_with_a_label_above():
    before = picture()
    after = annotate(before, tracks((7, (200, 150, 260, 330))))
    assert (after.camera, after.captured_at) == ("door", 5.0)
    where = changed(before, after)
    assert has(after.image[240, 198:203], colour_of(7))
    assert has(after.image[240, 258:263], colour_of(7))
    assert has(after.image[328:333, 230], colour_of(7))
    assert where[136:149, 200:210].all()
    assert not where[160:320, 210:250].any()
    assert not where[:, :190].any()
    assert not where[:, 275:].any()
    assert not changed(before, picture()).any()


def test_neighbouring_ids_differ_in_colour_and_every_id_has_one():
    assert all(colour_of(i) != colour_of(j) for i in range(1, 50) for j in range(i + 1, i + len(PALETTE)))
    assert all(colour_of(i) == colour_of(i) for i in (0, 10**12))


@pytest.mark.parametrize("size", [(480, 270), (768, 576), (1920, 1080)])
def test_lines_and_text_grow_with_the_picture(size):
    width, height = size
    before = picture(width, height)
    after = annotate(before, tracks((3, (0.4 * width, 0.4 * height, 0.5 * width, 0.8 * height))))
    where = changed(before, after)
    edge = where[round(0.6 * height), : round(0.45 * width)].sum()
    label = where[: round(0.395 * height), round(0.405 * width)].sum()
    assert edge / height == pytest.approx(0.009, abs=0.003)
    assert 0.02 < label / height < 0.06
    assert label >= 10


def test_the_arrow_shows_the_side_of_in():
    before = picture()
    for a, b, side in (((320, 470), (320, 10), 1), ((320, 10), (320, 470), -1)):
        view = CameraView(camera="door", size=(640, 480), lines=(Line(name="Gate", a=a, b=b),))
        where = changed(before, annotate(before, Tracks.empty(), view=view))[200:280]
        towards, away = (where[:, 326:380], where[:, 260:314])[::side]
        assert towards.sum() > 50
        assert away.sum() == 0


def test_counts_and_people_appear_when_given():
    view = CameraView(
        camera="door",
        size=(640, 480),
        lines=(Line(name="Gate", a=(100, 20), b=(100, 400)),),
        zones=(Zone(name="Till", polygon=((300, 200), (500, 200), (500, 400), (300, 400))),),
    )
    empty = picture()
    plain = annotate(empty, Tracks.empty(), view=view)
    counted = annotate(empty, Tracks.empty(), view=view, counts={"Gate": (3, 4)}, present={"Till": 2})
    other = annotate(empty, Tracks.empty(), view=view, counts={"Gate": (3, 5)}, present={"Till": 2})
    assert changed(plain, counted)[:60, 100:400].any()
    assert changed(plain, counted)[190:230, 300:500].any()
    difference = np.argwhere(changed(counted, other))
    assert len(difference) > 0
    assert difference[:, 0].max() < 60


def test_zones_are_tinted_and_staff_zones_grey():
    square = ((300, 200), (500, 200), (500, 400), (300, 400))
    before = picture()
    shop = CameraView(camera="door", size=(640, 480), zones=(Zone(name="Till", polygon=square),))
    staff = CameraView(camera="door", size=(640, 480), zones=(Zone(name="Till", polygon=square, staff=True),))
    tinted = annotate(before, Tracks.empty(), view=shop).image[300, 400].astype(int)
    grey = annotate(before, Tracks.empty(), view=staff).image[300, 400].astype(int)
    assert tinted[0] - tinted[2] > 10
    assert 128 < grey[0] == grey[1] == grey[2] < 160
    assert (annotate(before, Tracks.empty(), view=shop).image[300, 520] == 128).all()


def test_a_view_of_another_size_is_scaled():
    before = picture(640, 480)
    small = CameraView(camera="door", size=(320, 240), lines=(Line(name="Gate", a=(80, 10), b=(80, 200)),))
    large = CameraView(camera="door", size=(640, 480), lines=(Line(name="Gate", a=(160, 20), b=(160, 400)),))
    assert np.array_equal(
        annotate(before, Tracks.empty(), view=small).image, annotate(before, Tracks.empty(), view=large).image
    )


def test_trails_fade_with_age_and_end_after_their_time():
    trails = Trails(seconds=2.0)
    for step in range(31):
        x = 100.0 + 10 * step
        trails.update(tracks((4, (x - 20, 100, x + 20, 300))), step * 0.1)
    points, fresh = trails.paths()[4]
    assert points[-1].tolist() == [400.0, 300.0]
    assert fresh[-1] == 1
    assert (np.diff(fresh) > 0).all()
    assert points[0, 0] == pytest.approx(200, abs=10)
    before = picture()
    drawn = annotate(before, Tracks.empty(), trails=trails).image.astype(int)
    strength = np.abs(drawn - 128).max(axis=(0, 2))
    assert strength[390] > strength[300] > strength[215] > 0
    assert strength[:180].max() == 0
    trails.update(Tracks.empty(), 4.0)
    assert list(trails.paths()) == [4]
    trails.update(Tracks.empty(), 5.1)
    assert trails.paths() == {}


def test_trails_begin_anew_when_time_goes_back():
    trails = Trails()
    trails.update(tracks((1, (0, 0, 10, 10))), 9.0)
    trails.update(tracks((2, (0, 0, 10, 10))), 1.0)
    assert list(trails.paths()) == [2]
    trails.reset()
    assert trails.paths() == {}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.tuples(st.integers(2, 200), st.integers(2, 200)),
    st.lists(st.tuples(st.integers(1, 10**9), st.tuples(*[st.floats(-500, 500)] * 4)), max_size=4),
    st.text(st.characters(min_codepoint=32, exclude_characters="\x7f"), min_size=1, max_size=64),
)
def test_anything_can_be_drawn_on_a_picture_of_any_size(size, people, name):
    view = CameraView(
        camera="door",
        size=size,
        lines=(Line(name=name, a=(-50, 3), b=(900, -40)),),
        zones=(Zone(name=name, polygon=((-9, -9), (400, -9), (1, 300))),),
    )
    trails = Trails()
    shown = tracks(*people)
    for step in range(2):
        trails.update(shown, float(step))
    after = annotate(picture(*size), shown, view=view, trails=trails, counts={name: (1, 2)}, present={name: 3})
    assert after.size == size
