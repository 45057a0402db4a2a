"""The rules of a shop's checkout: who pays for what is handed over, when a line is sure, how long things may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from store.settings import Settings

HandOver = Literal["picker_pays", "holder_pays", "group"]


class PolicyError(ValueError):
    """A policy whose numbers contradict each other."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How events become receipts.

    ``hand_over``: whoever took it first pays (``picker_pays``); whoever has it in the end pays, and nobody when they
    have no session (``holder_pays``); or the last of those through whose hands it went who has a session (``group``).
    Staff never pay, and what they hold in the end nobody pays.

    A package is charged from a probability of ``charge_at`` on; a line is sure when each of its packages has one of
    ``sure_at`` or more, or of ``1 - sure_at`` or less. A receipt
    is issued ``lateness_s`` after the session closed, for facts come a little late. Packages that are then less sure
    than ``review_below`` are put to a person, and waited for until ``settle_s`` after the session closed.

    Who passes a gate within ``bind_s`` after it opened, or ``early_s`` before, belongs to that session, and others of a
    group too, each within ``bind_s`` after the one before; nobody: it is closed. A session of whose people nothing is
    seen for ``lost_s`` is closed as well. All times are seconds on the clock of the footage.
    """

    hand_over: HandOver = "holder_pays"
    charge_at: float = 0.5
    sure_at: float = 0.95
    settle_s: float = 120.0
    lateness_s: float = 1.0
    review_below: float = 0.8
    bind_s: float = 20.0
    early_s: float = 2.0
    lost_s: float = 7_200.0

    def __post_init__(self) -> None:
        if not 0 < self.charge_at <= self.sure_at <= 1:
            raise PolicyError(f"expected 0 < charge_at <= sure_at <= 1, found {self.charge_at:g} and {self.sure_at:g}")
        for name in ("settle_s", "lateness_s", "bind_s", "early_s", "lost_s"):
            if getattr(self, name) < 0:
                raise PolicyError(f"{name} must not be negative, found {getattr(self, name):g}")

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """The policy that a shop's settings ask for."""
        return cls(hand_over=settings.hand_over, settle_s=settings.settle_s, review_below=settings.review_below)

    def is_asked(self, probability: float) -> bool:
        """Whether a person is to settle something of this probability."""
        return max(probability, 1 - probability) < self.review_below

    def is_sure(self, probability: float) -> bool:
        """Whether no more evidence is needed on something of this probability."""
        return probability >= self.sure_at or probability <= 1 - self.sure_at + 1e-12
