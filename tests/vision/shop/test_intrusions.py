"""Something before a shelf, painted into what cameras see."""

import cv2
import numpy as np

from store.furniture import Fixture, Shelf, Slot
from store.layout import Floor, Plan
from tests.vision.floor.rooms import camera
from vision.detections import Detections
from vision.floor.tracks import FloorTracks
from vision.shop.intrusions import IntrusionFinder
from vision.shop.moment import SeenPicture, ShopMoment

SLOTS = tuple(Slot(product=f"p{n}", at_m=0.3 * n, width_m=0.3) for n in range(4))
WALL = Fixture(
    name="wall",
    xy=(0.0, 2.22),
    heading_deg=-90.0,
    length_m=1.2,
    depth_m=0.44,
    height_m=1.6,
    shelves=tuple(Shelf(z_m=z, depth_m=0.4, slots=SLOTS) for z in (0.5, 0.9, 1.3)),
)
PLAN = Plan(store="s", floor=Floor(polygon=((-4, -4), (4, -4), (4, 4), (-4, 4))), fixtures=(WALL,))
SIZE = (640, 360)
CAMERAS = tuple(
    camera(name, xyz, (0, 2, 0.9), focal=420.0, size=SIZE)
    for name, xyz in (("left", (-2.2, 0.6, 2.6)), ("right", (2.2, 0.6, 2.6)), ("behind", (0.1, -1.8, 2.6)))
)
RNG = np.random.default_rng(3)
EMPTY = {model.camera: RNG.integers(90, 110, (SIZE[1], SIZE[0], 3)).astype(np.uint8) for model in CAMERAS}
PERSON = (0.15, 1.56)


def painted(blobs, gone=()):
    """Pictures with upright cylinders (x, y, low, high, radius), and slots' packages (x, z) that are gone."""
    pictures = {}
    for model in CAMERAS:
        image = EMPTY[model.camera].copy()
        for x, z in gone:
            corners = model.project(np.array([[x + a, 2.02, z + b] for a in (-0.1, 0.1) for b in (0.02, 0.2)]))
            cv2.fillConvexPoly(image, cv2.convexHull(corners.astype(np.float32)).astype(int), (30, 30, 30))
        for x, y, low, high, radius in blobs:
            angle = np.arange(12) * np.pi / 6
            rim = np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
            points = np.concatenate([np.column_stack([rim, np.full(12, z)]) for z in (low, high)])
            hull = cv2.convexHull(model.project(points).astype(np.float32))
            cv2.fillConvexPoly(image, hull.astype(int), (200, 60, 60))
        pictures[model.camera] = image
    return pictures


BODY = (PERSON[0], PERSON[1], 0.0, 1.7, 0.2)


def arm(x, z):
    """A hand at the front of a shelf, and the arm behind it."""
    return [(x, 2.0 - 0.1 * n, z - 0.06, z + 0.06, 0.05) for n in range(6)]


def moment(time_s, pictures, people=((7, PERSON),)):
    n = len(people)
    tracks = FloorTracks(
        np.array([number for number, _ in people], np.int64),
        np.array([xy for _, xy in people], np.float64).reshape(n, 2),
        np.tile(np.eye(2) * 0.01, (n, 1, 1)),
        np.zeros((n, 2)),
        np.ones(n),
        np.ones((n, 3), np.bool_),
        np.full((n, 2, 3), np.nan),
    )
    seen = {name: SeenPicture(time_s, image, found(image), np.zeros(1, np.int64)) for name, image in pictures.items()}
    return ShopMoment(time_s, seen, tracks)


def found(image):
    """A detector that finds who is painted."""
    rows, columns = np.nonzero(image[..., 0] > 150)
    box = np.array([columns.min(), rows.min(), columns.max(), rows.max()]) if len(rows) else np.zeros(4)
    return Detections(box[None].astype(np.float32), np.ones(1, np.float32))


def played(acts, people=((7, PERSON),)):
    """``acts``: (seconds, pictures, in turn)."""
    finder, told, step = IntrusionFinder(PLAN, CAMERAS), [], 0
    for seconds, pictures in ((1.0, painted([])), *acts):
        for _ in range(round(seconds * 5)):
            told += finder.update(moment(10 + step / 5, pictures, people))
            step += 1
    return finder, told


def test_an_arm_at_a_slot_is_a_reach_into_it():
    _, told = played([(1.4, painted([BODY])), (0.8, painted([BODY, *arm(-0.15, 1.0)])), (1.6, painted([BODY]))])
    (reach,) = told
    assert next(iter(reach.slots)) == "wall/2/2"
    assert reach.slots["wall/2/2"] > 0.4
    assert sum(reach.slots.values()) <= 1
    assert reach.track_id == 7
    assert reach.hand == 0
    assert 12.2 <= reach.at_s <= 13.4
    assert set(reach.cameras) == {"left", "right", "behind"}


def test_a_body_before_a_shelf_is_no_reach():
    walking = [(0.2, painted([(x, 1.56, 0.0, 1.7, 0.2)])) for x in np.linspace(-0.6, 0.6, 12)]
    finder, told = played([*walking, (2.0, painted([BODY]))])
    assert told == finder.finish() == []


def test_what_is_gone_from_a_slot_is_not_a_hand_for_ever():
    taken = ((-0.15, 0.9),)
    acts = [
        (1.0, painted([BODY])),
        (0.8, painted([BODY, *arm(-0.15, 1.0)])),
        (3.0, painted([BODY], taken)),
        (0.8, painted([BODY, *arm(0.15, 1.4)], taken)),
        (2.0, painted([BODY], taken)),
    ]
    _, told = played(acts)
    assert [next(iter(reach.slots)) for reach in told] == ["wall/2/2", "wall/3/3"]
    assert told[1].slots.get("wall/2/2", 0) < 0.1


def test_a_reach_is_the_one_before_the_shelf_and_nobody_far_away():
    arm_in = [(1.0, painted([BODY])), (0.8, painted([BODY, *arm(-0.15, 1.0)])), (1.6, painted([BODY]))]
    _, told = played(arm_in, ((3, (1.1, 0.9)), (7, PERSON)))
    assert [reach.track_id for reach in told] == [7]
    _, told = played(arm_in, ((3, (0.0, -1.0)),))
    assert told == []


def test_what_goes_on_is_open_until_it_is_finished():
    finder, told = played([(1.0, painted([BODY])), (0.8, painted([BODY, *arm(-0.15, 1.0)]))])
    assert told == []
    assert [next(iter(reach.slots)) for reach in finder.open] == ["wall/2/2"]
    assert [next(iter(reach.slots)) for reach in finder.finish()] == ["wall/2/2"]
    assert finder.open == []
