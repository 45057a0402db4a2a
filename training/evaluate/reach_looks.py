"""Looks at a folder of reach clips: what the model says of every window, and what happened there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from datasets.reach_clips import ANCHOR, ReachClip, read_clips, read_pictures
from training.evaluate.reach_events import ReachFact
from training.evaluate.reach_parts import Happened, Part
from training.evaluate.slices import light
from training.reach_batches import CENTRES, NONE, TIMES_S, Window, clip_of, label_of
from vision.reach_spotter import Classifier, spotted

Progress = Callable[[int, int], None]
EDGE_S: Final = 0.1  # what happens within this of the first and the last look counts
NEAR_S: Final = 0.5  # what is spotted within this of a reach beyond the looks is neither right nor false


def look(
    folder: Path,
    model: Classifier,
    *,
    clips: Sequence[ReachClip] | None = None,
    seed: int = 0,
    by_slot: bool = False,
    progress: Progress = lambda done, total: None,
) -> Iterator[Part]:
    """Look at every window of every clip of ``folder`` (or those given), with wrists as a keypoint model gives them.

    A part is a clip. ``by_slot`` looks at the slots and knows no wrists. The same ``seed`` gives the same wrists.
    Raises ``ReachClipError``.
    """
    chosen = tuple(clips if clips is not None else read_clips(folder))
    if by_slot:
        chosen = tuple(clip for clip in chosen if clip.slot_xyxy is not None)
    for number, clip in enumerate(chosen):
        pictures = read_pictures(folder, clip)
        rng = np.random.default_rng([seed, number])
        windows = [Window(number, centre, by_slot) for centre in CENTRES]
        log_p = model.classify(np.stack([clip_of(clip, pictures, window, NONE, rng) for window in windows]))
        label = np.array([label_of(clip, centre, by_slot) for centre in CENTRES], np.int64)
        yield _part(clip, light(pictures[ANCHOR]), label, log_p.astype(np.float64), by_slot)
        progress(number + 1, len(chosen))


def _part(clip: ReachClip, luma: float, label: np.ndarray, log_p: np.ndarray, by_slot: bool) -> Part:
    def happened(kind: str, time_s: float, probability: float = 1.0) -> Happened:
        fact = ReachFact(kind, time_s, clip.name, probability)
        return Happened(fact, 90.0 - clip.elevation_deg, clip.height_m, clip.people, luma)

    times = TIMES_S[list(CENTRES)]
    from_s, to_s = times[0] - EDGE_S, times[-1] + EDGE_S
    own = [deed for deed in clip.deeds if (deed.slot == clip.slot is not None if by_slot else deed.own)]
    within = [deed for deed in own if from_s <= deed.time_s <= to_s]
    beyond = [deed.time_s for deed in own if deed not in within]
    found = [
        happened(kind, time_s, p)
        for kind, time_s, p in spotted(times, log_p)
        if not any(abs(time_s - other) <= NEAR_S for other in beyond)
    ]
    return Part(
        name=clip.name,
        group=clip.name.rpartition("-")[0],
        family=clip.family,
        seed=clip.seed,
        camera="free" if clip.source == "free" else "the plan's",
        found=tuple(found),
        truth=tuple(happened(deed.kind, deed.time_s) for deed in within),
        hidden=0,
        label=label,
        log_p=log_p,
    )
