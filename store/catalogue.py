"""The products of a shop."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from store.events import Gtin
from store.views import Name, Part, PlanError, unique_names

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


class Catalogue(Part):
    """All products of a shop."""

    products: tuple[Product, ...]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"

    @model_validator(mode="after")
    def _unique(self) -> Self:
        unique_names("products", [product.id for product in self.products])
        unique_names("GTINs", [product.gtin for product in self.products])
        return self

    def product(self, id: str) -> Product:
        """The product called ``id``. Raises ``PlanError`` naming it."""
        for product in self.products:
            if product.id == id:
                return product
        raise PlanError(f"no product {id!r} in the catalogue of {len(self.products)} products")


def check_digit(digits: str) -> str:
    """The last digit of a GTIN-14 from its first 13 (GS1 General Specifications, section 7.9)."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return str(-total % 10)
