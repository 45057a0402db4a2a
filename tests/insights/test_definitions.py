"""The definitions say the numbers that are counted with."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from insights.definitions import DEFAULT_RULES, Rules, definitions


def test_every_rule_but_the_waiting_shows_in_a_sentence():
    plain = definitions()
    for field in fields(Rules):
        other = replace(DEFAULT_RULES, **{field.name: 0.3})
        differs = definitions(other) != plain
        assert differs == (field.name != "lateness_s"), field.name
    assert definitions(min_visitors=17) != plain


def test_the_sentences_hold_the_usual_numbers():
    told = definitions()
    assert "3.5% of the picture's height (20 px of 576)" in told["line_crossing"]
    assert "0.15 m" in told["line_crossing"]
    assert "1/48 of the picture's width, or 0.25 m" in told["heatmap"]
    assert "3 visits" in told["hidden_cells"]
    assert "5 s" in told["queue"]
    assert "less than 2 s" in told["zone_stay"]
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in told.values())


def test_margins_and_cells_follow_the_picture():
    assert DEFAULT_RULES.line_margin_px(576) == pytest.approx(20)
    assert DEFAULT_RULES.line_margin_px(1152) == pytest.approx(40)
    assert [DEFAULT_RULES.cell_px(width) for width in (768, 1920, 480, 10)] == [16, 40, 10, 1]


@pytest.mark.parametrize(
    ("name", "value"), [("flicker_s", 0), ("line_margin", -0.1), ("silence_s", float("nan")), ("queue_s", 0.0)]
)
def test_rules_that_count_nothing_are_refused(name: str, value: float):
    with pytest.raises(ValueError, match=name):
        Rules(**{name: value})


@pytest.mark.parametrize("name", ["line_margin", "line_margin_m", "min_stay_s", "lateness_s"])
def test_some_rules_may_be_nothing(name: str):
    assert getattr(Rules(**{name: 0.0}), name) == 0.0
