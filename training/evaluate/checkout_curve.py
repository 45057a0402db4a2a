"""Reviews against wrong charges, as a drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_SIZE: Final = (560, 340)
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 20, 20, 52
_TICKS: Final = 5


def curve_svg(curve: Sequence[Mapping[str, float]]) -> str:
    """An SVG of ``training.evaluate.checkout_scores.review_curve``: lines put to people along, what is still charged
    wrongly upwards, both in percent; a point's title tells its threshold.
    """
    most_x = max([point["review_rate"] for point in curve], default=0.0) or 1.0
    most_y = max([point["wrong_charge"] for point in curve], default=0.0) or 0.01
    width, height = _SIZE[0] - _LEFT - _RIGHT, _SIZE[1] - _TOP - _BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return round(_LEFT + width * x / most_x, 1), round(_TOP + height * (1 - y / most_y), 1)

    points = [(*at(point["review_rate"], point["wrong_charge"]), point["threshold"]) for point in curve]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE[0]} {_SIZE[1]}" font-family="sans-serif" '
        'font-size="12" fill="#333">',
        f'<rect width="{_SIZE[0]}" height="{_SIZE[1]}" fill="#fff"/>',
    ]
    for step in range(_TICKS + 1):
        share = step / _TICKS
        (x, _), (_, y) = at(share * most_x, 0), at(0, share * most_y)
        parts += [
            f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{_TOP + height}" stroke="#ddd"/>',
            f'<line x1="{_LEFT}" y1="{y}" x2="{_LEFT + width}" y2="{y}" stroke="#ddd"/>',
            f'<text x="{x}" y="{_TOP + height + 18}" text-anchor="middle">{100 * share * most_x:.1f}</text>',
            f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{100 * share * most_y:.1f}</text>',
        ]
    line = " ".join(f"{x},{y}" for x, y, _ in points)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="2"/>')
    parts += [
        f'<circle cx="{x}" cy="{y}" r="3.5" fill="#2563eb"><title>below {min(threshold, 1):g}</title></circle>'
        for x, y, threshold in points
    ]
    parts += [
        f'<text x="{_LEFT + width / 2}" y="{_SIZE[1] - 10}" text-anchor="middle">lines put to people, %</text>',
        f'<text transform="translate(16 {_TOP + height / 2}) rotate(-90)" text-anchor="middle">'
        "value still charged wrongly or missed, %</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
