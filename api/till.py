"""What the routes of the checkout share: codes, prices, the board, the known gates."""

from __future__ import annotations

from dataclasses import dataclass

from api.sessions import read_secret
from checkout.board import Board
from checkout.codes import EntryCodes
from checkout.prices import PriceBook
from store.catalogue import Catalogue
from store.layout import Plan
from store.settings import Settings


@dataclass(frozen=True, slots=True)
class Till:
    """``gates`` are the names of the plan's gates; empty where no plan says, and then any name is one."""

    codes: EntryCodes
    prices: PriceBook
    board: Board
    gates: frozenset[str]


def open_till(settings: Settings, plan: Plan | None, catalogue: Catalogue | None) -> Till:
    """The till of a shop. The secret that signs entry codes is a setting, or a file made at the first use."""
    given = settings.code_secret
    secret = given.get_secret_value().encode() if given else read_secret(settings.data_dir / "codes.key")
    gates = frozenset(gate.name for gate in plan.gates) if plan else frozenset()
    return Till(EntryCodes(settings.store, secret, settings.code_s), PriceBook(catalogue), Board(), gates)
