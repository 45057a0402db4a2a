"""`aisle evaluate checkout` on its own command line, from a family's name to scores."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from api.commands.evaluate import app
from training.evaluate.checkout_suite import SuiteRequest, SuiteSettings, suite_clips

SCORES = {
    "item_precision", "item_recall", "item_f1", "exact_receipts", "wrong_charge", "review_rate", "final_receipt_p95_s",
    "ece",
}  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, ["checkout", *map(str, arguments)])


def test_a_family_goes_from_pixels_to_receipts_and_is_filmed_once(tmp_path):
    """Two cameras at 2 pictures a second see little: that all stages run is what is asked, not how well."""
    settings = SuiteSettings(("door-in", "over-north"), rate_hz=2.0)
    request = SuiteRequest("single_pick", tmp_path / "clips", range(7, 8))
    told = []
    (clip,) = suite_clips(request, settings, lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == len(list(clip.pictures())) > 80
    assert not list(clip.folder.glob("cameras/*/coco.json"))
    told.clear()
    assert suite_clips(request, settings, lambda done, total: told.append((done, total))) == [clip]
    assert not any(done for done, _ in told)
    result = run(clip.folder, "--sensors", "vision+plates", "--keep", "--failures", tmp_path / "pages", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["overall"].keys() >= SCORES
    assert found["families"]["single_pick"]["receipts"] == 1
    stages = found["cost"]["cpu_s_by_stage"]
    assert stages["detect"] > 0.5
    assert stages["watch, vision+plates"] > 0
    assert (tmp_path / "pages" / "README.md").is_file()
    assert list(clip.folder.glob("people-*.npz"))


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
