from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from datasets.simulation.goods.barcodes import ean13_modules
from datasets.simulation.goods.labels import label_atlas
from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.goods.wrapping import SIDES
from store.catalogue import Catalogue, Package, Product, check_digit

SEED, SIZE = 6, 256
FAMILIES = ("box-family-01", "box-family-02", "can-family-03", "bag-family-02", "jar-family-01", "tube-family-02")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Some families of a generated catalogue: enough for all packages, and quick to draw."""
    whole = generate_catalogue(SEED)
    chosen = [p for p in whole.products if p.family in FAMILIES or p.package is Package.TRAY or p.id == "bottle-01"]
    return Catalogue(products=tuple(chosen))


@pytest.fixture(scope="module")
def atlas(catalogue: Catalogue) -> NDArray[np.uint8]:
    return label_atlas(catalogue, SEED, size=SIZE)


def part(atlas: NDArray[np.uint8], layer: int, product: Product, side: str) -> NDArray[np.float64]:
    u0, v0, u1, v1 = (round(edge * atlas.shape[1]) for edge in SIDES[product.package][side])
    return atlas[layer, v0:v1, u0:u1, :3].astype(float)


def front(atlas: NDArray[np.uint8], layer: int, product: Product) -> NDArray[np.float64]:
    """What a shopper sees first: the middle of a label that goes around, the film of a tray."""
    if product.package is Package.TRAY:
        return part(atlas, layer, product, "top")
    if "front" in SIDES[product.package]:
        return part(atlas, layer, product, "front")
    wrap = part(atlas, layer, product, "wrap")
    width = wrap.shape[1]
    return wrap[:, int(0.3 * width) : int(0.7 * width)]


def test_a_layer_a_product_the_same_for_the_same_seed(catalogue: Catalogue, atlas: NDArray[np.uint8]) -> None:
    assert atlas.shape == (len(catalogue.products), SIZE, SIZE, 4)
    assert atlas.dtype == np.uint8
    assert (atlas[..., 3] == 255).all()
    few = Catalogue(products=catalogue.products[:6])
    assert np.array_equal(label_atlas(few, SEED, size=SIZE), atlas[:6])  # killed: chance that runs on between labels
    assert (label_atlas(few, SEED + 1, size=SIZE) != atlas[:6]).mean() > 0.2  # killed: a look without the seed


def test_a_family_looks_alike_and_no_two_products_the_same(catalogue: Catalogue, atlas: NDArray[np.uint8]) -> None:
    small = np.stack([cv2.resize(layer[..., :3], (32, 32), interpolation=cv2.INTER_AREA) for layer in atlas])
    apart = np.abs(small[:, None].astype(float) - small[None]).mean(axis=(2, 3, 4))
    families = np.array([product.family for product in catalogue.products])
    same = families[:, None] == families[None]
    others = ~same
    np.fill_diagonal(same, False)
    shapes = np.array([product.package.value for product in catalogue.products])
    others &= shapes[:, None] == shapes[None]
    assert apart[same].max() < 30  # killed: a look drawn for each product
    assert np.median(apart[others]) > 30  # killed: one look for all
    for i, j in zip(*np.nonzero(np.triu(same)), strict=True):
        one, other = (front(atlas, layer, catalogue.products[layer]) for layer in (i, j))
        assert np.abs(one - other).max() > 60, catalogue.products[i]  # killed: taste or net content not printed


def test_words_stand_out_and_no_side_is_blank(catalogue: Catalogue, atlas: NDArray[np.uint8]) -> None:
    for layer, product in enumerate(catalogue.products):
        grey = front(atlas, layer, product) @ (0.299, 0.587, 0.114)
        assert np.percentile(grey, 97) - np.percentile(grey, 3) > 60, product  # killed: words in the ground's colour
        for side in SIDES[product.package]:
            assert part(atlas, layer, product, side).std(axis=(0, 1)).max() > 0 or side in (
                "body",
                "left",
                "right",
                "bottom",
            )


@pytest.mark.parametrize("id", ["box-01", "bag-04"])
def test_the_bars_on_the_back_read_as_the_number(id: str) -> None:
    product = generate_catalogue(SEED).product(id)
    atlas = label_atlas(Catalogue(products=(product,)), SEED, size=512)
    back = part(atlas, 0, product, "back").astype(np.uint8)
    # killed: sets A and B swapped; parities of another first digit; bars not of whole pixels
    assert cv2.barcode.BarcodeDetector().detectAndDecode(np.ascontiguousarray(back))[0] == product.gtin[1:]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**12 - 1))
def test_bars_follow_the_specification(number: int) -> None:
    digits = f"0{number:012d}"
    modules = ean13_modules(digits + check_digit(digits))
    assert modules.shape == (95,)
    assert modules[[0, 2, 46, 48, 92, 94]].all()  # guards
    assert not modules[[1, 45, 47, 49, 93]].any()
    left, right = modules[3:45].reshape(6, 7), modules[50:92].reshape(6, 7)
    assert not left[:, 0].any()  # every left digit begins light and ends dark, every right one the other way
    assert left[:, 6].all()
    assert right[:, 0].all()
    assert not right[:, 6].any()
    assert (right.sum(axis=1) % 2 == 0).all()  # set C has even parity
    assert left[0].sum() % 2 == 1  # the first is of set A


def test_numbers_without_such_bars_are_refused() -> None:
    for wrong in ("12345678901231", "0123456789012", "0abcdefghijklm"):
        with pytest.raises(ValueError, match="no EAN-13"):
            ean13_modules(wrong)


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_characters="\x7f"), min_size=1, max_size=30)


@settings(max_examples=15, deadline=None)
@given(TEXT, TEXT, st.sampled_from(Package), st.tuples(*[st.floats(0.02, 1.5)] * 3), st.integers(0, 10**13 - 1))
def test_any_product_of_a_shop_gets_a_label(
    name: str, brand: str, package: Package, size: tuple[float, float, float], number: int
) -> None:
    digits = f"{number:013d}"
    fields = {"id": "x", "gtin": digits + check_digit(digits), "name": name, "brand": brand, "package": package}
    product = Product.model_validate({**fields, "size_m": size, "weight_g": 10.0, "price": 100})
    atlas = label_atlas(Catalogue(products=(product,)), 0, size=64)
    assert atlas.shape == (1, 64, 64, 4)
    assert atlas[..., :3].std() > 5
