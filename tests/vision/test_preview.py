from __future__ import annotations

import numpy as np
import pytest

from cameras.frame import Frame
from models.boxes import Boxes
from vision.blur import PictureBlur
from vision.preview import Background


class NoFaces:
    def detect(self, image):
        return Boxes.empty()


def picture(image, time_s):
    return PictureBlur(NoFaces()).blur(Frame("door", 0, time_s, image), np.zeros((0, 4), np.float32))


def place(height=90, width=160):
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def walk(background, duration_s, rate=10):
    """Somebody crosses the place once, in ``duration_s``."""
    kept = []
    for i in range(round(duration_s * rate)):
        image = place()
        x = round(160 * i / (duration_s * rate))
        image[20:80, x : x + 20] = 255
        if background.update(picture(image, 1000 + i / rate)):
            kept.append(i / rate)
    return kept


@pytest.mark.parametrize("duration_s", [4.0, 60.0])
def test_people_who_move_are_not_in_it(duration_s):
    background = Background()
    assert background.picture() is None
    walk(background, duration_s)
    shown = background.picture()
    assert np.array_equal(shown.image, place())
    assert (shown.camera, shown.size) == ("door", (160, 90))


def test_a_few_samples_span_all_of_the_footage():
    background = Background(samples=9, every_s=0.4)
    kept = walk(background, 60.0)
    assert len(background) <= 9
    assert kept[:5] == [0.0, 0.4, 0.8, 1.2, 1.6]
    assert min(np.diff(kept)[-3:]) >= 6.4
    assert kept[-1] > 45
    # Somebody who stands still for the first quarter of the time is not taken for a part of the place.
    background.reset()
    assert (len(background), background.picture()) == (0, None)
    for i in range(600):
        image = place()
        if i < 150:
            image[20:80, 60:80] = 255
        background.update(picture(image, i / 10))
    assert np.array_equal(background.picture().image, place())


def test_beyond_the_longest_distance_it_follows_the_light():
    background = Background(samples=3, every_s=1.0, longest_s=4.0)
    for i in range(100):
        background.update(picture(np.full((9, 16, 3), i, np.uint8), float(i)))
    assert len(background) == 3
    assert background.picture().image.min() >= 85


def test_another_size_or_an_earlier_time_begins_anew():
    background = Background()
    for i in range(3):
        background.update(picture(place(), float(i)))
    assert background.update(picture(place(60, 80), 3.0))
    assert (len(background), background.picture().size) == (1, (80, 60))
    assert background.update(picture(place(60, 80), 1.0))
    assert len(background) == 1


def test_it_is_written_whole_in_place_of_the_old_one(tmp_path):
    import cv2

    path = tmp_path / "previews" / "door.jpg"
    background = Background()
    assert background.write(path) is False
    assert not path.parent.exists()
    smooth = np.tile(np.arange(160, dtype=np.uint8)[None, :, None], (90, 1, 3))
    background.update(picture(smooth, 0.0))
    for _ in range(2):
        assert background.write(path) is True
        assert np.abs(cv2.imread(str(path)).astype(int) - smooth).max() < 8
    assert [file.name for file in path.parent.iterdir()] == ["door.jpg"]
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match=r"door\.jpg"):
        background.write(path)
    assert [file.name for file in path.parent.iterdir()] == ["door.jpg"]


def test_a_background_of_one_sample_is_refused():
    with pytest.raises(ValueError, match="got 1"):
        Background(samples=1)


def test_it_says_beforehand_what_it_would_keep():
    asked, plain = Background(), Background()
    for i in range(300):
        time_s = 1000 + i / 10
        due = asked.due(time_s)
        kept = plain.update(picture(place(), time_s))
        assert due is kept
        if due:
            asked.update(picture(place(), time_s))
    assert asked.due(500.0), "footage that begins anew is wanted"
