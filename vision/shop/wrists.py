"""Where everybody's hands are in the shop, from the joints that several cameras see.

Cameras are not in phase: each one's joints are brought to one common time, ``LAG_S`` before the moment, between the
pictures before and after it. Then ``arms.choose`` finds each joint among rays that disagree, and a filter of constant
velocity (white-noise acceleration) carries it over the times when nobody sees it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from vision.floor.tracks import FloorTracks
from vision.shop.arms import Rays, choose, ray_error
from vision.shop.moment import SeenPicture, ShopMoment

Float = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LAG_S: Final = 0.2
_JOINTS: Final = np.array([[7, 8], [9, 10]])  # elbows and wrists among COCO's joints
_LATE_S: Final = 0.12  # a picture without one on the other side of the time speaks of it if it is this near
_SPEED_M_S: Final = 0.7  # how fast joints move: what such a picture is off by
_JERK: Final = 2.5  # density of white-noise acceleration, m / s^1.5
_UNKNOWN_M: Final = 0.25  # a joint with a larger error is not known
_BODY_M: Final = np.array([0.3, 0.3, 0.35])  # where joints are around the body's middle
_MIDDLE_M: Final = 1.0
_FINGERS_M: Final = 0.15  # from the wrist to what the hand touches
_GRID_PX: Final = 8
_FAR_M: Final = 3.0  # how far people usually are from a camera
_APART_S: Final = 0.5  # pictures farther apart say nothing of the time between
_CURVED: Final = 0.005  # radians by which a joint leaves the straight way between two pictures


@dataclass(frozen=True, slots=True, eq=False)
class Hands:
    """The hands of n people at ``time_s`` seconds.

    ``track_id`` (n,); ``person_xy`` (n, 2) where they stand; ``wrist`` and ``elbow`` (n, 2, 3) left and right, metres,
    NaN where unknown; ``tip`` (n, 2, 3) what the hand touches, beyond the wrist along the forearm; ``covariance``
    (n, 2, 3, 3) of the wrist; ``cameras`` bool (n, 2, c) which cameras saw the wrist.
    """

    time_s: float
    track_id: Ints
    person_xy: Float
    wrist: Float
    elbow: Float
    tip: Float
    covariance: Float
    cameras: Bools

    @property
    def error_m(self) -> Float:
        """The wrists' errors (n, 2) along one axis, metres."""
        return np.asarray(np.sqrt(np.einsum("nkii->nk", self.covariance) / 3))

    def on(self, tracks: FloorTracks) -> FloorTracks:
        """``tracks`` with these wrists, for those who are in both."""
        wrists = np.full((len(tracks), 2, 3), np.nan)
        row = {number: place for place, number in enumerate(self.track_id.tolist())}
        for place, number in enumerate(tracks.track_id.tolist()):
            if number in row:
                wrists[place] = self.wrist[row[number]]
        return replace(tracks, wrists=wrists)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A picture's owned people: ``owner`` (k,), and of elbows and wrists, left and right, ``way`` (k, 2, 2, 3),
    ``confidence`` and ``error`` (k, 2, 2), and ``spread`` (k,), radians.
    """

    time_s: float
    owner: Ints
    way: Float
    confidence: Float
    error: Float
    spread: Float


class WristFinder:
    """Follows the hands of all floor tracks, as ``cameras`` see them."""

    def __init__(self, cameras: Sequence[CameraModel]) -> None:
        self.cameras = tuple(camera.camera for camera in cameras)
        self._models = {camera.camera: camera for camera in cameras}
        self._tables = {camera.camera: _RayTable.of(camera) for camera in cameras}
        self._origin = np.array([camera.position for camera in cameras]).reshape(-1, 3)
        self.reset()

    def reset(self) -> None:
        """Forget everyone."""
        self._looks: dict[str, deque[_Look]] = {name: deque(maxlen=3) for name in self.cameras}
        self._known = np.zeros(0, np.int64)
        self._mean = np.zeros((0, 2, 2, 6))
        self._variance = np.zeros((0, 2, 2, 6, 6))
        self._time_s: float | None = None

    def update(self, moment: ShopMoment) -> Hands:
        """The hands ``LAG_S`` before ``moment``. Cameras that are not ours are left out."""
        for name, picture in moment.pictures.items():
            if name in self._looks:
                self._looks[name].append(self._look(name, picture))
        tracks, time_s = moment.tracks, moment.time_s - LAG_S
        xy = tracks.xy - LAG_S * tracks.velocity
        mean, variance = self._predicted(tracks.track_id, time_s, xy)
        rays = self._rays(tracks.track_id, time_s)
        n = len(tracks)
        flat = 2 * n
        shared = np.repeat(xy, 2, axis=0)
        expected, spread = mean[..., :3].reshape(flat, 2, 3), variance[..., :3, :3].reshape(flat, 2, 3, 3)
        prior = np.asarray(np.linalg.inv(spread), np.float64)
        pull = np.einsum("nkij,nkj->nki", prior, expected)
        point, covariance, share = choose(rays, shared, expected, spread, prior, pull)
        self._corrected(
            tracks.track_id, time_s, mean, variance, point.reshape(n, 2, 2, 3), covariance.reshape(n, 2, 2, 3, 3)
        )
        return self._hands(tracks.track_id, time_s, xy, share.reshape(n, 2, len(self.cameras), 2))

    def _look(self, name: str, picture: SeenPicture) -> _Look:
        people, camera = picture.people, self._models[name]
        rows = np.flatnonzero(picture.owner > 0)
        if people.keypoints is None:
            rows = rows[:0]
            joints = np.zeros((0, 2, 2, 3))
        else:
            joints = people.keypoints[rows][:, _JOINTS].astype(np.float64)
        way = self._tables[name].at(joints[..., :2])
        boxes = people.xyxy[rows].astype(np.float64)
        side = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        focal = float(np.diag(camera.matrix)[:2].mean())
        error = ray_error(joints[..., 2], side[:, None, None], focal, -way[..., 2])
        return _Look(picture.captured_at, picture.owner[rows], way, joints[..., 2], error, side / focal)

    def _rays(self, track_id: Ints, time_s: float) -> Rays:
        """What the cameras say at ``time_s``, rows person then elbow and wrist."""
        n, c = len(track_id), len(self.cameras)
        way = np.zeros((n, 2, c, 2, 3))
        way[..., 0] = 1.0
        error, sure = np.full((n, 2, c, 2), np.inf), np.zeros((n, 2, c, 2))
        spread = np.ones((n, c))
        for place, name in enumerate(self.cameras):
            for rows, told, error_there, sure_there, spread_there in _brought_to(self._looks[name], track_id, time_s):
                # The better of what a camera says: between two pictures, or of one alone.
                better = error_there < error[rows, :, place]
                way[rows, :, place] = np.where(better[..., None], told, way[rows, :, place])
                sure[rows, :, place] = np.where(better, sure_there, sure[rows, :, place])
                error[rows, :, place] = np.where(better, error_there, error[rows, :, place])
                spread[rows, place] = spread_there
        way /= np.linalg.norm(way, axis=-1, keepdims=True)
        return Rays(
            self._origin,
            way.reshape(2 * n, c, 2, 3),
            error.reshape(2 * n, c, 2),
            sure.reshape(2 * n, c, 2),
            np.repeat(spread, 2, axis=0),
        )

    def _predicted(self, track_id: Ints, time_s: float, xy: Float) -> tuple[Float, Float]:
        """The joints' states (n, 2, 2, 6) of elbows and wrists, and variances, before anything is seen."""
        n = len(track_id)
        mean, variance = np.zeros((n, 2, 2, 6)), np.zeros((n, 2, 2, 6, 6))
        mean[..., :2], mean[..., 2] = xy[:, None, None], _MIDDLE_M
        variance[..., np.arange(6), np.arange(6)] = np.concatenate([_BODY_M**2, np.full(3, _SPEED_M_S**2)])
        if self._time_s is not None:
            dt = time_s - self._time_s
            rows, own = _matched(track_id, self._known)
            step = np.eye(6)
            step[:3, 3:] = dt * np.eye(3)
            noise = _JERK**2 * np.kron([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]], np.eye(3))
            mean[rows] = self._mean[own] @ step.T
            variance[rows] = step @ self._variance[own] @ step.T + noise
            # Who was not seen for long is known by the body alone.
            lost = variance[..., 0, 0] + variance[..., 1, 1] > 2 * _BODY_M[0] ** 2
            mean[lost] = np.concatenate([np.zeros(3), np.zeros(3)])
            mean[..., :2] = np.where(lost[..., None], xy[:, None, None], mean[..., :2])
            mean[..., 2] = np.where(lost, _MIDDLE_M, mean[..., 2])
            fresh = np.diag(np.concatenate([_BODY_M**2, np.full(3, _SPEED_M_S**2)]))
            variance = np.where(lost[..., None, None], fresh, variance)
        return mean, variance

    def _corrected(
        self, track_id: Ints, time_s: float, mean: Float, variance: Float, point: Float, covariance: Float
    ) -> None:
        """Keep the states given that the joints are at ``point`` with ``covariance``."""
        # What the position was corrected by moves the velocity along: gain = P_vp P_pp^-1.
        gain = variance[..., 3:, :3] @ np.linalg.inv(variance[..., :3, :3])
        shift = point - mean[..., :3]
        mean, before = mean.copy(), variance
        mean[..., :3] = point
        mean[..., 3:] += (gain @ shift[..., None])[..., 0]
        cut = before[..., :3, :3] - covariance
        variance = before.copy()
        variance[..., :3, :3] = covariance
        variance[..., 3:, :3] = gain @ covariance
        variance[..., :3, 3:] = np.swapaxes(variance[..., 3:, :3], -1, -2)
        variance[..., 3:, 3:] = before[..., 3:, 3:] - gain @ cut @ np.swapaxes(gain, -1, -2)
        self._known, self._mean, self._variance, self._time_s = track_id, mean, variance, time_s

    def _hands(self, track_id: Ints, time_s: float, xy: Float, share: Float) -> Hands:
        error = np.sqrt(np.einsum("njkii->njk", self._variance[..., :3, :3]) / 3)
        place = np.where((error < _UNKNOWN_M)[..., None], self._mean[..., :3], np.nan)
        elbow, wrist = place[:, 0], place[:, 1]
        shoulder = np.concatenate([xy, np.full((len(xy), 1), 1.35)], axis=1)[:, None]
        way = wrist - np.where(np.isfinite(elbow), elbow, shoulder)
        tip = wrist + _FINGERS_M * way / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 0.05)
        seen = np.moveaxis(share[:, 1] > 0.5, 1, 2)
        return Hands(time_s, track_id, xy, wrist, elbow, tip, self._variance[:, 1, :, :3, :3], seen)


def _brought_to(looks: deque[_Look], track_id: Ints, time_s: float) -> list[tuple[Ints, Float, Float, Float, Float]]:
    """What a camera's looks say at ``time_s``, in up to three ways: rows of ``track_id``, way, error, sure, spread."""
    before = next((look for look in reversed(looks) if look.time_s <= time_s), None)
    after = next((look for look in looks if look.time_s > time_s), None)
    told = []
    for look in (before, after):
        if look is not None and abs(look.time_s - time_s) < _LATE_S:
            rows, own = _matched(track_id, look.owner)
            moved = _SPEED_M_S * abs(look.time_s - time_s) / _FAR_M
            error, sure = np.hypot(look.error[own], moved), look.confidence[own]
            told.append((rows, look.way[own], error, sure, look.spread[own]))
    if before is not None and after is not None and after.time_s - before.time_s < _APART_S:
        part = (time_s - before.time_s) / (after.time_s - before.time_s)
        rows0, own0 = _matched(track_id, before.owner)
        rows1, own1 = _matched(track_id, after.owner)
        rows, first, second = np.intersect1d(rows0, rows1, assume_unique=True, return_indices=True)
        one, two = own0[first], own1[second]
        way = (1 - part) * before.way[one] + part * after.way[two]
        error = np.hypot((1 - part) * before.error[one], part * after.error[two])
        sure = (1 - part) * before.confidence[one] + part * after.confidence[two]
        told.append((rows, way, np.hypot(error, _CURVED), sure, after.spread[two]))
    return told


def _matched(track_id: Ints, owner: Ints) -> tuple[Ints, Ints]:
    """Rows of ``track_id`` and of ``owner`` (which may have a number twice: the first counts) that are one person's."""
    _, rows, own = np.intersect1d(track_id, owner, return_indices=True)
    return rows, own


@dataclass(frozen=True, slots=True, eq=False)
class _RayTable:
    """A camera's rays (rows, columns, 3) on a grid over its picture and half as much again around it."""

    low: Float
    rays: Float

    @classmethod
    def of(cls, camera: CameraModel) -> _RayTable:
        low = -np.array(camera.size, np.float64) // 2
        x, y = (low[axis] + np.arange(0, 2 * camera.size[axis] + 2 * _GRID_PX, _GRID_PX) for axis in (0, 1))
        return cls(low, camera.rays(np.stack(np.meshgrid(x, y), axis=-1)))

    def at(self, xy: Float) -> Float:
        """Unit rays (..., 3) of pixels (..., 2), between the grid's; beyond it, its edge's."""
        rows, columns = self.rays.shape[:2]
        place = np.clip((xy - self.low) / _GRID_PX, 0.0, np.array([columns - 1.001, rows - 1.001]))
        column, row = np.moveaxis(place.astype(np.int64), -1, 0)
        right, down = np.moveaxis(place % 1.0, -1, 0)[..., None]
        upper = (1 - right) * self.rays[row, column] + right * self.rays[row, column + 1]
        lower = (1 - right) * self.rays[row + 1, column] + right * self.rays[row + 1, column + 1]
        way = (1 - down) * upper + down * lower
        return np.asarray(way / np.linalg.norm(way, axis=-1, keepdims=True))
