"""The worst mistakes of the reach model as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from datasets.reach_clips import LINES, PERIOD_S, SIDE_PX, ReachClip, ReachClipError, read_clips, read_pictures
from models.reach import BEFORE_S, CLASSES
from training.evaluate.gallery import Mark, Mistake, Section, Shown, write_gallery
from training.evaluate.reach import ReachReport
from training.evaluate.reach_events import match
from training.evaluate.reach_parts import Happened, Part
from training.reach_batches import TIMES_S

SHOWN_S: Final = (-1.0, -0.4, 0.0, 0.4, 1.0)  # of the moment of a mistake


def write_page(path: Path, folder: Path, report: ReachReport) -> None:
    """Write the page for clips in ``folder``. Raises ``ReachClipError`` where ``folder`` is none of clips."""
    if not (folder / LINES).is_file():
        raise ReachClipError(f"{folder} is no folder of reach clips: a page of mistakes is made of clips only")
    clips = {clip.name: clip for clip in read_clips(folder)}
    false = [each for part in report.parts for each in _false(folder, clips[part.name], part)]
    missed = [each for part in report.parts for each in _missed(folder, clips[part.name], part)]
    events = report.events
    table = report.looked().confusion()
    figures = {
        "precision": f"{events.precision:.3f}",
        "recall": f"{events.recall:.3f}",
        "F1": f"{events.f1:.3f}",
        "true": str(events.truth),
        **{
            f"{happened}, thought {thought}": str(table[i, j])
            for i, happened in enumerate(CLASSES)
            for j, thought in enumerate(CLASSES)
        },
    }
    sections = [
        Section("Seen where nothing was, or as the other", "The surest first. The wrist is marked.", false),
        Section("Missed", "The most surely missed first.", missed),
    ]
    text = "Takes and returns within half a second, and the looks by what happened and what was thought likeliest."
    write_gallery(path, "Mistakes of the reach model", text, sections, figures=figures)


def _false(folder: Path, clip: ReachClip, part: Part) -> Iterator[Mistake]:
    for each, place in zip(part.found, part.right().tolist(), strict=True):
        if place < 0:
            fact = each.fact
            happened = ", ".join(f"{t.fact.kind} at {t.fact.time_s:+.2f} s" for t in part.truth) or "nothing"
            what = f"{fact.kind} at {fact.time_s:+.2f} s with {fact.probability:.2f}; true: {happened} ({_where(clip)})"
            yield Mistake(what, _strip(folder, clip, each), fact.probability)


def _missed(folder: Path, clip: ReachClip, part: Part) -> Iterator[Mistake]:
    for place in match([each.fact for each in part.found], [each.fact for each in part.truth]).missed:
        each = part.truth[place]
        kind = CLASSES.index(each.fact.kind)
        near = np.abs(_moments(part) - each.fact.time_s) <= 0.3
        p = float(np.exp(part.log_p[near, kind]).max()) if near.any() else 0.0
        what = f"{each.fact.kind} at {each.fact.time_s:+.2f} s, at most {p:.2f} ({_where(clip)})"
        yield Mistake(what, _strip(folder, clip, each), 1 - p)


def _moments(part: Part) -> NDArray[np.float64]:
    first = round(BEFORE_S / PERIOD_S)
    return np.asarray(TIMES_S[first : first + len(part.label)], np.float64)


def _where(clip: ReachClip) -> str:
    seen = f"{clip.family} {clip.seed}, {clip.what}, {clip.elevation_deg:.0f} degrees below level"
    return f"{seen}, {clip.height_m:.1f} m high"


def _strip(folder: Path, clip: ReachClip, each: Happened) -> tuple[Shown, ...]:
    pictures = read_pictures(folder, clip)
    shown = []
    for offset in SHOWN_S:
        place = int(np.abs(TIMES_S - each.fact.time_s - offset).argmin())
        x, y = clip.wrist[place]
        marks = [Mark("found", points=((x, y),))] if 0 <= x < SIDE_PX and 0 <= y < SIDE_PX else []
        if clip.slot_xyxy is not None:
            marks.append(Mark("truth", clip.slot_xyxy))
        shown.append(Shown(pictures[place], f"{offset:+.1f} s", tuple(marks)))
    return tuple(shown)
