"""A shop that is not sure of a take keeps a blurred clip of it, from the camera that sees the slot best."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from cameras.geometry import CameraModel
from models.boxes import Boxes
from store.events import Chance, ProductTaken
from store.evidence import EvidenceStore
from store.views import CameraView, Lens, Pose
from tests.vision.shop.corner import gtin, plan, slot
from tests.vision.shop.test_loop import T0, Recorded, Watching, opening
from vision.detections import Detections
from vision.evidence import LONGEST_PX, EvidenceWriter
from vision.shop.clips import HELD_S, ClipKeeper
from vision.shop.loop import ShopLoop
from vision.shop.sources import ShopCameras

SIZE = (1280, 720)


class NoFaces:
    def detect(self, image):
        return Boxes.empty()


class Nobody:
    def detect(self, images, min_confidence=0.1):
        return [Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)) for _ in images]


def cameras() -> tuple[CameraModel, CameraModel]:
    """Both look at the shelf from its front, the second one from twice as far."""
    return tuple(
        CameraModel.of(
            CameraView(
                camera=name,
                size=SIZE,
                lens=Lens(horizontal_view_deg=60.0),
                pose=Pose(position=(0.8, y, 1.6), look_at=(0.8, 0.0, 1.1)),
            )
        )
        for name, y in (("near", 2.0), ("far", 4.0))
    )


def taken(at_s: float, **more) -> ProductTaken:
    told = {"id": "t1", "track_id": "anna", "gtin": gtin("beans"), "slot": slot("beans"), "confidence": 0.6}
    return ProductTaken(store="s", time=at_s, **(told | more))


def keeper(folder) -> ClipKeeper:
    return ClipKeeper(plan(), cameras(), EvidenceWriter(EvidenceStore(folder), NoFaces()))


def watch(clips: ClipKeeper, told: list, seconds: int = 6):
    """A loop over two cameras; the events of ``told`` are told two seconds before the end."""
    sources = [Recorded(name, phase, 5 * seconds, size=SIZE) for name, phase in (("near", 0.0), ("far", 0.1))]
    for value, source in zip((60, 200), sources, strict=True):
        source.image[:] = value
    addresses, opens = opening(*sources)
    watching, sent = Watching(), []
    watching.told = [[] for _ in range(5 * (seconds - 2))] + [told]
    with ShopCameras(addresses, dict.fromkeys(addresses, 0.0), opens=opens) as shop:
        sizes = dict.fromkeys(addresses, SIZE)
        ShopLoop(shop, dict.fromkeys(addresses, 0.0), sizes, Nobody(), watching, sent.extend, clips=clips).run(
            threading.Event()
        )
    return [event for event in sent if isinstance(event, ProductTaken)]


def test_what_is_not_sure_has_a_clip_of_the_camera_that_sees_it_best(tmp_path):
    (event,) = watch(keeper(tmp_path), [taken(T0 + 2.5)])
    assert event.evidence == ("t1",)
    clip = EvidenceStore(tmp_path).clip("t1")
    assert {picture.camera for picture in clip.pictures} == {"near"}
    times = [picture.captured_at - T0 for picture in clip.pictures]
    assert times == sorted(times)
    assert times[0] == pytest.approx(0.5, abs=0.25)
    assert times[-1] == pytest.approx(4.0, abs=0.25)
    picture = cv2.imread(str(EvidenceStore(tmp_path).picture("t1", 0)))
    assert max(picture.shape) <= LONGEST_PX
    assert picture.mean() == pytest.approx(60, abs=3)
    x1, y1, x2, y2 = clip.pictures[0].focus
    assert 0 <= x1 < x2 <= picture.shape[1]
    assert 0 <= y1 < y2 <= picture.shape[0]


def test_who_or_what_may_be_unsure_and_what_is_sure_has_no_clip(tmp_path):
    who = (Chance(id="anna", probability=0.6), Chance(id="ben", probability=0.4))
    told = [taken(T0 + 3, id="sure", confidence=0.99), taken(T0 + 3, id="who", confidence=1.0, who=who)]
    assert [event.evidence for event in watch(keeper(tmp_path), told)] == [(), ("who",)]


def test_an_event_without_pictures_or_with_a_full_disk_is_told_all_the_same(tmp_path):
    (tmp_path / "file").write_text("no folder")
    late = taken(T0 - 100, id="late")
    assert watch(keeper(tmp_path / "file"), [taken(T0 + 3), late]) == [taken(T0 + 3), late]


def test_memory_is_bounded():
    clips = keeper(None)
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    nobody = {"near": Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))}
    for n in range(150):
        clips.add({"near": (T0 + n, image)}, nobody)
    held = clips._held["near"]
    assert [held[0].at_s, held[-1].at_s] == [T0 + 149 - HELD_S, T0 + 149]
