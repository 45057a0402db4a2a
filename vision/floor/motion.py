"""A Kalman filter for many people at once: place and velocity on the floor, and how tall each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from vision.floor.settings import BoxErrors, Walking

Float = NDArray[np.float64]
SEEN: Final = [0, 1, 4]  # what boxes tell of: x, y and the height


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """n people: ``mean`` (n, 5) x, y, vx, vy in metres and seconds and the height in metres, ``variance`` (n, 5, 5)."""

    mean: Float
    variance: Float

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        return type(self)(self.mean[index], self.variance[index])

    @classmethod
    def empty(cls) -> Self:
        """Nobody."""
        return cls(np.zeros((0, 5)), np.zeros((0, 5, 5)))

    @property
    def place(self) -> Float:
        """(n, 3) x, y and height."""
        return self.mean[:, SEEN]

    @property
    def place_variance(self) -> Float:
        """(n, 3, 3) of ``place``."""
        return self.variance[:, [[0], [1], [4]], SEEN]


def joined(first: States, second: States) -> States:
    """Both, in this order."""
    return States(np.concatenate([first.mean, second.mean]), np.concatenate([first.variance, second.variance]))


def started(place: Float, variance: Float, walking: Walking) -> States:
    """People at ``place`` (n, 3) with ``variance`` (n, 3, 3), whose velocity is not known."""
    mean, wide = np.zeros((len(place), 5)), np.zeros((len(place), 5, 5))
    mean[:, SEEN] = place
    wide[:, [[0], [1], [4]], SEEN] = variance
    wide[:, [2, 3], [2, 3]] = walking.speed**2
    return States(mean, wide)


def transition(dt: float, walking: Walking) -> tuple[Float, Float]:
    """How states move in ``dt`` seconds (5, 5), and what uncertainty that adds (5, 5); back in time where ``dt`` < 0.

    Constant velocity with white-noise acceleration (Bar-Shalom, Li, Kirubarajan 2001, eq. 6.2.2-12), and a random walk
    of the place itself: a body sways around its path, and a stride is not even. Heights change as people stoop.
    """
    move = np.eye(5)
    move[[0, 1], [2, 3]] = dt
    noise = np.zeros((5, 5))
    power, span = walking.acceleration**2, abs(dt)
    noise[[0, 1], [0, 1]] = power * span**3 / 3 + walking.sway**2 * span
    noise[[0, 1, 2, 3], [2, 3, 0, 1]] = power * dt * span / 2
    noise[[2, 3], [2, 3]] = power * span
    noise[4, 4] = walking.stoop**2 * span
    return move, noise


def predicted(states: States, dt: float, walking: Walking) -> States:
    """The same people ``dt`` seconds later."""
    move, noise = transition(dt, walking)
    return States(states.mean @ move.T, move @ states.variance @ move.T + noise)


def corrected(states: States, information: Float, pull: Float) -> States:
    """The states after observations of total ``information`` (n, 3, 3) and ``pull`` (n, 3): sums of W'W and W'z.

    With P3 the variance of ``place``, a gain P (I + L P3)^-1 needs no inverse of L, which is zero where nothing was
    seen.
    """
    place_variance = states.place_variance
    across = states.variance[:, :, SEEN]
    turned = np.linalg.inv(np.eye(3) + information @ place_variance)
    missing = (pull - (information @ states.place[..., None])[..., 0])[..., None]
    mean = states.mean + (across @ (turned @ missing))[..., 0]
    variance = states.variance - across @ turned @ information @ np.swapaxes(across, 1, 2)
    return States(mean, (variance + np.swapaxes(variance, 1, 2)) / 2)


def both(first: States, second: States) -> States:
    """What two independent estimates of the same people say together."""
    a, b = np.linalg.inv(first.variance), np.linalg.inv(second.variance)
    variance = np.linalg.inv(a + b)
    mean = variance @ (a @ first.mean[..., None] + b @ second.mean[..., None])
    return States(mean[..., 0], (variance + np.swapaxes(variance, 1, 2)) / 2)


def unknown(errors: BoxErrors) -> tuple[Float, Float]:
    """What is known of a person before any box: information (3, 3) and pull (3,) of the height's prior alone."""
    information = np.diag([0.0, 0.0, errors.height_sd_m**-2])
    return information, information @ np.array([0.0, 0.0, errors.height_m])
