"""Runs the watching of some sources: a thread a camera, facts onto the bus, insights into the records."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.live import LiveFrames
from api.upkeep import run_services
from api.watch.options import WatchOptions, camera_names, file_name, is_live, view_of
from api.watch.sinks import BackgroundSink, Drawing, LiveSink, RecordingSink
from api.watch.tally import Tally, keep_tally
from api.watch.track_file import TrackFile
from cameras.frame import FrameSource
from cameras.open import open_source
from cameras.uri import redact
from insights import service as insights_service
from models.faces import open_face_detector
from store import audit
from store.bus import Bus
from store.events import Event
from store.layout import Plan
from store.records import Records
from store.settings import Settings
from store.views import CameraView
from vision.blur import PictureBlur
from vision.facts import FactWriter
from vision.loop import CameraLoop, LoopState, PictureSink
from vision.pipeline import PersonWatcher, open_watcher
from vision.recording import VideoWriter
from vision.states import CameraStates

if TYPE_CHECKING:
    pass

_DRAIN_S: Final = 300.0
_POLL_S: Final = 0.2


@dataclass(slots=True)
class WatchedCamera:
    """One source on its way through: its view, how far it is, and what it writes."""

    source: FrameSource
    view: CameraView
    label: str
    watcher: PersonWatcher | None = None
    video: Path | None = None
    tracks: Path | None = None
    loop: CameraLoop | None = None
    background: BackgroundSink | None = None
    failure: BaseException | None = field(default=None, repr=False)

    @property
    def state(self) -> LoopState:
        """How far it is."""
        return self.loop.state if self.loop is not None else LoopState()


class Watch:
    """Some sources, opened and ready; ``run`` watches them to their end.

    ``folder`` is where videos and tracks are written, None for none. ``live`` shows the cameras to viewers.
    ``watcher_for`` makes what finds and follows people in a source, by default as the options say. Use it as a context
    manager. Raises what the sources, the plan, the weights and the servers raise.
    """

    def __init__(
        self,
        options: WatchOptions,
        settings: Settings,
        bus: Bus,
        records: Records,
        *,
        folder: Path | None = None,
        live: LiveFrames | None = None,
        watcher_for: Callable[[FrameSource], PersonWatcher] | None = None,
    ) -> None:
        self._watcher_for = watcher_for or self._open_watcher
        self._options, self._settings, self._bus, self._records = options, settings, bus, records
        self._folder, self._live = folder, live
        self._stack = ExitStack()
        self.stop = threading.Event()
        self.cameras: list[WatchedCamera] = []
        self.wall_s = 0.0
        self._states = CameraStates(settings.store, bus)

    def __enter__(self) -> Watch:
        with ExitStack() as opening:
            for uri, name in zip(self._options.sources, camera_names(self._options.sources), strict=True):
                source = opening.enter_context(self._open(uri, name))
                self.cameras.append(WatchedCamera(source, view_of(source, self._options), redact(uri)))
            self._stack = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._stack.close()

    def prepare(self) -> None:
        """Open the networks, so that what is wrong with them is raised before anything is watched."""
        for camera in self.cameras:
            if camera.watcher is None:
                camera.watcher = self._watcher_for(camera.source)

    def run(self, on_progress: Callable[[Sequence[WatchedCamera]], None]) -> None:
        """Watch until every source has ended or ``stop`` is set; then all counts are in the records.

        ``on_progress`` is called several times a second. What breaks in a camera's thread is raised here.
        """
        self.prepare()
        plan = Plan(store=self._settings.store, cameras=tuple(camera.view for camera in self.cameras))
        began = time.monotonic()
        groups = (insights_service.GROUP, audit.GROUP)
        for group in groups:
            self._bus.ensure_group(group)
        with keep_tally(self._bus) as tally, run_services(self._bus, self._records, self._settings, plan):
            threads = [self._start(camera, tally) for camera in self.cameras]
            while any(thread.is_alive() for thread in threads):
                if self.stop.is_set():
                    self._hang_up()
                on_progress(self.cameras)
                for thread in threads:
                    thread.join(timeout=_POLL_S / len(threads))
            on_progress(self.cameras)
            self.wall_s = time.monotonic() - began
            # In this order: the insights service says facts that the audit keeps.
            for group in groups:
                self._bus.wait_drained(group, _DRAIN_S)
        for camera in self.cameras:
            if camera.background is not None and camera.state.newest_at is not None:
                camera.background.write(camera.state.newest_at)
            if camera.failure is not None:
                raise camera.failure

    def _hang_up(self) -> None:
        """Close the live sources: one that gives no frames would never see that it is to stop."""
        for camera in self.cameras:
            if camera.source.live:
                camera.source.close()

    def _open(self, uri: str, name: str) -> FrameSource:
        options = self._options
        if is_live(uri):
            return open_source(uri, camera=name, frame_rate=options.frame_rate, on_state=self._states.tell)
        return open_source(uri, camera=name, frame_rate=options.frame_rate, start=options.start, loop=options.loop)

    def _open_watcher(self, source: FrameSource) -> PersonWatcher:
        options = self._options
        return open_watcher(
            source.size, source.frame_rate, weights=options.weights, size=options.size, device=options.device
        )

    def _start(self, camera: WatchedCamera, tally: Tally) -> threading.Thread:
        def run() -> None:
            try:
                with self._prepared(camera, tally) as loop:
                    camera.loop = loop
                    loop.run(self.stop)
            except BaseException as error:
                camera.failure = error
                self.stop.set()
            finally:
                if self._live is not None:
                    self._live.end(camera.view.camera)

        thread = threading.Thread(target=run, name=f"aisle-{camera.view.camera}", daemon=True)
        thread.start()
        return thread

    @contextmanager
    def _prepared(self, camera: WatchedCamera, tally: Tally) -> Iterator[CameraLoop]:
        view, source, watcher = camera.view, camera.source, camera.watcher
        assert watcher is not None

        def publish(events: Sequence[Event]) -> None:
            self._bus.publish(events, live=source.live)

        facts = FactWriter(self._settings.store, view, publish, patience_s=watcher.patience_s)
        with ExitStack() as stack:
            preview = self._settings.previews_dir / f"{file_name(view.camera)}.jpg"
            camera.background = BackgroundSink(preview, self._records, self._settings.store, view)
            sinks: list[PictureSink] = [camera.background]
            if self._live is not None:
                sinks.append(LiveSink(self._live, Drawing(view, tally), view.camera))
            tracks = None
            if self._folder is not None:
                suffix = "" if len(self.cameras) == 1 else f"-{file_name(view.camera)}"
                camera.video = self._folder / f"annotated{suffix}.mp4"
                video = stack.enter_context(VideoWriter(camera.video, source.size, source.frame_rate))
                sinks.append(RecordingSink(video, Drawing(view, tally)))
                camera.tracks = self._folder / f"tracks{suffix}.txt"
                tracks = stack.enter_context(TrackFile(camera.tracks))
            yield CameraLoop(
                source,
                watcher,
                facts,
                blur=PictureBlur(open_face_detector()),
                sinks=sinks,
                settled=tracks.write if tracks is not None else lambda moments: None,
            )
