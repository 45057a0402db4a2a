"""Where a watched camera's blurred pictures go: the live view, the report's video, the heatmap's background."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from api.live import LiveFrames
from api.watch.tally import Tally
from cameras.frame import Frame
from insights.definitions import DEFAULT_RULES
from insights.writing import camera_row
from store import tables
from store.records import Records
from store.views import CameraView
from vision.annotate import annotate
from vision.blurred import BlurredPicture
from vision.detections import Tracks
from vision.jpeg import encode_jpeg
from vision.preview import Background
from vision.recording import VideoWriter
from vision.trails import Trails

_WRITE_EVERY: Final = 8


class Drawing:
    """Draws what is known onto the pictures of one camera; the trails are those of the pictures it was given."""

    def __init__(self, view: CameraView, tally: Tally) -> None:
        self._view, self._tally, self._trails = view, tally, Trails()

    def draw(self, picture: BlurredPicture, tracks: Tracks) -> BlurredPicture:
        """A copy with boxes, ids, trails, lines with their counts, and zones."""
        self._trails.update(tracks, picture.captured_at)
        return annotate(
            picture,
            tracks,
            view=self._view,
            trails=self._trails,
            counts=self._tally.crossings(self._view.camera),
            present=self._tally.present(self._view.camera),
        )


class LiveSink:
    """Shows the camera to whoever looks at it now; costs nothing while nobody does."""

    def __init__(self, live: LiveFrames, drawing: Drawing, camera: str) -> None:
        live.announce(camera)
        self._live, self._drawing, self._camera = live, drawing, camera

    def wants(self, frame: Frame) -> bool:
        """When somebody looks; every frame is counted for the metrics."""
        self._live.handled(self._camera)
        return self._live.watched(self._camera)

    def take(self, picture: BlurredPicture, tracks: Tracks) -> None:
        """Make it the newest picture."""
        self._live.put(self._camera, encode_jpeg(self._drawing.draw(picture, tracks)))


class RecordingSink:
    """Writes every frame to the report's video."""

    def __init__(self, video: VideoWriter, drawing: Drawing) -> None:
        self._video, self._drawing = video, drawing

    def wants(self, frame: Frame) -> bool:
        """Always."""
        return True

    def take(self, picture: BlurredPicture, tracks: Tracks) -> None:
        """Write it with what is known drawn on it."""
        self._video.write(self._drawing.draw(picture, tracks))


class BackgroundSink:
    """Keeps a blurred picture of the place without people, and names it in the records for the heatmap."""

    def __init__(self, path: Path, records: Records, store: str, view: CameraView) -> None:
        self._path, self._records, self._store, self._view = path, records, store, view
        self._background = Background()
        self._kept = 0

    def wants(self, frame: Frame) -> bool:
        """Now and then, on the clock of the footage."""
        return self._background.due(frame.captured_at)

    def take(self, picture: BlurredPicture, tracks: Tracks) -> None:
        """Consider it; the file is written anew at the first and at every eighth kept picture."""
        if self._background.update(picture):
            if self._kept % _WRITE_EVERY == 0:
                self.write(picture.captured_at)
            self._kept += 1

    def picture(self) -> BlurredPicture | None:
        """The place without people, as far as it is known."""
        return self._background.picture()

    def write(self, time_s: float) -> None:
        """Write the picture as it is now, if there is one."""
        if self._background.write(self._path):
            row = camera_row(self._store, self._view, DEFAULT_RULES, [time_s]) | {"preview": str(self._path)}
            with self._records.begin() as connection:
                self._records.merge(connection, tables.cameras, [row])
