"""The public ``trackers`` package's trackers, to be measured by the same command on the same detections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from training.evaluate.extra import extra
from training.evaluate.runner import Numbered
from vision.detections import Detections, Tracks


class UnknownPeerError(ValueError):
    """No such peer."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer: its class in ``trackers``, and the confidence that a detection needs to be shown to it.

    Every other setting is the package's default. SORT and ByteTrack try to match each detection they are shown, and do
    best on these without the weakest; OC-SORT and BoT-SORT sort out the weak ones themselves.
    """

    cls: str
    min_confidence: float = 0.0
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


PEERS: Mapping[str, Peer] = MappingProxyType(
    {
        "sort": Peer("SORTTracker", 0.6),
        "bytetrack": Peer("ByteTrackTracker", 0.6),
        "ocsort": Peer("OCSORTTracker"),
        # Camera motion is found from pictures, and detection files have none.
        "botsort": Peer("BoTSORTTracker", options=MappingProxyType({"enable_cmc": False})),
    }
)


def choose_peers(names: list[str]) -> list[str]:
    """The peers that ``--peer`` names; "all" means all of them. Raises ``UnknownPeerError`` for any other name."""
    unknown = [name for name in names if name != "all" and name not in PEERS]
    if unknown:
        raise UnknownPeerError(f"no tracker {unknown[0]!r} to compare with; there are {', '.join(PEERS)} and all")
    return [name for name in PEERS if name in names or "all" in names]


class PeerFollower:
    """A peer behind the interface of ``training.evaluate.runner.Follower``.

    ``min_confidence`` replaces the peer's own, see ``Peer``. Raises ``UnknownPeerError``, and ``MissingExtraError``
    where ``trackers`` is not installed.
    """

    def __init__(self, name: str, frame_rate: float, min_confidence: float | None = None) -> None:
        peer = PEERS[choose_peers([name])[0]]
        with extra():
            import supervision
            import trackers
        self._detections = supervision.Detections
        self._tracker = getattr(trackers, peer.cls)(frame_rate=frame_rate, **peer.options)
        self._min_confidence = peer.min_confidence if min_confidence is None else min_confidence

    def prepare(self, detections: Detections, number: int) -> Any:
        """As ``supervision.Detections`` of one class."""
        shown = detections[detections.confidence >= np.float32(self._min_confidence)]
        return self._detections(xyxy=shown.xyxy, confidence=shown.confidence, class_id=np.zeros(len(shown), dtype=int))

    def update(self, prepared: Any) -> Any:
        """One frame."""
        return self._tracker.update(prepared)

    def tracks(self, answer: Any, number: int) -> Numbered:
        """Without what has no id yet, which the package marks by -1; ids from 1."""
        track_id = np.asarray(answer.tracker_id, dtype=np.int64)
        confirmed = track_id != -1
        confidence = np.ones(len(track_id)) if answer.confidence is None else answer.confidence
        tracks = Tracks(
            track_id[confirmed] + 1,
            answer.xyxy[confirmed].astype(np.float32),
            np.asarray(confidence)[confirmed].astype(np.float32),
        )
        return [(number, tracks)]

    def finish(self) -> Numbered:
        """Nothing is held back."""
        return []
