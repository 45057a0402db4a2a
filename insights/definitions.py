"""What the numbers mean: the rules with their values, and one plain sentence for each, made from those values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """The constants of the counting. Lengths are relative to the picture, so that any resolution counts alike.

    ``line_margin`` is a fraction of the picture's height (20 pixels of 576 lines, more than the jitter of a foot point
    reaches from one side to the other), ``line_margin_m`` metres on the floor of a calibrated camera; ``cell_fraction``
    is a heatmap cell as a fraction of the picture's width. Raises ``ValueError`` for a value that counts nothing.
    """

    line_margin: float = 20 / 576
    line_margin_m: float = 0.15
    flicker_s: float = 2.0
    min_stay_s: float = 1.0
    max_step_s: float = 1.0
    queue_s: float = 5.0
    silence_s: float = 60.0
    lateness_s: float = 2.0
    cell_fraction: float = 1 / 48
    cell_m: float = 0.25

    def __post_init__(self) -> None:
        positive = ("flicker_s", "max_step_s", "queue_s", "silence_s", "cell_fraction", "cell_m")
        for name in (*positive, "line_margin", "line_margin_m", "min_stay_s", "lateness_s"):
            value = getattr(self, name)
            if not value >= 0 or (name in positive and value == 0):
                wanted = "above 0" if name in positive else "0 or more"
                raise ValueError(f"rule {name} must be {wanted}, got {value}")

    def line_margin_px(self, height: int) -> float:
        """The margin of a line in pixels of a picture of ``height`` lines."""
        return self.line_margin * height

    def cell_px(self, width: int) -> int:
        """The side of a heatmap cell in pixels of a picture of ``width`` columns."""
        return max(1, round(self.cell_fraction * width))


DEFAULT_RULES = Rules()


def definitions(rules: Rules = DEFAULT_RULES, min_visitors: int = 3) -> dict[str, str]:
    """Name to sentence, for pages, reports and the API; ``min_visitors`` is the k of the privacy rule."""
    return {
        "visit": (
            "One person from appearing in a camera's picture to being followed no longer. Nobody is recognised: "
            "whoever comes back is a new visit. "
            f"Somebody not seen for {rules.silence_s:g} s has left at the last sighting."
        ),
        "line_crossing": (
            "Walking along a line from its first end to its second, going from the left-hand side to the right-hand "
            "side is 'in', the other way 'out'. A crossing counts once the foot point, the middle of a person's lower "
            f"edge, has been {rules.line_margin:.1%} of the picture's height ({rules.line_margin_px(576):g} px of 576) "
            "or more beyond the line on one side and then on the other, on a calibrated floor also "
            f"{rules.line_margin_m:g} m, having passed between the line's ends. Its time is when the line was passed."
        ),
        "zone_stay": (
            f"A person's foot point is inside the zone for {rules.min_stay_s:g} s or more. Whoever is outside for less "
            f"than {rules.flicker_s:g} s, or is not seen for a while and found again inside, has not left."
        ),
        "dwell": "The time from the first to the last sighting of one stay in a zone, short absences included.",
        "occupancy": (
            "How many people are present at once; the peak is the most at any moment of a minute, the mean is "
            f"person-seconds over seconds. Between two sightings a person counts for {rules.max_step_s:g} s at most."
        ),
        "heatmap": (
            f"Seconds that people were present in each cell, between two sightings {rules.max_step_s:g} s at most. "
            f"A cell is 1/{1 / rules.cell_fraction:.0f} of the picture's width, "
            f"or {rules.cell_m:g} m on a calibrated floor."
        ),
        "hidden_cells": (
            f"A heatmap cell is shown only when {min_visitors} {'visit' if min_visitors == 1 else 'visits'} or more "
            "came to it in the time asked for; a visit counts in the minute of its first sighting there."
        ),
        "queue": (
            f"A zone holds at least its queue limit of people for {rules.queue_s:g} s without a break, absences of "
            f"less than {rules.flicker_s:g} s not counted."
        ),
        "staff_zones": (
            "A position inside a staff zone counts nowhere: not as a crossing, a stay, presence, heat or a visit."
        ),
        "staff": (
            "A visit of staff counts nowhere either, from when it is known as one: by the vest that the plan names "
            "(`person.is_staff`), or by the code of staff that opened its session. What was counted before that stays."
        ),
    }
