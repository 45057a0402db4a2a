"""When detections make, keep, re-link and end a track."""

from __future__ import annotations

from dataclasses import dataclass, field

from vision.motion import MotionNoise


@dataclass(frozen=True, slots=True)
class FirstLook:
    """How strong detections are matched with confirmed tracks.

    A pair is allowed when the overlap of its boxes, each widened by the share ``widen``, is above ``gate`` (above
    ``lost_gate`` for a track that was not seen in the frame before, whose similarity is also multiplied by
    ``lost_weight``) and its appearance differs by less than ``appearance_gate``. The similarity is the overlap times
    the vertical overlap to the power ``height_power``, times a share ``confidence_weight`` that grows with the
    confidence, plus ``appearance_weight`` times how much nearer the appearance is than ``appearance_far``, the
    difference (1 - cosine) that says neither yes nor no.
    """

    widen: float = 0.116
    gate: float = 0.47
    lost_gate: float = 0.2
    lost_weight: float = 0.98
    height_power: float = 1.3
    confidence_weight: float = 0.16
    appearance_weight: float = 1.9
    appearance_far: float = 0.207
    appearance_gate: float = 0.255


@dataclass(frozen=True, slots=True)
class Relink:
    """When a newly confirmed track is the continuation of one that was lost.

    The track must have been lost for no more than ``longest_s``, or ``blind_s`` where nothing is known of appearances:
    after a while, being near where motion led is no evidence any more. The distance, in heights, must be below
    ``start`` plus ``speed`` times the seconds between, the logarithm of the heights' ratio below ``height``, and the
    appearance must differ by less than ``appearance``.
    """

    longest_s: float = 4.7
    blind_s: float = 1.0
    start: float = 0.42
    speed: float = 0.63
    height: float = 0.284
    appearance: float = 0.128


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """Confidences in [0, 1], overlaps as intersection over union, times in seconds of footage.

    Detections from ``strong`` on may match any track; those from ``weak`` on only continue one that was seen in the
    frame before (``weak_gate``), with ``weak_noise`` times the noise. Those from ``birth`` on start a track where they
    match none and do not double another (``duplicate_iou``, ``duplicate_cover``). A track is confirmed after
    ``confirm_hits`` frames in a row whose confidences sum to ``confirm_evidence``. Until ``keep_lost_s`` a lost track
    waits where its motion led, slowing down in ``lost_damping_s``. ``appearance_rate`` is the share of a new look in a
    track's appearance, taken only while less than ``clean_cover`` of the box is covered by another.

    The values were found by an evolution strategy (CMA-ES) on the first halves of MOT17-02 and -04, the second halves
    of MOT17-05, -10 and -13, and the first half of vtest.
    """

    strong: float = 0.555
    weak: float = 0.1
    birth: float = 0.66
    first_look: FirstLook = field(default_factory=FirstLook)
    weak_gate: float = 0.427
    weak_noise: float = 3.67
    tentative_gate: float = 0.196
    duplicate_iou: float = 0.58
    duplicate_cover: float = 0.95
    confirm_hits: int = 2
    confirm_evidence: float = 3.2
    keep_lost_s: float = 2.15
    lost_damping_s: float = 4.3
    appearance_rate: float = 0.12
    clean_cover: float = 0.4
    relink: Relink = field(default_factory=Relink)
    noise: MotionNoise = field(default_factory=MotionNoise)
