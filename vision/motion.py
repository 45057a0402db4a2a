"""A Kalman filter for many boxes at once: every coordinate of every box is an independent position and velocity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MotionNoise:
    """How people and boxes move, in units of the box's height, so that one setting serves near and far people.

    ``centre_acceleration`` and ``size_acceleration`` are the densities of white-noise acceleration (heights / s^1.5),
    ``measurement`` the standard deviation of a confident box's centre (heights) and ``size_measurement`` how many
    times that its size's is, ``start_speed`` the standard deviation of a new track's velocity (heights / s),
    ``size_damping_s`` the time in which a trend of the size fades.
    """

    centre_acceleration: float = 0.54
    size_acceleration: float = 0.165
    measurement: float = 0.062
    start_speed: float = 3.8
    size_damping_s: float = 0.018
    size_measurement: float = 1.48


class MotionState:
    """n boxes as centre x, centre y, width, height in pixels, with their velocities and variances.

    ``state`` (5, n, 4) holds the value, the velocity, the variance of the value, its covariance with the velocity, and
    the variance of the velocity: since the coordinates are independent, there is nothing else.
    """

    def __init__(self, noise: MotionNoise) -> None:
        self.noise = noise
        self.state = np.zeros((5, 0, 4))
        density = [noise.centre_acceleration] * 2 + [noise.size_acceleration] * 2
        self._density = np.square(density)
        self._dt = math.nan
        self._fade = 1.0
        self._move = np.eye(3)
        self._grow = np.zeros((3, 1))
        self._edge = noise.measurement * np.array([1.0, 1.0, noise.size_measurement, noise.size_measurement])

    def __len__(self) -> int:
        return self.state.shape[1]

    @property
    def value(self) -> Array:
        """(n, 4) centre x, centre y, width, height."""
        return np.asarray(self.state[0])

    @property
    def velocity(self) -> Array:
        """(n, 4) the same per second."""
        return np.asarray(self.state[1])

    def start(self, cxcywh: Array) -> Self:
        """Add tracks at rest from boxes (k, 4)."""
        height = cxcywh[:, 3:4]
        new = np.zeros((5, len(cxcywh), 4))
        new[0] = cxcywh
        new[2] = (2 * self.noise.measurement * height) ** 2
        new[4, :, :2] = (self.noise.start_speed * height) ** 2
        new[4, :, 2:] = (0.25 * self.noise.start_speed * height) ** 2
        self.state = np.concatenate([self.state, new], axis=1)
        return self

    def predict(self, dt: float) -> None:
        """Move every track ahead by ``dt`` seconds (constant velocity, white-noise acceleration).

        Bar-Shalom, Li, Kirubarajan: Estimation with Applications to Tracking and Navigation (2001), eq. 6.2.2-12.
        """
        value, velocity = self.state[0], self.state[1]
        if dt != self._dt:
            self._dt = dt
            self._fade = math.exp(-dt / self.noise.size_damping_s)
            self._move = np.array([[1, 2 * dt, dt * dt], [0, 1, dt], [0, 0, 1]])
            self._grow = np.array([dt**3 / 3, dt * dt / 2, dt])[:, None]
        velocity[:, 2:] *= self._fade
        value += velocity * dt
        np.maximum(value[:, 2:], 1.0, out=value[:, 2:])
        q = np.square(value[:, 3:4]) * self._density
        moved = self._move @ self.state[2:].reshape(3, -1)
        moved += self._grow * q.reshape(1, -1)
        self.state[2:] = moved.reshape(3, -1, 4)

    def correct(self, rows: NDArray[np.intp], cxcywh: Array, scale: Array) -> None:
        """Take in measured boxes (m, 4) for the tracks ``rows`` (m,); ``scale`` (m,) multiplies the noise."""
        before = self.state.take(rows, 1)
        value, velocity, pp, pv, vv = before
        total = pp + np.square((scale * value[:, 3])[:, None] * self._edge)
        gain_value, gain_velocity = pp / total, pv / total
        residual = cxcywh - value
        value += gain_value * residual
        velocity += gain_velocity * residual
        vv -= gain_velocity * pv
        left = 1 - gain_value
        pv *= left
        pp *= left
        self.state[:, rows] = before

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Forget the tracks outside ``mask`` (n,)."""
        self.state = self.state[:, mask]


_TO_CENTRE: Final = np.array([[0.5, 0, -1, 0], [0, 0.5, 0, -1], [0.5, 0, 1, 0], [0, 0.5, 0, 1]])
_TO_CORNERS: Final = np.linalg.inv(_TO_CENTRE)


def to_cxcywh(xyxy: Array) -> Array:
    """Boxes (n, 4) from corners to centre x, centre y, width, height, in pixels."""
    return np.asarray(xyxy @ _TO_CENTRE)


def to_xyxy(cxcywh: Array) -> Array:
    """The inverse of ``to_cxcywh``."""
    return np.asarray(cxcywh @ _TO_CORNERS)
