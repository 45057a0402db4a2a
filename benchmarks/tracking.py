"""Updates per second of CPU time, ours against the public ByteTrack, in crowds of 25 and 100 people.

python -m benchmarks.tracking
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import typer

from training.evaluate.peers import PeerFollower
from training.evaluate.runner import Follower, OurFollower, run_side_by_side
from vision.detections import Detections

FRAME_RATE = 25.0
WIDTH, HEIGHT = 1920.0, 1080.0
MISSED = 0.05


class WithLookback(OurFollower):
    """Our tracker and, inside what is timed, the look back that facts rest on."""

    def __init__(self, frame_rate: float) -> None:
        super().__init__(frame_rate)
        self._number = 0

    def update(self, prepared: Detections) -> Any:
        """One frame."""
        self._number += 1
        return super().tracks(super().update(prepared), self._number)

    def tracks(self, answer: Any, number: int) -> Any:
        """What settled."""
        return answer


def crowd(people: int, frames: int, seed: int) -> list[Detections]:
    """Detections of people who walk about a picture and turn back at its edges: noisy boxes, 5 % of them missed."""
    rng = np.random.default_rng(seed)
    height = rng.uniform(120, 260, people)
    size = np.column_stack([height * 0.4, height])
    xy = rng.uniform([0, 0], [WIDTH, HEIGHT], (people, 2))
    # A walker covers about its own height in a second and a half.
    step = rng.normal(0, 1, (people, 2)) * (height / (1.5 * FRAME_RATE))[:, None]
    made = []
    for _ in range(frames):
        xy += step
        outside = (xy < 0) | (xy > (WIDTH, HEIGHT))
        step[outside] *= -1
        step += rng.normal(0, 0.2, step.shape)
        low = xy - size / 2
        boxes = np.column_stack([low, low + size]) + rng.normal(0, 2, (people, 4))
        seen = rng.random(people) >= MISSED
        confidence = rng.uniform(0.65, 0.95, people)
        made.append(Detections(boxes[seen].astype(np.float32), confidence[seen].astype(np.float32)))
    return made


def main(frames: int = 250, repeats: int = 5, seed: int = 1) -> None:
    """Print updates per CPU-second and their ratio: medians over the repeats, both taking turns every 25 frames."""
    typer.echo("updates per CPU-second; in brackets with the look back")
    typer.echo(f"{'people':>6} {'aisle':>18} {'bytetrack':>10} {'ratio':>12}")
    for people in (25, 100):
        followers: dict[str, Callable[[], Follower]] = {
            "aisle": partial(OurFollower, FRAME_RATE),
            "look back": partial(WithLookback, FRAME_RATE),
            "bytetrack": partial(PeerFollower, "bytetrack", FRAME_RATE),
        }
        runs = run_side_by_side(followers, crowd(people, frames, seed), repeats=repeats)
        ours, whole, theirs = (runs[name].updates_per_cpu_s for name in ("aisle", "look back", "bytetrack"))
        ratio, beside = f"{ours / theirs:.1f} ({whole / theirs:.1f})", f"{ours:,.0f} ({whole:,.0f})"
        typer.echo(f"{people:>6} {beside:>18} {theirs:>10,.0f} {ratio:>12}")


if __name__ == "__main__":
    typer.run(main)
