from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.boxes import Boxes
from store.evidence import EvidenceError, EvidenceStore
from vision.evidence import LONGEST_PX, EvidenceWriter, Shot
from vision.heads import head_regions

SIZE = (640, 360)
PERSON = (300.0, 60.0, 380.0, 340.0)


class NoFaces:
    def detect(self, image):
        return Boxes.empty()


class OneFace:
    """Finds one face, in pictures of the cameras' size alone."""

    def detect(self, image):
        if image.shape[:2] != (SIZE[1], SIZE[0]):
            return Boxes.empty()
        return Boxes(np.array([[100, 100, 130, 130]], np.float32), np.ones(1, np.float32))


def checked(seed: int = 0) -> np.ndarray:
    """A picture that is full of detail: cells of 4 pixels, which JPEG keeps."""
    cells = np.random.default_rng(seed).integers(0, 2, (SIZE[1] // 4, SIZE[0] // 4, 1), dtype=np.uint8) * 255
    return np.repeat(np.kron(cells[..., 0], np.ones((4, 4), np.uint8))[..., None], 3, axis=2)


def shot(at: float = 0.0, camera: str = "dairy", **more) -> Shot:
    return Shot(camera, at, checked(), np.array([PERSON], np.float32), **more)


def detail(image: np.ndarray) -> float:
    values = image.astype(np.float32)
    return float(np.abs(values - cv2.blur(values, (9, 9))).mean())


def test_every_head_is_blurred_in_the_files(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    writer = EvidenceWriter(store, OneFace())
    # The second picture's detector missed the person, who is remembered.
    missed = Shot("dairy", 0.4, checked())
    assert writer.keep("e", [shot(), missed]) == "e"
    head = head_regions(np.array([PERSON], np.float32), SIZE)[0]
    for number in (0, 1):
        kept = cv2.imread(str(tmp_path / "e" / f"{number}.jpg"))
        assert max(kept.shape[:2]) <= LONGEST_PX
        scale = kept.shape[1] / SIZE[0]
        for x1, y1, x2, y2 in (head, (100, 100, 130, 130)):
            x1, y1, x2, y2 = (round(side * scale) for side in (x1, max(y1, 0), x2, y2))
            assert detail(kept[y1 + 3 : y2 - 3, x1 + 3 : x2 - 3]) < 12
        assert detail(kept[round(250 * scale) :, : round(80 * scale)]) > 40, "elsewhere the picture is as it was"


def test_a_clip_shows_where_to_look(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    focus = (500.0, 200.0, 540.0, 240.0)
    EvidenceWriter(store, NoFaces()).keep(
        "e", [shot(focus=focus, marks={"anna": PERSON, "ben": (440.0, 100.0, 520.0, 360.0)})]
    )
    clip = store.clip("e")
    assert clip is not None
    (about,) = clip.pictures
    kept = cv2.imread(str(tmp_path / "e" / "0.jpg"))
    assert about.size == (kept.shape[1], kept.shape[0]) == (126, 126)
    assert about.focus == (43.0, 43.0, 83.0, 83.0)
    x1, y1, x2, y2 = (round(side) for side in about.focus)
    expected = checked()[200:240, 500:540].astype(np.float32)
    assert np.abs(kept[y1:y2, x1:x2].astype(np.float32) - expected).mean() < 20, "the focus is where it is said to be"
    assert [(one.track_id, one.xyxy) for one in about.people] == [("ben", (0.0, 0.0, 63.0, 126.0))], (
        "who is not in the cut picture is not marked"
    )


def test_a_focus_at_the_edge_is_cut_from_inside_the_picture(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    EvidenceWriter(store, NoFaces()).keep("e", [shot(focus=(600.0, 320.0, 660.0, 380.0))])
    (about,) = store.clip("e").pictures  # type: ignore[union-attr]
    assert about.size == (180, 180)
    assert about.focus == (140.0, 140.0, 180.0, 180.0)


def test_of_many_shots_some_are_kept_in_order(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    EvidenceWriter(store, NoFaces(), most=4).keep("e", [shot(float(at)) for at in (9, 1, 2, 3, 4, 5, 6, 7, 8, 0)])
    assert [each.captured_at for each in store.clip("e").pictures] == [0.0, 3.0, 6.0, 9.0]  # type: ignore[union-attr]


def test_nothing_is_kept_of_no_shot(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="got 0"):
        EvidenceWriter(EvidenceStore(tmp_path), NoFaces()).keep("e", [])
    assert list(tmp_path.iterdir()) == []
