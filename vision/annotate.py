"""Drawing what was understood onto blurred pictures: people, their trails, lines with counts, zones."""

from __future__ import annotations

import math
from collections.abc import Mapping

from store.views import CameraView, Line, Zone
from vision.blurred import BlurredPicture, Image, only_blurred
from vision.detections import Tracks
from vision.strokes import ACCENT, DARK, GREY, LIGHT, Colour, Point, Scale, box, colour_of, fade, fill, label, stroke
from vision.trails import Trails

Counts = Mapping[str, tuple[int, int]]
_ZONE_TINT = 0.16


def annotate(
    picture: BlurredPicture,
    tracks: Tracks,
    *,
    view: CameraView | None = None,
    trails: Trails | None = None,
    counts: Counts | None = None,
    present: Mapping[str, int] | None = None,
) -> BlurredPicture:
    """A copy of ``picture`` with boxes and ids of ``tracks``, the lines and zones of ``view``, and ``trails``.

    ``counts`` is (in, out) by line name, ``present`` the people now by zone name; what is not given is left out. A
    ``view`` of another picture size is scaled to this one. Raises ``TypeError`` for a picture that is not blurred.
    """
    only_blurred(picture)

    fitted = None if view is None else view.at_size(picture.size)
    zones, lines = (fitted.zones, fitted.lines) if fitted is not None else ((), ())

    def draw(image: Image) -> None:
        scale = Scale.of(image.shape[0])
        for zone in zones:
            fill(image, zone.polygon, _zone_colour(zone), _ZONE_TINT)
            stroke(image, zone.polygon, _zone_colour(zone), scale, closed=True)
        for line in lines:
            _draw_line(image, line, scale)
        if trails is not None:
            for track_id, (points, fresh) in trails.paths().items():
                fade(image, points, fresh, colour_of(track_id), scale.line + 1)
        # From far to near; all text comes last, so that no box runs through it.
        order = tracks.xyxy[:, 3].argsort(kind="stable")
        people = [(int(tracks.track_id[i]), tracks.xyxy[i].tolist()) for i in order]
        for track_id, corners in people:
            box(image, corners, colour_of(track_id), scale)
        for zone in zones:
            _label_zone(image, zone, (present or {}).get(zone.name), scale)
        for line in lines:
            _label_line(image, line, (counts or {}).get(line.name), scale)
        for track_id, (x1, y1, _, _) in people:
            label(image, str(track_id), (x1 - scale.halo / 2, y1), colour_of(track_id), scale)

    return picture.drawn(draw)


def _zone_colour(zone: Zone) -> Colour:
    return GREY if zone.staff else ACCENT


def _label_zone(image: Image, zone: Zone, people: int | None, scale: Scale) -> None:
    text = f"{zone.name} (staff)" if zone.staff else zone.name
    if people is not None:
        text += f": {people}"
    x, y = min(zone.polygon, key=lambda point: (point[1], point[0]))
    label(image, text, (x, y), _zone_colour(zone), scale, anchor=(0, 0))


def _arrow(line: Line, scale: Scale) -> tuple[Point, Point, Point]:
    """From the middle of ``line`` to the side of "in": its foot, its tip, and its direction."""
    (ax, ay), (bx, by) = line.a, line.b
    length = math.hypot(bx - ax, by - ay)
    # The right-hand side of somebody who walks from a to b, in a picture whose y points down.
    side = -(by - ay) / length, (bx - ax) / length
    foot = (ax + bx) / 2, (ay + by) / 2
    reach = scale.text * 1.8
    return foot, (foot[0] + side[0] * reach, foot[1] + side[1] * reach), side


def _draw_line(image: Image, line: Line, scale: Scale) -> None:
    foot, (x, y), (dx, dy) = _arrow(line, scale)
    back, half = scale.text * 0.7, scale.text * 0.5
    wings = [(x - dx * back + sign * dy * half, y - dy * back - sign * dx * half) for sign in (-1, 1)]
    stroke(image, [line.a, line.b], LIGHT, scale)
    stroke(image, [foot, (x, y)], LIGHT, scale)
    stroke(image, [wings[0], (x, y), wings[1]], LIGHT, scale)


def _label_line(image: Image, line: Line, count: tuple[int, int] | None, scale: Scale) -> None:
    _, (x, y), (dx, dy) = _arrow(line, scale)
    gap = scale.text * 0.3
    label(image, "in", (x + dx * gap, y + dy * gap), DARK, scale, anchor=(0.5 - dx / 2, 0.5 - dy / 2))
    text = line.name if count is None else f"{line.name}  in {count[0]}  out {count[1]}"
    # At the end further up, where fewer people stand in front of it.
    top = min(line.a, line.b, key=lambda point: point[1])
    label(image, text, (top[0] + scale.halo, max(top[1], 0) + scale.halo), DARK, scale, anchor=(0, 0))
