"""Suites: which clips they have and where these are kept. Pages: what is shown of what went wrong."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets.sample import DatasetFileError
from datasets.simulation.filming.recipes import Filming, Recipe
from datasets.simulation.scenario import families
from store.events import ProductTaken
from tests.training.truthful import Blind, Truthful
from training.evaluate.checkout_causes import Mistake
from training.evaluate.checkout_clip import clips_in
from training.evaluate.checkout_curve import curve_svg
from training.evaluate.checkout_pages import around, best_cameras, write_pages
from training.evaluate.checkout_playing import play
from training.evaluate.checkout_report import CheckoutReport
from training.evaluate.checkout_suite import SuiteRequest, SuiteSettings, clip_folder, suite_clips, suite_recipes
from vision.shop.networks import Networks

SETTINGS = SuiteSettings()


def recipes(suite, tmp_path, **asked):
    return suite_recipes(SuiteRequest(suite, tmp_path, **asked), SETTINGS)


def test_fast_has_each_family_with_two_acceptance_seeds_and_full_with_ten(tmp_path):
    fast = recipes("fast", tmp_path)
    assert {recipe.scenario for recipe in fast} == set(families())
    assert {recipe.seed for recipe in fast} == {9000, 9001}
    assert len(fast) == 2 * len(families())
    assert {recipe.seed for recipe in recipes("full", tmp_path)} == set(range(9000, 9010))
    assert all(recipe.filming.cameras == SETTINGS.cameras and not recipe.filming.annotated for recipe in fast)


def test_families_and_seeds_can_be_chosen(tmp_path):
    found = recipes("fast", tmp_path, seeds=range(500, 501), chosen=("put_back", "crowd_8"))
    assert [recipe.name for recipe in found] == ["put_back-0500", "crowd_8-0500"]
    assert [recipe.seed for recipe in recipes("hand_over", tmp_path)] == [9000, 9001]
    # Another store has other cameras: all of its own film.
    assert recipes("hand_over", tmp_path, store="shop")[0].filming.cameras == ()
    with pytest.raises(DatasetFileError, match="no family nobody"):
        recipes("fast", tmp_path, chosen=("nobody",))
    with pytest.raises(DatasetFileError, match="no suite, family or folder 'nothing'"):
        recipes("nothing", tmp_path)


def test_a_clip_is_kept_under_all_that_decides_what_it_holds(small_shop, tmp_path):
    recipe = Recipe(str(small_shop / "short.yaml"), 3, small_shop / "plan.yaml", Filming(rate_hz=5.0))
    home = clip_folder(tmp_path, recipe)
    assert home.name == "short-0003"
    assert clip_folder(tmp_path, replace(recipe, seed=4)) == home.with_name("short-0004")
    assert clip_folder(tmp_path, replace(recipe, filming=Filming(rate_hz=4.0))).parent != home.parent
    other = tmp_path / "short.yaml"
    other.write_text((small_shop / "short.yaml").read_text().replace("duration_s: 15", "duration_s: 12"))
    assert clip_folder(tmp_path, replace(recipe, scenario=str(other))).parent != home.parent


def test_a_folder_of_runs_is_a_suite(small_dataset, tmp_path):
    request = SuiteRequest(str(small_dataset), tmp_path)
    assert [clip.name for clip in suite_clips(request, SETTINGS)] == ["short-0003"]
    assert suite_clips(replace(request, seeds=range(3, 5), chosen=("short",)), SETTINGS)
    for wrong in (replace(request, seeds=range(4, 6)), replace(request, chosen=("put_back",))):
        with pytest.raises(DatasetFileError, match="no run of the families and seeds"):
            suite_clips(wrong, SETTINGS)


@pytest.fixture(scope="module")
def clip(small_dataset):
    return clips_in(small_dataset)[0]


def test_cameras_are_chosen_by_what_they_show(clip):
    near_left = best_cameras(clip, np.array([1.6, 1.6, 1.0]))
    near_right = best_cameras(clip, np.array([3.4, 1.6, 1.0]))
    assert [camera.camera for camera in near_left] == ["left", "right side"]
    assert [camera.camera for camera in near_right] == ["right side", "left"]
    # One camera's picture ends before this place; nobody sees into the rack, and then any will do.
    assert [camera.camera for camera in best_cameras(clip, np.array([9.0, 9.0, 1.0]))] == ["left"]
    assert [camera.camera for camera in best_cameras(clip, np.array([2.5, 3.75, 0.3]))] == ["left", "right side"]


def test_the_place_of_a_mistake_is_marked_in_pictures_around_it(clip):
    (taken,) = clip.truth.products
    mistake = Mistake(taken.gtin, 1, 0, "missed reach", taken.time, taken.slot, taken.track_id)
    found = around(clip, mistake)
    assert found.shape == (2 * 240, 3 * 426, 3)
    unmarked = around(clip, replace(mistake, slot=None, person=None))
    assert 20 < np.count_nonzero((found != unmarked).any(axis=2)) < 3000
    # Before, at and after are other pictures.
    columns = np.split(unmarked.astype(int), 3, axis=1)
    assert np.abs(columns[0] - columns[1]).max() > 60
    assert np.abs(columns[1] - columns[2]).max() > 60
    assert around(clip, replace(mistake, time_s=None)) is None


def test_each_family_has_a_page_of_its_worst_failures(clip, tmp_path):
    def without_takes(clip, networks, is_staff):
        return Truthful(clip, lambda event: None if isinstance(event, ProductTaken) else event)

    outcomes = play(clip, Networks(Blind()), SuiteSettings(tail_s=1.0), ("vision",), without_takes)
    write_pages(CheckoutReport("short", {"vision": [outcomes["vision"]]}), [clip], tmp_path)
    page = (tmp_path / "short.md").read_text()
    (taken,) = clip.truth.products
    name = next(product.name for product in clip.catalogue.products if product.gtin == taken.gtin)
    assert f"Owed: 1 x {name}. Charged: nothing." in page
    assert "missed reach at 08:00:06" in page
    assert "| 08:00:06.2 taken" in page
    picture = cv2.imread(str(tmp_path / "pictures" / "short-0003-1.jpg"))
    assert picture.shape == (480, 1278, 3)
    index = (tmp_path / "README.md").read_text()
    assert "| short | 0.000 | 0.000 | 1.000 | [1](short.md) |" in index
    assert "<polyline" in (tmp_path / "curve.svg").read_text()


def test_the_curve_goes_from_no_review_to_all():
    curve = [
        {"threshold": 0.0, "review_rate": 0.0, "wrong_charge": 0.2},
        {"threshold": 0.9, "review_rate": 0.5, "wrong_charge": 0.0},
    ]
    drawn = curve_svg(curve)
    # Left top, where nothing is reviewed and most is wrong; right bottom, where most is and nothing is.
    assert 'points="64.0,20.0 540.0,288.0"' in drawn
    assert "below 0.9" in drawn
    assert curve_svg([]).count("<circle") == 0
