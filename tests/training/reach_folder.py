"""A folder of reach clips drawn by hand: a square that is taken, put back or left alone."""

import json

import numpy as np

from datasets.manifest import Manifest, entries, write_manifest
from datasets.reach_clips import ANCHOR, FRAMES, PERIOD_S, SIDE_PX, ClipDeed, ReachClip, write_lines, write_pictures
from models.reach import SIDE_PX as MODEL_PX

MIDDLE = slice(MODEL_PX // 2 - 5, MODEL_PX // 2 + 5)
TIMES = (np.arange(FRAMES) - ANCHOR) * PERIOD_S


def clip(number, kind, seed=1, *, offset=0.05):
    """A clip with one deed of ``kind`` near its moment, or none."""
    deeds = () if kind is None else (ClipDeed(kind, offset, True, "shelf/1/1"),)
    return ReachClip(
        name=f"nano-drawn-{seed:04d}-{number:03d}-0",
        family="drawn",
        seed=seed,
        store="nano",
        what={"take": "take", "return": "put", None: "idle"}[kind],
        source="free" if number % 2 else "door-in",
        elevation_deg=20.0 + 60 * (number % 2),
        height_m=1.0,
        people=1 + number % 2,
        light=1.0,
        wrist=tuple((64.0 + 40 * abs(t), 64.0) for t in TIMES),
        seen=(True,) * FRAMES,
        slot="shelf/1/1",
        slot_xyxy=(44.0, 44.0, 84.0, 84.0),
        deeds=deeds,
    )


def pictures(of, rng):
    """Grey noise with a bright square in the slot while something stands there."""
    made = rng.integers(90, 110, (FRAMES, SIDE_PX, SIDE_PX, 3)).astype(np.uint8)
    for frame, time_s in enumerate(TIMES):
        after = any(time_s >= deed.time_s for deed in of.deeds)
        kind = of.deeds[0].kind if of.deeds else None
        stands = {"take": not after, "return": after, None: True}[kind]
        if stands:
            made[frame, 52:76, 52:76] = (40, 200, 230)
    return made


def write(folder, count=12, seed=1):
    """Write ``count`` clips, of each kind as many."""
    rng = np.random.default_rng(seed)
    clips = [clip(number, ("take", "return", None)[number % 3], seed) for number in range(count)]
    for each in clips:
        write_pictures(folder, each, pictures(each, rng))
    write_lines(folder, clips)
    write_manifest(folder, Manifest(entries(folder), {"by": "a test"}, {"clips": count, "takes": 1}, "none"))
    return clips


class Oracle:
    """Knows what happens by the square in the clip's middle: before and after."""

    def __init__(self, blur=0.0):
        self.blur = blur

    def classify(self, clips):
        middle = clips[:, :, MIDDLE, MIDDLE, 2].astype(float).mean(axis=(2, 3)) > 160
        rows = []
        for row in middle:
            changes = np.flatnonzero(row[1:] != row[:-1])
            kind = 0
            if len(changes) and 3 <= changes[0] <= 6:
                kind = 1 if row[0] else 2
            p = np.full(3, 0.02 + self.blur)
            p[kind] = 1 - 2 * (0.02 + self.blur)
            rows.append(np.log(p))
        return np.array(rows, np.float32).reshape(-1, 3)


def dumped(report):
    return json.loads(report.as_json())
