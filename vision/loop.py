"""The loop over one camera's frames: watch, write facts, and make the pictures that somebody wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cameras.errors import CameraError
from cameras.frame import Frame, FrameSource
from vision.blur import PictureBlur
from vision.blurred import BlurredPicture
from vision.detections import Tracks
from vision.facts import FactWriter
from vision.lookback import Moment
from vision.pipeline import PersonWatcher


class PictureSink(Protocol):
    """Somebody who wants blurred pictures: a recording, the live view, the background of a heatmap."""

    def wants(self, frame: Frame) -> bool:
        """Whether to blur this frame for it; asked for every frame, so that nobody's pictures cost nothing."""
        ...

    def take(self, picture: BlurredPicture, tracks: Tracks) -> None:
        """A wanted picture, with the people who are confirmed in it."""
        ...


@dataclass(slots=True)
class LoopState:
    """How far a loop is: ``frames`` watched, ``people`` counted, seconds of the first and the newest frame."""

    frames: int = 0
    people: int = 0
    now: int = 0
    began_at: float | None = None
    newest_at: float | None = None
    error: CameraError | None = None


class CameraLoop:
    """Runs one camera to the end of its footage, or until stopped.

    ``settled`` is given every settled moment, in order. ``state`` may be read from other threads. What the camera
    raises ends the footage there: it stands in ``state.error``, and what was seen until then is kept.
    """

    def __init__(
        self,
        source: FrameSource,
        watcher: PersonWatcher,
        facts: FactWriter,
        *,
        blur: PictureBlur | None = None,
        sinks: Sequence[PictureSink] = (),
        settled: Callable[[Sequence[Moment]], None] = lambda moments: None,
    ) -> None:
        if sinks and blur is None:
            raise ValueError("pictures are wanted but there is nothing to blur them with: give blur")
        self.state = LoopState()
        self._source, self._watcher, self._facts = source, watcher, facts
        self._blur, self._sinks, self._settled = blur, sinks, settled

    def run(self, stop: threading.Event) -> LoopState:
        """Watch until the footage ends or ``stop`` is set; everybody has left when it returns."""
        try:
            for frame in self._source:
                if stop.is_set():
                    break
                self._step(frame)
        except CameraError as error:
            self.state.error = error
        finally:
            self._take(self._watcher.finish())
            self._facts.close()
        return self.state

    def _step(self, frame: Frame) -> None:
        state = self.state
        if state.newest_at is not None and frame.captured_at <= state.newest_at:
            return
        self._take(self._watcher.update(frame))
        state.frames += 1
        state.began_at = frame.captured_at if state.began_at is None else state.began_at
        state.newest_at = frame.captured_at
        state.now = len(self._watcher.now)
        wanting = [sink for sink in self._sinks if sink.wants(frame)]
        if self._blur is None:
            return
        if not wanting:
            self._blur.notice(frame, self._watcher.seen)
            return
        picture = self._blur.blur(frame, self._watcher.seen, self._watcher.now)
        for sink in wanting:
            sink.take(picture, self._watcher.now)

    def _take(self, moments: Sequence[Moment]) -> None:
        self._settled(moments)
        self._facts.add(moments)
        self.state.people = self._facts.entered
