from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from click.testing import Result
from typer.testing import CliRunner

from api.cli import app
from store.catalogue import load_catalogue
from store.plan import load_plan


def aisle(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["store", *map(str, arguments)])


@pytest.mark.parametrize(("example", "fixtures"), [("nano", 5), ("shop", 22)])
def test_init_writes_an_example_that_check_accepts(example: str, fixtures: int, tmp_path: Path) -> None:
    plan = tmp_path / "new" / "plan.yaml"
    done = aisle("init", plan.parent, "--example", example)
    assert done.exit_code == 0
    assert f"aisle store check {plan}" in done.output
    assert len(load_plan(plan).fixtures) == fixtures
    assert plan.read_text().startswith("# A ")
    picture = tmp_path / "plan.png"
    checked = aisle("check", plan, "--picture", picture)
    assert checked.exit_code == 0
    assert f"{example}: {fixtures} fixtures" in checked.output
    assert "errors: 0, warnings: 0" in checked.output
    assert "slots seen: 100.0% by 1 or more" in checked.output
    image = cv2.imread(str(picture))
    assert image is not None
    assert image.shape[1] > 1000


def test_init_overwrites_only_when_told(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("mine")
    refused = aisle("init", tmp_path)
    assert (refused.exit_code, plan.read_text()) == (2, "mine")
    assert "--force" in refused.output
    assert aisle("init", tmp_path, "--force").exit_code == 0
    assert load_plan(plan).store == "nano"


def test_check_says_errors_with_their_lines_and_fails(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    aisle("init", tmp_path)
    text = plan.read_text().replace("product: box-07,", "product: kiwi,", 1)
    plan.write_text(text)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "kiwi" in row)
    checked = aisle("check", plan)
    assert checked.exit_code == 1
    assert f"{plan}, line {line}: error: slot north-left/1/7 has the unknown product kiwi" in checked.output
    assert "errors: 1, warnings: 0" in checked.output


def test_warnings_do_not_fail(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("store: s\nfloor: {polygon: [[0, 0], [4, 0], [4, 4]]}\n")
    checked = aisle("check", plan)
    assert checked.exit_code == 0
    assert f"{plan}, line 2: warning: no camera sees 100% of the free floor" in checked.output
    assert "errors: 0, warnings: 2" in checked.output


def test_a_plan_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("store: s\ngates:\n  - {name: g, a: [0, 0], b: [1, 0]}\n")
    checked = aisle("check", plan)
    assert checked.exit_code == 1
    assert f"plan {plan}: line 3, gates.0: gate g needs a floor" in checked.output
    assert "Traceback" not in checked.output


def test_a_picture_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("store: s\nfloor: {polygon: [[0, 0], [4, 0], [4, 4]]}\n")
    odd = aisle("check", plan, "--picture", tmp_path / "plan.docx")
    assert (odd.exit_code, "use .png or .jpg" in odd.output) == (2, True)
    away = aisle("check", plan, "--picture", tmp_path / "no" / "plan.png")
    assert (away.exit_code, "cannot be written: No such file" in away.output) == (2, True)


def test_photos_show_each_product_of_a_plan(small_shop: Path, tmp_path: Path) -> None:
    done = aisle("photos", small_shop / "plan.yaml", "--out", tmp_path / "album", "--size", "64")
    assert done.exit_code == 0, done.output
    assert "photos of 3 products" in done.output
    catalogue = load_catalogue(tmp_path / "album" / "catalogue.yaml")
    assert catalogue == load_catalogue(small_shop / "catalogue.yaml")
    for product in catalogue.products:
        views = [cv2.imread(str(tmp_path / "album" / product.gtin / f"{view}.jpg")) for view in ("front", "corner")]
        for image in views:
            assert image is not None
            assert image.shape == (64, 64, 3)
            assert image[:2].min() > 240  # white above
            assert (image[20:44, 28:36].min(axis=2) < 200).mean() > 0.3  # the package in the middle
        assert (views[0] != views[1]).any()


def test_photos_of_no_plan_are_refused(tmp_path: Path) -> None:
    done = aisle("photos", tmp_path / "none.yaml", "--out", tmp_path / "album")
    assert done.exit_code == 1
    assert "none.yaml cannot be read" in done.output
    assert not (tmp_path / "album").exists()
