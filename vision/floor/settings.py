"""What the floor tracker assumes of people, detectors and cameras; none of it is of any one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BoxErrors:
    """How boxes err.

    ``centre`` and ``size``: standard deviations of a box's centre and height, as shares of its height. ``body_m``: that
    of the box's ends on account of a body that strides, bends and stretches its arms (m). ``depth_m``: how far before a
    body's middle, towards the camera, its box's lower edge touches the floor. ``height_m`` and
    ``height_sd_m``: how tall people are. ``aspect`` and ``aspect_sd``: a standing person's width over height.
    ``edge_px``: a box's side that is this near the picture's edge is cut by it. ``found``: the share of people in full
    view that a detector finds; ``false_boxes``: how many it makes up, a picture.
    """

    centre: float = 0.03
    size: float = 0.03
    body_m: float = 0.03
    depth_m: float = 0.0
    height_m: float = 1.7
    height_sd_m: float = 0.1
    aspect: float = 0.33
    aspect_sd: float = 0.08
    edge_px: float = 2.0
    found: float = 0.88
    false_boxes: float = 0.5


@dataclass(frozen=True, slots=True)
class JointErrors:
    """How joints err.

    ``pixel``: standard deviation along each axis of a joint of confidence ``sure`` or more, as a share of its box's
    larger side, and ``unsure`` what is added for each 1 of confidence less (fitted to simulated films of seed 500).
    ``aside_m`` (4,): how far the middles of shoulders, hips, knees and ankles are from the body's axis, and ``up_m``
    (4,) from their usual height, on account of stooping and striding. ``least``: joints below this confidence are not
    used; ``pairs``: fewer than this many say too little. ``cut``: how much more joints err in boxes that the picture's
    edge cuts.
    """

    pixel: float = 0.02
    sure: float = 0.93
    unsure: float = 0.22
    aside_m: tuple[float, float, float, float] = (0.15, 0.08, 0.12, 0.1)
    up_m: tuple[float, float, float, float] = (0.06, 0.06, 0.04, 0.02)
    least: float = 0.3
    pairs: int = 2
    cut: float = 3.0


@dataclass(frozen=True, slots=True)
class Walking:
    """How people move.

    ``acceleration``: density of white-noise acceleration (m / s^1.5). ``sway``: that of the place itself (m / s^.5).
    ``stoop``: that of the height (m / s^.5). ``speed``: standard deviation of a new person's velocity along each axis
    (m / s). ``leap``: like ``sway``, of the few who move as nobody expects.
    """

    acceleration: float = 0.15
    sway: float = 0.3
    stoop: float = 0.2
    speed: float = 0.8
    leap: float = 2.0


@dataclass(frozen=True, slots=True)
class FloorSettings:
    """All of it.

    Finding: ``gate`` is the largest squared Mahalanobis distance of a box from a person, ``rounds`` how often the
    cameras' choices are made, each knowing the others'. ``confirm`` and ``drop`` are log odds of somebody being there
    from which a track is given out, and below which it is forgotten; ``surest`` is the most that they grow to.
    ``arrivals``: new people a square metre and second, where they may come. ``leave_s``: the mean time after which
    somebody is gone, where they may go.

    Settling: ``window_s`` is how long a moment waits at most, ``plain_s`` where nothing may be mixed up: everybody is
    seen, farther than ``alone_m`` from one another, and comes and goes at gates. ``leaps`` is the share of moments at
    which people move as nobody expects; ``keep`` speaks for who was followed live as one (log odds). ``unseen`` is the
    chance that all cameras miss somebody for one common reason; a path is given up ``forget_s`` seconds after it was
    last seen, or when the log chance that the cameras missed it since is below ``silence``. With gates that is only at
    one, below ``silence_at_gates``: who is not seen elsewhere is hidden, and however long that is, it speaks against
    being the same by ``silence_inside`` at most. Who is before a gate is told of once two cameras see them, or inside.
    Looks count ``looks_in_link`` times as much between paths as between boxes: there several moments speak.
    """

    boxes: BoxErrors = BoxErrors()
    joints: JointErrors = JointErrors()
    walking: Walking = Walking()
    gate: float = 20.0
    rounds: int = 3
    confirm: float = 4.0
    drop: float = -1.0
    surest: float = 9.0
    arrivals: float = 0.002
    leave_s: float = 5.0
    window_s: float = 3.0
    plain_s: float = 0.8
    alone_m: float = 1.5
    leaps: float = 0.001
    keep: float = 0.5
    unseen: float = 0.01
    forget_s: float = 10.0
    silence: float = -30.0
    silence_at_gates: float = -12.0
    silence_inside: float = -8.0
    looks_in_link: float = 2.0
