from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from checkout.books import Books
from checkout.lines import Basket, baskets
from checkout.policy import Policy
from checkout.prices import PriceBook
from store.catalogue import Catalogue, PriceChange, Product, Promotion, check_digit
from store.events import Event, Role

T0 = 1_795_338_000.0


def gtin_of(number: int) -> str:
    body = f"{number:013d}"
    return body + check_digit(body)


MILK, BREAD, WINE, SOAP = (gtin_of(n) for n in (1, 2, 3, 4))


def product(id: str, gtin: str, price: int, **more: Any) -> Product:
    return Product(
        id=id, gtin=gtin, name=id.title(), brand="Aisle", package="box", size_m=(0.1, 0.1, 0.2), weight_g=500.0,
        price=price, **more,
    )  # fmt: skip


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(T0 + seconds, UTC)


CATALOGUE = Catalogue(
    products=(
        product("milk", MILK, 120),
        product("bread", BREAD, 250),
        product("wine", WINE, 899, age_restricted=True),
        product("soap", SOAP, 199),
    ),
    prices=(PriceChange(product="milk", price=130, since=moment(1000)),),
    promotions=(
        Promotion(name="soap 3 for 2", products=("soap",), buy=3, pay=2),
        Promotion(name="bread week", products=("bread",), percent=10, since=moment(500), until=moment(800)),
    ),
)


@pytest.fixture(scope="session")
def prices() -> PriceBook:
    return PriceBook(CATALOGUE)


def told(
    events: list[Event], roles: dict[str, Role], policy: Policy | None = None, prices: PriceBook | None = None
) -> dict[str, Basket]:
    """The baskets by these events, those with nothing in them left out."""
    books = Books((prices or PriceBook(CATALOGUE)).at)
    books.add_all(events)
    found = baskets(books, roles, policy or Policy())
    return {session: basket for session, basket in found.items() if basket.lines or basket.possible}


def amounts(basket: Basket) -> dict[str, int]:
    return {line.gtin: line.quantity for line in basket.lines}


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so; a generous limit only keeps a broken test from hanging."""

    def wait(so: Callable[[], bool]) -> None:
        for _ in range(3000):
            if so():
                return
            time.sleep(0.01)
        pytest.fail("it did not become so within 30 seconds")

    return wait
