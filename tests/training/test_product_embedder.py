import numpy as np
import pytest
import torch
import yaml

from models.candidates import candidates
from models.cards import missing_sections
from training.package_sets import PackageSet
from training.product_batches import ProductBatches, Variation
from training.product_embedder import ACCEPTANCE, RECIPE, SMOKE, Recipe, film_path, finding, main


def shop(products, crops, seed):
    """A shop whose packages are two colours each, seen small and noisy; neighbours stand in a row."""
    import cv2

    rng = np.random.default_rng(seed)
    colours = rng.integers(20, 236, (products, 2, 3))

    def png(product, side, noise):
        image = np.full((side * 2, side * 2, 3), 255 if noise == 0 else 90, np.float64)
        half = side // 2
        image[half : half + side // 2, half : half + side] = colours[product, 0]
        image[half + side // 2 : half + side, half : half + side] = colours[product, 1]
        image += rng.normal(0, noise, image.shape)
        return cv2.imencode(".png", np.clip(image, 0, 255).astype(np.uint8))[1].tobytes()

    product = rng.permutation(np.repeat(np.arange(products), crops))
    n = len(product)
    near = np.array([np.argsort(np.abs(np.arange(products) - p), kind="stable")[:6] for p in range(products)])
    return PackageSet(
        crops=tuple(png(p, 24, 6) for p in product),
        photos=tuple(png(p, 64, 0) for p in range(products) for _ in range(2)),
        xyxy=np.tile(np.array([12, 12, 36, 36], np.float32), (n, 1)),
        product=product,
        held=np.zeros(n, np.bool_),
        visible_share=np.ones(n, np.float32),
        turned_deg=np.zeros(n, np.float32),
        pixels_per_metre=np.full(n, 120, np.float32),
        axes=np.tile(np.array([[120, 0, 0], [0, 0, -120]], np.float32), (n, 1, 1)),
        picture=np.arange(n) // 10,
        event=np.arange(n),
        gtins=tuple(f"{p:014d}" for p in range(products)),
        names=tuple(f"Product {p}" for p in range(products)),
        look=np.arange(products),
        size_m=np.full((products, 3), 0.2, np.float32),
        neighbours=near,
    )


@pytest.fixture
def recipe(tmp_path):
    """A recipe of some steps, and a folder with its crops, so that nothing is filmed."""
    document = yaml.safe_load(RECIPE.read_text(encoding="utf-8")) | SMOKE
    document |= {"films": {**SMOKE["films"], "seeds": [11], "tune_seeds": [12]}, "batch": {"places": 2, "near": 5}}
    document |= {"steps": 12, "rate": 3e-3}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    films = Recipe.read(path).films
    (tmp_path / "data").mkdir()
    for seed in (11, 12):
        shop(12, 4, seed).save(film_path(tmp_path / "data", films, seed))
    return path


def test_a_set_is_read_as_it_was_written(tmp_path):
    made = shop(7, 2, 1)
    made.save(tmp_path / "set.npz")
    read = PackageSet.load(tmp_path / "set.npz")
    assert read.gtins == made.gtins
    assert read.crops == made.crops
    np.testing.assert_array_equal(read.neighbours, made.neighbours)
    np.testing.assert_array_equal(read.cut(3), made.cut(3))


def test_a_crop_with_margin_holds_the_crop_without():
    made = shop(3, 1, 2)
    assert made.cut(0, 0.0).shape[:2] == (25, 25)
    assert min(made.cut(0, 0.25).shape[:2]) > 30


def test_batches_are_neighbours_and_follow_from_the_step():
    sets = [shop(12, 3, 3)]
    batches = ProductBatches(sets, places=2, near=4, size=32, variation=Variation(), seed=5)
    one, again, other = batches(7), batches(7), batches(8)
    assert torch.equal(one["crops"], again["crops"])
    assert not torch.equal(one["crops"], other["crops"])
    assert one["crops"].shape == (8, 32, 32, 3)
    for place in (slice(0, 4), slice(4, 8)):
        assert int(one["product"][place].max() - one["product"][place].min()) <= 5


def test_products_of_one_look_do_not_count_against_each_other():
    vectors = torch.eye(3)
    twin = vectors[[0, 0, 2]]
    product, apart, same = torch.arange(3), torch.arange(3), torch.tensor([0, 0, 2])
    assert float(finding(twin, twin, product, same, 0.1)) < 0.01 < float(finding(twin, twin, product, apart, 0.1))


def test_a_run_learns_registers_and_says_where_it_fails(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("AISLE_MODELS", str(tmp_path / "registry"))
    main(out=tmp_path / "run", data=tmp_path / "data", recipe=recipe)
    (candidate,) = candidates(tmp_path / "registry")
    assert candidate.facts.role == "products"
    assert candidate.facts.metrics["tune_top1"] > 0.5  # chance is a sixth
    assert not missing_sections(candidate.card.read_text(encoding="utf-8"))


def test_acceptance_seeds_cannot_be_learnt_from(recipe, tmp_path):
    document = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    document["films"]["seeds"] = [ACCEPTANCE]
    recipe.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ValueError, match="9000"):
        Recipe.read(recipe)
