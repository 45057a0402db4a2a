"""What the motion gate lets pass."""

from __future__ import annotations

import numpy as np
import pytest

from cameras.stillness import MotionGate, StillnessSettings

SIZE = (360, 640)


def scene(rng: np.random.Generator, noise: float = 4.0) -> np.ndarray:
    """A shelf in the camera's noise."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    base = 90 + 60 * ((x // 23 + y // 31) % 2)
    return np.clip(base + rng.normal(0, noise, SIZE), 0, 255).astype(np.uint8)


def walked(luma: np.ndarray, x: float, y: float, size: tuple[int, int] = (24, 60)) -> np.ndarray:
    """Somebody dark at x, y."""
    seen = luma.copy()
    seen[round(y) : round(y) + size[1], round(x) : round(x) + size[0]] = 30
    return seen


def looks(gate: MotionGate, pictures: list[np.ndarray], rate: float = 10.0, begin: float = 0.0) -> list[bool]:
    return [gate.update(picture, begin + number / rate) for number, picture in enumerate(pictures)]


@pytest.mark.parametrize("noise", [0.0, 4.0, 12.0])
def test_a_still_scene_is_looked_at_now_and_then(noise: float) -> None:
    rng = np.random.default_rng(1)
    gate = MotionGate()
    looks(gate, [scene(rng, noise) for _ in range(50)])
    later = looks(gate, [scene(rng, noise) for _ in range(100)], begin=5.0)
    assert 4 <= sum(later) <= 8  # killed: noise that moves; no look every two seconds


@pytest.mark.parametrize("noise", [0.0, 4.0, 12.0])
def test_who_walks_by_is_looked_at_from_the_first_picture(noise: float) -> None:
    rng = np.random.default_rng(2)
    gate = MotionGate()
    looks(gate, [scene(rng, noise) for _ in range(95)])
    walk = [walked(scene(rng, noise), 20 + 4 * n, 200) for n in range(60)]
    assert all(looks(gate, walk, begin=9.5))
    after = looks(gate, [scene(rng, noise) for _ in range(60)], begin=15.5)
    assert all(after[:8])  # somebody may have stopped there
    assert sum(after[15:]) <= 4


def test_who_creeps_is_seen_since_it_is_compared_with_the_last_look() -> None:
    rng = np.random.default_rng(3)
    gate = MotionGate(StillnessSettings(look_every_s=1e9, linger_s=0.0))
    looks(gate, [walked(scene(rng), 100, 150) for _ in range(80)])
    found = looks(gate, [walked(scene(rng), 100 + 0.1 * n, 150) for n in range(160)], begin=8.0)
    assert sum(found) >= 2  # killed: compared with the picture before, nothing moves


def test_a_lamp_is_no_movement_and_somebody_under_it_is() -> None:
    rng = np.random.default_rng(4)
    gate = MotionGate(StillnessSettings(look_every_s=1e9))
    looks(gate, [scene(rng) for _ in range(60)])
    brighter = [np.clip(scene(rng).astype(int) + n, 0, 255).astype(np.uint8) for n in range(30)]
    assert sum(looks(gate, brighter, begin=6.0)) == 0
    assert looks(gate, [walked(brighter[-1], 300, 100)], begin=9.0) == [True]


def test_another_size_begins_anew() -> None:
    gate = MotionGate(StillnessSettings(look_every_s=1e9, linger_s=0.0))
    rng = np.random.default_rng(5)
    assert looks(gate, [scene(rng), scene(rng)]) == [True, False]
    assert gate.update(scene(rng)[:180, :320], 1.0)
    gate.reset()
    assert gate.update(scene(rng)[:180, :320], 1.1)
