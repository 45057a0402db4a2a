"""Simulated cameras as frame sources: every frame as fast as it can be drawn, or the newest in real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Self

import numpy as np

from cameras.frame import Frame
from cameras.newest import Newest
from datasets.simulation.filming.recipes import Recipe
from datasets.simulation.filming.recording import Shot, moments, shots
from datasets.simulation.render.look import camera_look
from datasets.simulation.render.renderer import Renderer
from datasets.simulation.scene import Scene
from datasets.simulation.sensors.clocks import CameraClock, camera_clock

_WINDOW_S: Final = 0.5  # of poses that are worked out ahead
_LONGEST_WAIT_S: Final = 0.1


class Studio:
    """A recipe played, with its cameras' clocks: what all simulated sources rest on."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.timeline = recipe.play()
        self.models = recipe.camera_models()
        self.clocks: tuple[CameraClock, ...] = tuple(
            camera_clock(
                recipe.seed, model.camera, recipe.filming.rate_hz, self.timeline.duration_s, self.timeline.outages
            )
            for model in self.models
        )
        self.scene = Scene(self.timeline)
        self.shutter_s = np.array([camera_look(recipe.seed, model.camera).shutter_s for model in self.models])

    def renderer(self) -> Renderer:
        """A renderer of the thread that calls this."""
        return Renderer(self.timeline, self.scene, self.models)


class SimulatedSource:
    """Every frame of one camera of ``recipe``, drawn when it is asked for; a ``FrameSource``.

    ``captured_at`` is what the camera's own clock says. ``loop`` repeats the run for ever, with index and times going
    on. Raises what playing the recipe raises, ``PlanError`` for an unknown camera, and ``RendererError``.
    """

    live = False
    dropped = 0

    def __init__(self, recipe: Recipe, camera: str, *, loop: bool = False) -> None:
        self.camera = camera
        self._studio = Studio(recipe)
        self._number = [model.camera for model in self._studio.models].index(
            self._studio.timeline.plan.view(camera).camera
        )
        self._loop = loop
        self._closed = threading.Event()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of every frame."""
        return self._studio.models[self._number].size

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self._studio.recipe.filming.rate_hz

    @property
    def frame_count(self) -> int | None:
        """How many frames there are, lost ones left out; None for a loop."""
        return None if self._loop else int(np.count_nonzero(self._studio.clocks[self._number].kept))

    def __iter__(self) -> Iterator[Frame]:
        studio, clock = self._studio, self._studio.clocks[self._number]
        wanted = [shot for shot in shots(studio.clocks) if shot.camera == self._number]
        start, index = studio.timeline.start, 0
        with studio.renderer() as renderer:
            while not self._closed.is_set():
                for moment in moments(studio.scene, wanted, studio.shutter_s):
                    if self._closed.is_set():
                        return
                    exposure = moment.shot.exposure
                    picture = renderer.picture(self.camera, moment.state, moment.before, exposure)
                    yield Frame(self.camera, index, start + float(clock.stamped_s[exposure]), picture.image)
                    index += 1
                if not self._loop:
                    return
                start += studio.timeline.duration_s

    def close(self) -> None:
        """Stop; iterating ends. Safe to call twice and from another thread."""
        self._closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LiveCamera:
    """The newest frame of one camera of a ``LiveShop``; a ``FrameSource``. It ends with the shop."""

    live = True
    frame_count = None

    def __init__(self, camera: str, size: tuple[int, int], frame_rate: float) -> None:
        self.camera, self.size, self.frame_rate = camera, size, frame_rate
        self.late = 0
        self.drawn = 0
        self._newest: Newest[Frame] = Newest()

    @property
    def dropped(self) -> int:
        """How many frames were not handed out: those that came too late to be drawn, and those that nobody took."""
        return self.late + self._newest.dropped

    def put(self, frame: Frame) -> None:
        """Hand in the newest frame."""
        self.drawn += 1
        self._newest.put(frame)

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self._newest.take()) is not None:
            yield frame

    def close(self) -> None:
        """Iterating ends. Safe to call twice and from another thread."""
        self._newest.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LiveShop:
    """All cameras of ``recipe`` in real time, drawn by one thread; use it as a context manager.

    ``began_at`` (seconds since 1970 in UTC) is when second 0 of the run was, or of its first repetition with ``loop``.
    A frame whose turn is over by more than an interval before it is drawn is left out and counted. ``on_frame`` is
    called in the drawing thread with every frame.
    """

    def __init__(self, recipe: Recipe, *, loop: bool = False) -> None:
        self.studio = Studio(recipe)
        self.loop = loop
        self.began_at = float("nan")
        self.device = ""
        self.on_frame: Callable[[Frame], None] = lambda frame: None
        rate = recipe.filming.rate_hz
        self.cameras = {model.camera: LiveCamera(model.camera, model.size, rate) for model in self.studio.models}
        self._interval_s = 1.0 / rate
        self._stop = threading.Event()
        self._opened = threading.Event()
        self.ended = threading.Event()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="simulated shop", daemon=True)

    def start(self) -> None:
        """Begin; returns when the first second of the run begins. Raises ``RendererError``."""
        self._thread.start()
        self._opened.wait()
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Stop drawing; every camera ends. Safe to call twice."""
        self._stop.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def now_s(self) -> float:
        """Seconds since second 0 of the run."""
        return time.time() - self.began_at

    def _run(self) -> None:
        try:
            self._film()
        except BaseException as error:
            self.failure = error
        finally:
            self.ended.set()
            self._opened.set()
            for camera in self.cameras.values():
                camera.close()

    def _film(self) -> None:
        studio = self.studio
        wanted = shots(studio.clocks)
        with studio.renderer() as renderer:
            self.device = renderer.device
            # The still shop is drawn before the clock starts, else the first seconds would be lost to it.
            for model in studio.models:
                first = studio.scene.states(np.zeros(1))[0]
                renderer.picture(model.camera, first, None, 0)
            self.began_at = time.time()
            self._opened.set()
            played_s = 0.0
            while not self._stop.is_set():
                for window in _windows(wanted):
                    self._film_window(renderer, window, played_s)
                played_s += studio.timeline.duration_s
                if not self.loop:
                    self._wait_until(played_s)
                    return

    def _film_window(self, renderer: Renderer, window: Sequence[Shot], played_s: float) -> None:
        studio = self.studio
        names = [model.camera for model in studio.models]
        due = [shot for shot in window if not self._is_late(shot, names, played_s)]
        for moment in moments(studio.scene, due, studio.shutter_s):
            shot, name = moment.shot, names[moment.shot.camera]
            if not self._wait_until(played_s + shot.time_s):
                return
            if self._is_late(shot, names, played_s):
                continue
            picture = renderer.picture(name, moment.state, moment.before, shot.exposure)
            stamped_s = float(studio.clocks[shot.camera].stamped_s[shot.exposure])
            camera = self.cameras[name]
            frame = Frame(name, camera.drawn + camera.late, self.began_at + played_s + stamped_s, picture.image)
            camera.put(frame)
            self.on_frame(frame)

    def _is_late(self, shot: Shot, names: Sequence[str], played_s: float) -> bool:
        late = self.now_s() - (played_s + shot.time_s) > self._interval_s
        self.cameras[names[shot.camera]].late += late
        return late

    def _wait_until(self, moment_s: float) -> bool:
        """Sleep until second ``moment_s``; False when the shop is closed meanwhile."""
        while not self._stop.is_set():
            left = moment_s - self.now_s()
            if left <= 0:
                return True
            self._stop.wait(min(left, _LONGEST_WAIT_S))
        return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _windows(wanted: Sequence[Shot]) -> Iterator[Sequence[Shot]]:
    """Shots in order of time, half a second at a time."""
    at = 0
    while at < len(wanted):
        upto = at
        while upto < len(wanted) and wanted[upto].time_s < wanted[at].time_s + _WINDOW_S:
            upto += 1
        yield wanted[at:upto]
        at = upto
