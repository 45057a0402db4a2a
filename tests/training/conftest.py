from pathlib import Path

import numpy as np
import pytest

from datasets.formats.mot import MotBoxes, write_mot


@pytest.fixture(scope="session")
def shared_data():
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the footage for measuring is not beside the checkout (../shared/data)")
    return folder


def walkers(people, frames, seed, classes=False):
    """Truth of people who walk straight through a picture of 640x480, each with a class if asked."""
    rng = np.random.default_rng(seed)
    start, step = rng.uniform([0, 50], [600, 350], (people, 2)), rng.normal(0, 3, (people, 2))
    rows = []
    for frame in range(1, frames + 1):
        xy = start + step * frame
        size = np.tile([30.0, 80.0], (people, 1))
        ids = np.arange(1, people + 1)
        rows.append(np.column_stack([np.full(people, frame), ids, xy, size, np.ones(people)]))
    table = np.concatenate(rows).round(2)
    category = None
    if classes:
        by_person = np.array([1, 1, 1, 7, 8, 2, 12, 9, 1, 1])
        category = by_person[(table[:, 1].astype(int) - 1) % len(by_person)]
        table[:, 6] = np.where(category == 1, rng.random(len(table)) > 0.1, 0)
    return MotBoxes.from_rows(table, category)


def followed(truth, seed):
    """What a poor tracker makes of truth: noise, misses, ids that change, boxes on nobody."""
    rng = np.random.default_rng(seed)
    kept = np.flatnonzero(rng.random(len(truth)) > 0.15)
    size = truth.xyxy[kept, 2:] - truth.xyxy[kept, :2] + rng.normal(0, 3, (len(kept), 2))
    xy = truth.xyxy[kept, :2] + rng.normal(0, 4, (len(kept), 2))
    ids = truth.id[kept] * 100 + truth.frame[kept] // 17
    frame = truth.frame[kept]
    table = np.column_stack([frame, ids, xy, size, np.ones(len(kept))])
    n = truth.last_frame
    nobody = np.column_stack(
        [np.arange(1, n + 1), np.full(n, 99_999), rng.uniform(0, 400, (n, 2)), np.full((n, 2), 60.0), np.ones(n)]
    )
    return MotBoxes.from_rows(np.concatenate([table, nobody]).round(2))


@pytest.fixture
def make_truth():
    return walkers


@pytest.fixture
def make_results():
    return followed


@pytest.fixture
def sequence(tmp_path):
    """A folder with truth and detections of 6 people over 60 frames, and its seqinfo.ini."""
    truth = walkers(6, 60, seed=4)
    rng = np.random.default_rng(5)
    seen = truth[rng.random(len(truth)) > 0.05]
    noisy = MotBoxes(
        seen.frame, np.full(len(seen), -1), seen.xyxy + rng.normal(0, 1, (len(seen), 4)), np.full(len(seen), 0.9)
    )
    write_mot(tmp_path / "gt.txt", truth)
    write_mot(tmp_path / "det.txt", noisy)
    (tmp_path / "seqinfo.ini").write_text(
        "[Sequence]\nname=made\nframeRate=25\nseqLength=60\nimWidth=640\nimHeight=480\n"
    )
    return tmp_path
