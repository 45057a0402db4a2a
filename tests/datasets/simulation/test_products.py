from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.simulation.goods.products import COUNTS, FAMILY, generate_catalogue, package_size
from store.catalogue import Catalogue, Package, Product

SEEDS = st.integers(0, 99)
# Smallest and largest width, depth, height in metres that plans may rely on.
RANGES = {
    Package.BOX: ((0.10, 0.20), (0.05, 0.08), (0.16, 0.30)),
    Package.CAN: ((0.066, 0.085), (0.066, 0.085), (0.11, 0.12)),
    Package.BOTTLE: ((0.065, 0.09), (0.065, 0.09), (0.21, 0.31)),
    Package.JAR: ((0.07, 0.09), (0.07, 0.09), (0.11, 0.15)),
    Package.BAG: ((0.14, 0.22), (0.06, 0.10), (0.18, 0.28)),
    Package.TRAY: ((0.16, 0.22), (0.12, 0.18), (0.05, 0.08)),
    Package.TUBE: ((0.05, 0.07), (0.04, 0.05), (0.15, 0.20)),
}


def families(catalogue: Catalogue) -> dict[str, list[Product]]:
    found: dict[str, list[Product]] = {}
    for product in catalogue.products:
        assert product.family is not None
        found.setdefault(product.family, []).append(product)
    return found


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_ids_packages_and_sizes_are_those_that_plans_name_whatever_the_seed(seed: int) -> None:
    catalogue = generate_catalogue(seed)
    expected = [f"{package}-{number:02d}" for package, count in COUNTS.items() for number in range(1, count + 1)]
    assert [product.id for product in catalogue.products] == expected  # killed: another order or count
    assert len(expected) == 204
    for product in catalogue.products:
        number = int(product.id[-2:])
        assert product.size_m == package_size(product.package, number)  # killed: sizes drawn from the seed
        ranges = RANGES[product.package]
        assert all(low <= side <= high for side, (low, high) in zip(product.size_m, ranges, strict=True))
        assert product.id.startswith(product.package.value)


def test_the_same_seed_gives_the_same_catalogue_and_another_one_other_brands() -> None:
    first, again, other = generate_catalogue(4), generate_catalogue(4), generate_catalogue(5)
    assert first == again  # killed: randomness from elsewhere
    brands = [{product.brand for product in catalogue.products} for catalogue in (first, other)]
    assert len(brands[0] & brands[1]) <= 2  # killed: brands that do not depend on the seed
    assert min(map(len, brands)) >= 20  # killed: one brand for all
    assert not {product.gtin for product in first.products} & {product.gtin for product in other.products}


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_families_look_alike_by_taste_or_by_size(seed: int) -> None:
    found = families(generate_catalogue(seed))
    for products in found.values():
        assert len(products) == FAMILY
        first = int(products[0].id[-2:])
        assert [int(product.id[-2:]) for product in products] == [first, first + 1, first + 2]
        assert len({product.brand for product in products}) == 1  # killed: a brand a product
        texts = {product.name.rsplit(" ", 2)[0] for product in products}
        sizes = {product.size_m for product in products}
        other_size = (first - 1) // FAMILY % 2 == 1
        if other_size:
            assert len(texts) == 1
            assert len(sizes) == 3  # killed: odd and even families swapped
            volumes = [np.prod(product.size_m) for product in products]
            assert volumes == sorted(volumes)
            assert products[0].weight_g < products[1].weight_g < products[2].weight_g
            assert products[0].price < products[2].price
        else:
            assert len(texts) == 3  # killed: tastes drawn with repetition
            assert len(sizes) == 1
            assert len({product.price for product in products}) == 1
        assert len({product.name for product in products}) == 3


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_first_three_of_a_package_weigh_the_same_and_other_tastes_do_not(seed: int) -> None:
    catalogue = generate_catalogue(seed)
    for package in Package:
        weights = [catalogue.product(f"{package}-{number:02d}").weight_g for number in (1, 2, 3)]
        assert len(set(weights)) == 1  # killed: the spread on the first family too
        others = [catalogue.product(f"{package}-{number:02d}").weight_g for number in (7, 8, 9)]
        assert len(set(others)) == 3  # killed: no spread at all
        assert max(others) - min(others) <= 12


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_numbers_weights_and_prices_are_plausible(seed: int) -> None:
    catalogue = generate_catalogue(seed)
    for product in catalogue.products:
        assert product.gtin.startswith("02")  # killed: numbers that a real product could have
        density = product.weight_g / (np.prod(product.size_m) * 1e6)
        assert 0.02 < density < 1.2, product  # killed: kilograms for grams; a factor of ten in the fill
        assert 30 <= product.price <= 4000
        assert product.price % 10 in (5, 9)
        assert product.weight_g == round(product.weight_g)
    adult = Counter(product.package for product in catalogue.products if product.age_restricted)
    assert set(adult) <= {Package.CAN, Package.BOTTLE}  # killed: age limits drawn by chance


def test_some_seeds_sell_goods_with_an_age_limit() -> None:
    limited = [any(product.age_restricted for product in generate_catalogue(seed).products) for seed in range(8)]
    assert sum(limited) >= 6


@pytest.mark.parametrize("package", Package)
def test_round_packages_are_as_deep_as_wide(package: Package) -> None:
    sizes = [package_size(package, number) for number in range(1, COUNTS[package] + 1)]
    is_round = package in (Package.CAN, Package.BOTTLE, Package.JAR)
    assert all(size[0] == size[1] for size in sizes) == is_round
