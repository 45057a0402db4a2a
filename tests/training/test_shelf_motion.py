from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from cameras.geometry import CameraModel
from store.catalogue import Package, Product
from tests.vision.shop.painted_shelves import CAMERAS, COLUMNS, PACKAGE_M, Shop, plan
from training.shelf_motion import examples, fitted, measured, weighed
from training.still_shelves import Stills, Stock
from vision.shop.slot_views import SlotViews


def painted(seed: int, versions: int = 5) -> Stills:
    """The painted shelf in some versions of its stock."""
    rng, slots = np.random.default_rng(seed), plan().slots()
    gone = [np.zeros(COLUMNS, np.int64) for _ in slots]
    strange: list[int | None] = [None for _ in slots]
    views = {model.camera: SlotViews.of(plan(), model) for model in CAMERAS}
    stock, shops = [], []
    for _ in range(versions):
        names = [None if other is None else f"p{other}" for other in strange]
        stock.append(tuple(Stock(each.copy(), name) for each, name in zip(gone, names, strict=True)))
        away = {(slot.id, c): int(n) for slot, each in zip(slots, gone, strict=True) for c, n in enumerate(each)}
        put = {(slot.id, 0): other for slot, other in zip(slots, strange, strict=True) if other is not None}
        shops.append(Shop(away, put))
        for place, each in enumerate(gone):
            if each[0] and strange[place] is None and rng.random() < 0.4:
                strange[place] = int(rng.integers(5, 9))
            elif strange[place] is not None:
                strange[place] = None
            else:
                column = rng.integers(COLUMNS)
                each[column] = np.clip(each[column] + rng.choice([-1, 1]), 0, 3)
    return Stills(plan(), tuple(product(n) for n in (0, 1, 2, 0, 1, 2)), tuple(stock), views, pictured(shops, views))


def pictured(shops: list[Shop], views: dict[str, SlotViews]) -> dict[str, np.ndarray]:
    def patches(model: CameraModel) -> np.ndarray:
        view = views[model.camera]
        return np.array([view.patches(shop.picture(model, n), np.arange(len(view))) for n, shop in enumerate(shops)])

    return {model.camera: patches(model) for model in CAMERAS}


def product(number: int) -> Product:
    return Product(
        id=f"p{number}", gtin="00000000000000", name="p", brand="b", package=Package.BOX, size_m=PACKAGE_M, weight_g=1,
        price=1,
    )  # fmt: skip


def test_weights_fitted_on_some_shelves_tell_changes_on_others():
    learnt, other = examples(painted(1)), examples(painted(2))
    assert learnt.strange.any()
    found = measured(other, *weighed(learnt))
    assert found["changes"] >= 15
    assert found["way_one_camera"] > 0.9  # killed: the label or the sign of a feature turned round
    assert found["way_all_cameras"] > 0.95
    assert found["strange_auroc"] > 0.75
    assert len(learnt.change) > len(set(learnt.change))  # both cameras saw the same changes


def test_a_regression_finds_the_weights_that_made_the_labels():
    rng = np.random.default_rng(5)
    features = rng.normal(size=(4000, 3))
    true = np.array([2.0, -1.0, 0.0])
    labels = rng.random(4000) < 1 / (1 + np.exp(-features @ true))
    assert fitted(features, labels, 0.1) == pytest.approx(true, abs=0.2)
    assert abs(fitted(features, labels, 1e5)).max() < 0.05  # killed: no penalty


def test_seeds_of_the_acceptance_are_refused(tmp_path):
    import typer

    from training.shelf_motion import main

    app = typer.Typer()
    app.command()(main)
    refused = CliRunner().invoke(app, ["--seed", "9000", "--out", str(tmp_path / "w.json")])
    assert refused.exit_code != 0
    assert "acceptance" in str(refused.exception)
    assert not (tmp_path / "w.json").exists()
