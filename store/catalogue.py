"""The products of a shop."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, field_validator, model_validator

from store.documents import Document
from store.events import Gtin
from store.faults import Fault, refuse, repeated
from store.views import Name, Part, PlanError

Metres = Annotated[float, Field(gt=0.0, lt=2.0)]


class Package(StrEnum):
    """The shape of a package."""

    BOX = "box"
    CAN = "can"
    BOTTLE = "bottle"
    JAR = "jar"
    BAG = "bag"
    TRAY = "tray"
    TUBE = "tube"


class Product(Part):
    """One product. ``size_m`` is (width, depth, height) as it stands on the shelf.

    ``price`` is in the currency's smallest unit. ``id`` is the name that plans use; ``family`` names a set of products
    that look alike.
    """

    id: Name
    gtin: Gtin
    name: Name
    brand: Name
    package: Package
    size_m: tuple[Metres, Metres, Metres]
    weight_g: Annotated[float, Field(gt=0.0)]
    price: Annotated[int, Field(ge=0)]
    family: Name | None = None
    age_restricted: bool = False

    @field_validator("gtin")
    @classmethod
    def _check_digit(cls, value: str) -> str:
        if check_digit(value[:13]) != value[13]:
            raise ValueError(f"GTIN {value}: its last digit must be {check_digit(value[:13])}")
        return value


class PriceChange(Part):
    """From ``since`` on the product costs ``price``, in the currency's smallest unit."""

    product: Name
    price: Annotated[int, Field(ge=0)]
    since: AwareDatetime


class Promotion(Part):
    """A reduction of ``products`` from ``since`` until before ``until``; None is without end.

    Just one of: ``percent`` off, another ``price``, or ``buy`` packages and ``pay`` for fewer (the dearest of them).
    """

    name: Name
    products: Annotated[tuple[Name, ...], Field(min_length=1)]
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    percent: Annotated[int, Field(ge=1, le=100)] | None = None
    price: Annotated[int, Field(ge=0)] | None = None
    buy: Annotated[int, Field(ge=2, le=100)] | None = None
    pay: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [self.percent is not None, self.price is not None, self.buy is not None]
        if sum(kinds) != 1:
            raise ValueError(f"promotion {self.name} needs just one of percent, price, buy (with pay)")
        if (self.buy is None) != (self.pay is None):
            raise ValueError(f"promotion {self.name}: buy and pay go together")
        if self.buy is not None and self.pay is not None and self.pay >= self.buy:
            raise ValueError(f"promotion {self.name}: pay {self.pay} must be less than buy {self.buy}")
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise ValueError(f"promotion {self.name} ends before it begins")
        return self


class Catalogue(Part):
    """All products of a shop, with what they cost from when on; of several promotions at once the first named holds."""

    products: tuple[Product, ...]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    prices: tuple[PriceChange, ...] = ()
    promotions: tuple[Promotion, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for what, field in (("products", "id"), ("GTINs", "gtin")):
            refuse(repeated(what, [(("products", i, field), getattr(p, field)) for i, p in enumerate(self.products)]))
        refuse(repeated("promotions", [(("promotions", i, "name"), p.name) for i, p in enumerate(self.promotions)]))
        known = {product.id for product in self.products}
        named = [(("prices", i, "product"), change.product) for i, change in enumerate(self.prices)]
        for i, promotion in enumerate(self.promotions):
            named += [(("promotions", i, "products"), id) for id in promotion.products]
        refuse(Fault(loc, f"no product {id!r} in the catalogue") for loc, id in named if id not in known)
        return self

    def product(self, id: str) -> Product:
        """The product called ``id``. Raises ``PlanError`` naming it."""
        for product in self.products:
            if product.id == id:
                return product
        raise PlanError(f"no product {id!r} in the catalogue of {len(self.products)} products")


def load_catalogue(path: Path) -> Catalogue:
    """Read a catalogue from YAML (or ``.json``): the fields of ``Catalogue``.

    Raises ``PlanError`` with the file, the line, the field and the reason of all that is wrong.
    """
    document = Document.read(path, "catalogue")
    if not isinstance(document.data, dict):
        raise PlanError(f"catalogue {path}: expected the field products, found {type(document.data).__name__}")
    return document.parse(Catalogue)


def check_digit(digits: str) -> str:
    """The last digit of a GTIN-14 from its first 13 (GS1 General Specifications, section 7.9)."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return str(-total % 10)
