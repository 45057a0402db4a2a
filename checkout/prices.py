"""What a product costs at a moment: its price then, and the promotion that held then."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from store.catalogue import Catalogue, Promotion


@dataclass(frozen=True, slots=True)
class Price:
    """What one package costs, in the currency's smallest unit. ``promotion`` names why it is less than usual.

    With ``buy`` and ``pay``, of each ``buy`` packages only the ``pay`` dearest are paid. ``known`` is False for what
    is not in the catalogue.
    """

    unit: int = 0
    promotion: str | None = None
    buy: int = 0
    pay: int = 0
    age_restricted: bool = False
    known: bool = True


class PriceBook:
    """The prices of a catalogue, by GTIN and time. Without a catalogue nothing has a known price."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self.currency = catalogue.currency if catalogue else "EUR"
        self._products = {product.gtin: product for product in catalogue.products} if catalogue else {}
        ids = {product.id: product.gtin for product in catalogue.products} if catalogue else {}
        self._changes: dict[str, list[tuple[float, int]]] = {}
        self._promotions: dict[str, list[Promotion]] = {}
        if catalogue is None:
            return
        for change in catalogue.prices:
            self._changes.setdefault(ids[change.product], []).append((change.since.timestamp(), change.price))
        for changes in self._changes.values():
            changes.sort()
        for promotion in catalogue.promotions:
            for id in promotion.products:
                self._promotions.setdefault(ids[id], []).append(promotion)

    def name(self, gtin: str) -> str | None:
        """What the product is called; None for one that is not in the catalogue."""
        product = self._products.get(gtin)
        return product.name if product else None

    def at(self, gtin: str, time: float) -> Price:
        """What a package that is taken at ``time`` (seconds, UTC) costs."""
        product = self._products.get(gtin)
        if product is None:
            return Price(known=False)
        changes = self._changes.get(gtin, [])
        place = bisect_right(changes, time, key=lambda change: change[0])
        price = changes[place - 1][1] if place else product.price
        for promotion in self._promotions.get(gtin, ()):
            begins = promotion.since is None or promotion.since.timestamp() <= time
            if begins and (promotion.until is None or time < promotion.until.timestamp()):
                return _reduced(price, promotion, product.age_restricted)
        return Price(price, age_restricted=product.age_restricted)


def _reduced(price: int, promotion: Promotion, age_restricted: bool) -> Price:
    if promotion.buy is not None and promotion.pay is not None:
        return Price(price, promotion.name, promotion.buy, promotion.pay, age_restricted)
    if promotion.percent is not None:
        # Half a cent is rounded to the shopper's favour.
        reduced = (price * (100 - promotion.percent) * 2 + 99) // 200
    else:
        reduced = min(price, promotion.price or 0)
    return Price(reduced, promotion.name, age_restricted=age_restricted)
