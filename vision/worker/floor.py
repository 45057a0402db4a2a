"""All calibrated cameras of a worker, from what their pictures show to facts of people on one floor."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from cameras.calibration.disagreement import LEARN_S, WINDOW_S
from cameras.calibration.monitor import BumpMonitor
from cameras.geometry import CameraModel
from store.events import CameraDegraded, CameraRecovered
from store.layout import Plan
from store.views import CameraView
from vision.detections import Detections
from vision.floor import FloorSettings, FloorTracker, FloorTracks
from vision.floor.audit import AuditSettings, FloorAudit
from vision.floor.facts import FloorFacts, Publish
from vision.floor.openings import gates_of
from vision.floor.sight import Sight
from vision.shop.gathering import Gathered, MomentGatherer
from vision.worker.attention import Attention, KeyFrames
from vision.worker.looking import Look, Pace
from vision.worker.resting import Resting

LEAST_CAMERAS: Final = 2
"""One camera alone is followed better in its picture."""
_BUMPED: Final = 3.0  # by so much a bumped camera errs where nobody is there to tell

Tell = Callable[[Sequence[CameraDegraded | CameraRecovered]], None]


@dataclass(frozen=True, slots=True)
class FloorFollowing:
    """``least`` is the confidence from which a box is somebody. A moment waits ``patience_s`` for a late camera; with
    infinity, for recordings, every picture is waited for. Pictures of one camera that are less than ``least_s`` apart
    count as one, the newest: to know where people are, five moments a second are enough. ``key_frames`` None looks at
    every picture of every camera; with them the second of two that count as one is not looked at. ``learn_s`` and
    ``window_s`` are those of ``FloorDisagreement``.
    """

    least: float = 0.3
    patience_s: float = 0.3
    least_s: float = 0.12
    key_frames: KeyFrames | None = None
    learn_s: float = LEARN_S
    window_s: float = WINDOW_S
    audit: AuditSettings = field(default_factory=AuditSettings)
    tracker: FloorSettings = field(default_factory=FloorSettings)


def calibrated(plan: Plan | None, cameras: Sequence[str]) -> tuple[CameraView, ...]:
    """The views of ``cameras`` that are followed over one floor: those with lens and pose, where there are two."""
    views = [view for view in (plan.cameras if plan else ()) if view.lens is not None and view.pose is not None]
    chosen = tuple(view for view in views if view.camera in cameras)
    return chosen if len(chosen) >= LEAST_CAMERAS else ()


class FloorFollower:
    """Follows everybody over the floor of ``plan`` by what ``views`` see, and publishes one visit a person.

    Looks go in with ``take``, each camera's in order of time; ``end`` says that no more come from a camera, after all
    of them everybody leaves. ``tick`` is to be called often where cameras are live. ``tell`` is given what is to be
    said of cameras that were bumped: they weigh less meanwhile. ``pace`` is told how often to look at a camera,
    ``rest`` whether a camera's still pictures need not be decoded; of recordings all are.
    """

    def __init__(
        self,
        plan: Plan,
        views: Sequence[CameraView],
        publish: Publish,
        *,
        store: str,
        tell: Tell = lambda events: None,
        pace: Callable[[Pace], None] = lambda pace: None,
        rest: Callable[[str, bool], None] = lambda camera, rest: None,
        following: FloorFollowing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.following = following or FloorFollowing()
        models = tuple(CameraModel.of(view) for view in views)
        gates = gates_of(plan)
        offsets = {view.camera: view.clock_offset_s for view in views}
        self.now = FloorTracks.empty(len(models))
        self.moments = 0
        self._gatherer: MomentGatherer[Look] = MomentGatherer(
            offsets, patience_s=self.following.patience_s, least_s=self.following.least_s
        )
        sight = Sight.of(plan, models)
        self._tracker = FloorTracker(models, self.following.tracker, gates=gates if len(gates) else None, sight=sight)
        self.facts = FloorFacts(store, models, publish)
        self.audit = FloorAudit(store, [model.camera for model in models], gates, self.following.audit)
        by_name = {model.camera: model for model in models}
        self._monitor = BumpMonitor(store, by_name, learn_s=self.following.learn_s, window_s=self.following.window_s)
        frames = self.following.key_frames
        attention = Attention(models, plan, frames) if frames is not None else None
        self._attention = attention if attention is not None and attention.has_shelves else None
        self._resting = Resting(models, plan, sight)
        self._publish, self._tell, self._pace, self._rest, self._clock = publish, tell, pace, rest, clock
        self._in_view: dict[str, int] = dict.fromkeys(offsets, 0)
        self._left = set(offsets)
        self._heard_at = 0.0
        self._heard: dict[str, float] = {}

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras that it follows people by."""
        return self._tracker.cameras

    @property
    def late(self) -> Mapping[str, int]:
        """By camera, the looks that came too late."""
        return self._gatherer.late

    @property
    def bumped(self) -> tuple[str, ...]:
        """The cameras that look elsewhere than they were calibrated to."""
        return self._monitor.bumped

    def in_view(self, camera: str) -> int:
        """How many people this camera saw at its last moment."""
        return self._in_view[camera]

    def take(self, look: Look) -> None:
        """The next picture of a camera."""
        self._heard_at = self._heard[look.camera] = self._clock()
        self._follow(self._gatherer.add(look.camera, look.captured_at, look))

    def tick(self) -> None:
        """Follow what is due by now, though no picture has told so."""
        if math.isfinite(self._gatherer.newest_s):
            self._follow(self._gatherer.due(self._gatherer.newest_s + self._clock() - self._heard_at))

    def end(self, camera: str) -> None:
        """No more pictures come from this camera; after the last one everybody leaves."""
        if camera not in self._left:
            return
        self._left.discard(camera)
        self._follow(self._gatherer.end(camera))
        if self._left:
            return
        self._follow(self._gatherer.finish())
        self._settle(last=True)
        self.facts.close()
        if (audit := self.audit.close()) is not None:
            self._publish([audit])

    def _follow(self, moments: Sequence[Gathered[Look]]) -> None:
        for moment in moments:
            seen = {name: self._sure(look.detections) for name, look in moment.looks.items()}
            self.now = self._tracker.update(moment.time_s, seen)
            self.moments += 1
            self._settle()
            self._watch_cameras(moment, seen)
            self._direct()

    def _sure(self, found: Detections) -> Detections:
        return found[found.confidence >= self.following.least]

    def _settle(self, *, last: bool = False) -> None:
        settled = self._tracker.finish() if last else self._tracker.settled
        alive = self._tracker.alive
        self.facts.add(settled, alive)
        shown = alive.union(*(moment.tracks.track_id.tolist() for moment in settled))
        sure = self.facts.sure
        audits = [audit for moment in settled if (audit := self.audit.update(moment, shown, sure)) is not None]
        if audits:
            self._publish(audits)

    def _watch_cameras(self, moment: Gathered[Look], seen: Mapping[str, Detections]) -> None:
        for name, found in seen.items():
            owner = self._tracker.owners[name]
            known = owner > 0
            self._in_view[name] = int(known.sum())
            people = [str(number) for number in owner[known].tolist()]
            xyxy = found.xyxy[known].astype(np.float64)
            said = self._monitor.see_people(name, moment.captured_at[name], people, xyxy)
            if said:
                self._tell(said)
            for event in said:
                if isinstance(event, CameraRecovered):
                    self._tracker.doubt(event.cameras[0], 1.0)
        for name in self._monitor.bumped:
            xy = self.now.xy[self.now.cameras[:, self.cameras.index(name)]]
            weight = float(self._monitor.weight(name, xy).mean()) if len(xy) else _BUMPED**-2
            self._tracker.doubt(name, max(weight**-0.5, 1.0))

    def _direct(self) -> None:
        """Say which cameras may rest, and how often the others are to be looked at."""
        if math.isfinite(self.following.patience_s):  # a recording's cameras are at different times
            now = self._clock()
            resting = self._resting.cameras(self.now, {name: now - at for name, at in self._heard.items()})
            for name in self.cameras:
                self._rest(name, name in resting)
        if self._attention is None:
            return
        near, frames = self._attention.wanted(self.now), self._attention.settings
        least_s = self.following.least_s  # what is nearer counts as one
        for name in self.cameras:
            self._pace(Pace(name, 1 if name in near else frames.every, frames.longest_s, least_s))


class FloorCamera:
    """One camera of a ``FloorFollower``, as a worker wants it."""

    def __init__(self, floor: FloorFollower, camera: str) -> None:
        self._floor, self._camera = floor, camera

    @property
    def now(self) -> int:
        """How many people are in view."""
        return self._floor.in_view(self._camera)

    @property
    def entered(self) -> int:
        """How many visits were seen so far."""
        return self._floor.facts.entered_by[self._camera]

    def take(self, look: Look) -> None:
        """The next picture."""
        self._floor.take(look)

    def finish(self) -> None:
        """No more pictures come."""
        self._floor.end(self._camera)
