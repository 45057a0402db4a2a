"""`aisle evaluate checkout` on its own command line, from a family's name to scores."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from api.commands.evaluate import app
from training.evaluate import checkout_suite
from training.evaluate.checkout_suite import SuiteSettings

SCORES = {
    "item_precision", "item_recall", "item_f1", "exact_receipts", "wrong_charge", "review_rate", "final_receipt_p95_s",
    "ece",
}  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, ["checkout", *map(str, arguments)])


def test_a_family_goes_from_pixels_to_receipts_and_is_filmed_once(tmp_path, monkeypatch):
    """Two cameras at 2 pictures a second see little: that all stages run is what is asked, not how well."""
    settings = SuiteSettings(("door-in", "over-north"), rate_hz=2.0, tail_s=1.0)
    monkeypatch.setattr(checkout_suite, "SuiteSettings", lambda **given: replace(settings, **given))
    asked = ("single_pick", "--seeds", "7:8", "--sensors", "both", "--clips", tmp_path / "clips", "--json")
    first = run(*asked, "--failures", tmp_path / "pages")
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)["sensors"]
    for name in ("vision", "vision+plates"):
        assert found[name]["overall"].keys() >= SCORES
        assert found[name]["families"]["single_pick"]["receipts"] == 1
        assert found[name]["cost"]["cpu_s_by_stage"]["detect"] > 0.5
        assert (tmp_path / "pages" / name.replace("+", "-and-") / "README.md").is_file()
    assert found["vision"]["cost"]["cpu_s_by_stage"]["watch, vision+plates"] > 0
    (film,) = (tmp_path / "clips").glob("*/single_pick-0007/cameras/door-in/door-in.mp4")
    made = film.stat().st_mtime_ns
    assert not list(film.parent.glob("coco.json"))
    again = run(*asked, "--keep")
    assert json.loads(again.stdout)["sensors"]["vision"]["overall"]["due"] == found["vision"]["overall"]["due"]
    assert film.stat().st_mtime_ns == made


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "no suite, family or folder 'nothing'"),
        (("fast", "--seeds", "9:3"), "--seeds 9:3"),
        (("fast", "--store", "mall"), "--store mall"),
        (("fast", "--families", "put_back,nobody"), "no family nobody"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
