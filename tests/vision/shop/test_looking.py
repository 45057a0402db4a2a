"""Pictures in which nothing moves are not looked at again: people are where they were."""

from __future__ import annotations

import cv2
import numpy as np

from models.boxes import Boxes
from vision.shop.looking import StillLooker


class Spots:
    """Finds one box around what is bright, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def find(self, keys, images):
        self.asked += list(keys)
        found = []
        for image in images:
            y, x = np.nonzero(image[..., 0] > 200)
            box = [[x.min(), y.min(), x.max() + 1, y.max() + 1]] if len(x) else np.zeros((0, 4))
            found.append(Boxes(np.array(box, np.float32), np.ones(len(box), np.float32)))
        return found


def room(x=None):
    image = np.full((180, 320, 3), 90, np.uint8)
    if x is not None:
        cv2.rectangle(image, (x, 60), (x + 19, 139), (250, 250, 250), -1)
    return image


def test_a_still_picture_is_not_looked_at_and_whoever_stood_there_still_does():
    spots = Spots()
    looker = StillLooker(spots.find)
    for step in range(30):
        moving = looker.find([("a", step / 5)], [room(20 + 4 * step)])[0]
        assert moving.xyxy[0, 0] == 20 + 4 * step  # killed: the last answer while something moves
    spots.asked.clear()
    answers = [looker.find([("a", 6 + step / 5)], [room(136)])[0] for step in range(30)]
    assert all(each.xyxy[0, 0] == 136 for each in answers)  # killed: nobody, where nobody looked
    # One second after the last movement, and one look in two seconds.
    assert 4 <= len(spots.asked) <= 10  # killed: every picture, or none
    assert (looker.looked, looker.still) == (30 + len(spots.asked), 30 - len(spots.asked))


def test_cameras_are_still_each_by_itself_and_answers_keep_their_order():
    spots = Spots()
    looker = StillLooker(spots.find)
    for step in range(20):
        keys = [("still", step / 5), ("busy", step / 5)]
        still, busy = looker.find(keys, [room(200), room(20 + 5 * step)])
        assert (still.xyxy[0, 0], busy.xyxy[0, 0]) == (200, 20 + 5 * step)  # killed: one gate for all, or mixed up
    assert sum(camera == "busy" for camera, _ in spots.asked) == 20
    assert sum(camera == "still" for camera, _ in spots.asked) < 12
    looker.reset()
    assert looker.find([("still", 4.0)], [room()])[0].xyxy.shape == (0, 4)  # killed: an answer of before the reset
