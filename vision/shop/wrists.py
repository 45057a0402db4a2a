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
from vision.shop.adoption import adopted
from vision.shop.arms import Rays, choose, ray_error
from vision.shop.moment import ShopMoment
from vision.shop.ray_tables import RayTables

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
_LEVEL: Final = 0.35  # hands lie more level than their forearms: by this share of the slope
_FAR_M: Final = 3.0  # how far people usually are from a camera
_KEPT_S: Final = 0.6  # how long looks are kept
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
    """What all cameras saw in a moment: ``time_s`` (c,) of each picture, NaN for none; of people ``row`` by number the
    rays of elbows and wrists, left and right: ``way`` (n, 2, c, 2, 3), ``error`` and ``sure`` (n, 2, c, 2), and
    ``spread`` (n, c). An infinite error is for what was not seen.
    """

    time_s: Float
    row: dict[int, int]
    way: Float
    error: Float
    sure: Float
    spread: Float


class WristFinder:
    """Follows the hands of all floor tracks, as ``cameras`` see them."""

    def __init__(self, cameras: Sequence[CameraModel] | RayTables) -> None:
        self._tables = cameras if isinstance(cameras, RayTables) else RayTables(cameras)
        self.cameras = self._tables.names
        self.reset()

    def reset(self) -> None:
        """Forget everyone."""
        self._looks: deque[_Look] = deque()
        self._known = np.zeros(0, np.int64)
        self._mean = np.zeros((0, 2, 2, 6))
        self._variance = np.zeros((0, 2, 2, 6, 6))
        self._time_s: float | None = None

    def update(self, moment: ShopMoment) -> Hands:
        """The hands ``LAG_S`` before ``moment``. Cameras that are not ours are left out.

        Boxes that are nobody's count for whom their joints show (``adoption``).
        """
        self._looks.append(self._look(adopted(moment, self._tables)))
        while len(self._looks) > 2 and np.nanmax(self._looks[1].time_s, initial=-np.inf) < moment.time_s - _KEPT_S:
            self._looks.popleft()
        tracks, time_s = moment.tracks, moment.time_s - LAG_S
        xy = tracks.xy - LAG_S * tracks.velocity
        mean, variance = self._predicted(tracks.track_id, time_s, xy)
        n = len(tracks)
        expected, spread = mean[..., :3].reshape(2 * n, 2, 3), variance[..., :3, :3].reshape(2 * n, 2, 3, 3)
        prior = np.asarray(np.linalg.inv(spread), np.float64)
        pull = (prior @ expected[..., None])[..., 0]
        rays = self._rays(tracks.track_id, time_s)
        point, covariance, share = choose(rays, np.repeat(xy, 2, axis=0), expected, spread, prior, pull)
        shape = (n, 2, 2, 3)
        self._corrected(tracks.track_id, time_s, mean, variance, point.reshape(shape), covariance.reshape(*shape, 3))
        return self._hands(tracks.track_id, time_s, xy, share.reshape(n, 2, len(self.cameras), 2))

    def _look(self, moment: ShopMoment) -> _Look:
        c, n = len(self.cameras), len(moment.tracks)
        row = {number: place for place, number in enumerate(moment.tracks.track_id.tolist())}
        time_s = np.full(c, np.nan)
        way, error, sure = np.zeros((n, 2, c, 2, 3)), np.full((n, 2, c, 2), np.inf), np.zeros((n, 2, c, 2))
        spread = np.ones((n, c))
        person: list[int] = []
        camera: list[int] = []
        joints, sides = [], []
        for name, picture in moment.pictures.items():
            place, keypoints = self._tables.number.get(name), picture.people.keypoints
            if place is None:
                continue
            time_s[place] = picture.captured_at
            owned = [(box, row[number]) for box, number in enumerate(picture.owner.tolist()) if number in row]
            if keypoints is None or not owned:
                continue
            boxes, people = zip(*owned, strict=True)
            person += people
            camera += [place] * len(people)
            joints.append(keypoints[list(boxes)])
            sides.append(picture.people.xyxy[list(boxes)])
        if person:
            rows, seen_by = np.array(person), np.array(camera)
            arms = np.concatenate(joints)[:, _JOINTS].astype(np.float64)
            xyxy = np.concatenate(sides).astype(np.float64)
            wide = np.maximum(xyxy[:, 2] - xyxy[:, 0], xyxy[:, 3] - xyxy[:, 1]) / self._tables.focal[seen_by]
            rays = self._tables.rays(seen_by, arms[..., :2].reshape(len(rows), 4, 2)).reshape(len(rows), 2, 2, 3)
            way[rows, :, seen_by] = rays
            error[rows, :, seen_by] = ray_error(arms[..., 2], wide[:, None, None], -rays[..., 2])
            sure[rows, :, seen_by] = arms[..., 2]
            spread[rows, seen_by] = wide
        return _Look(time_s, row, way, error, sure, spread)

    def _rays(self, track_id: Ints, time_s: float) -> Rays:
        """What the cameras say at ``time_s``, rows person then elbow and wrist.

        Of each camera the best of three: its picture before, its picture after, or what lies between both.
        """
        n, c = len(track_id), len(self.cameras)
        before, after = self._of(track_id, time_s, late=False), self._of(track_id, time_s, late=True)
        gap = after.time_s - before.time_s
        part = np.where(gap < _APART_S, (time_s - before.time_s) / gap, np.nan)[:, None]
        both = np.isfinite(part) & np.isfinite(before.error) & np.isfinite(after.error)
        share = np.where(both, part, 0.5)
        first, second = np.where(both, before.error, 1.0), np.where(both, after.error, 1.0)
        between = np.sqrt(((1 - share) * first) ** 2 + (share * second) ** 2 + _CURVED**2)
        choices = [_held(before, time_s), _held(after, time_s), np.where(both, between, np.inf)]
        best = np.stack(choices).argmin(axis=0)
        share = np.choose(best, [0.0, 1.0, share])
        way = before.way + share[..., None] * (after.way - before.way)
        way /= np.maximum(np.sqrt((way**2).sum(axis=-1, keepdims=True)), 1e-9)
        return Rays(
            self._tables.position,
            way.reshape(2 * n, c, 2, 3),
            np.minimum.reduce(choices).reshape(2 * n, c, 2),
            (before.sure + share * (after.sure - before.sure)).reshape(2 * n, c, 2),
            np.repeat(np.where(best[:, 0, :, 0] > 0, after.spread, before.spread), 2, axis=0),
        )

    def _of(self, track_id: Ints, time_s: float, late: bool) -> _Look:
        """Each camera's last look by ``time_s``, or its first one after it if ``late``, of the people now followed."""
        n, c = len(track_id), len(self.cameras)
        times = np.array([look.time_s for look in self._looks])
        fits = times > time_s if late else times <= time_s
        chosen = fits.argmax(axis=0) if late else len(times) - 1 - fits[::-1].argmax(axis=0)
        found = _Look(
            np.where(fits.any(axis=0), times[chosen, np.arange(c)], np.nan),
            {},
            np.zeros((n, 2, c, 2, 3)),
            np.full((n, 2, c, 2), np.inf),
            np.zeros((n, 2, c, 2)),
            np.ones((n, c)),
        )
        for place, look in enumerate(self._looks):
            columns = np.flatnonzero(fits.any(axis=0) & (chosen == place))
            pairs = [(new, look.row[number]) for new, number in enumerate(track_id.tolist()) if number in look.row]
            if not len(columns) or not pairs:
                continue
            new, old = np.array(pairs).T[..., None]
            for name in ("way", "error", "sure"):
                getattr(found, name)[new, :, columns] = getattr(look, name)[old, :, columns]
            found.spread[new, columns] = look.spread[old, columns]
        return found

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
        way[..., 2] *= _LEVEL
        tip = wrist + _FINGERS_M * way / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 0.05)
        seen = np.moveaxis(share[:, 1] > 0.5, 1, 2)
        return Hands(time_s, track_id, xy, wrist, elbow, tip, self._variance[:, 1, :, :3, :3], seen)


def _held(look: _Look, time_s: float) -> Float:
    """The errors (n, 2, c, 2) of what ``look`` saw if it was so at ``time_s`` too; infinite where that is long."""
    late = np.abs(look.time_s - time_s)
    moved = np.where(late < _LATE_S, _SPEED_M_S * late / _FAR_M, np.inf)
    return np.hypot(look.error, moved[:, None])


def _matched(track_id: Ints, known: Ints) -> tuple[Ints, Ints]:
    """Rows of ``track_id`` and of ``known`` that are one person's."""
    _, rows, own = np.intersect1d(track_id, known, assume_unique=True, return_indices=True)
    return rows, own
