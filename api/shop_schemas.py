"""What the shop's live scene answers. Numbers stand for people and visits: ids go nowhere from here."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from api.checkout_schemas import Line

_VISIT = "The visit's number; null: without a session."


class Dot(BaseModel):
    """A person on the floor."""

    number: int = Field(description="Names the dot while it is there.")
    visit: int | None = Field(description=_VISIT)
    x: float = Field(description="Metres.")
    y: float = Field(description="Metres.")


class Deed(BaseModel):
    """Something that was done with a product."""

    kind: str = Field(description="taken, returned, misplaced or handed_over.", examples=["taken"])
    name: str | None = Field(description="Null for what is not in the catalogue.", examples=["Oat milk 1 l"])
    gtin: str = Field(examples=["04006381333931"])
    quantity: int
    slot: str | None = Field(examples=["dairy/2/1"])
    visit: int | None = Field(description=_VISIT)
    time: float


class Bill(BaseModel):
    """What a visit is to pay for by now, or its receipt says."""

    visit: int
    group_size: int
    opened_at: float
    closed_at: float | None
    state: Literal["open", "draft", "issued", "corrected"]
    lines: list[Line]
    total: int


class FloorCheck(BaseModel):
    """Whether following people over the floor adds up: the newest audit."""

    time: float
    inside: int = Field(description="People, give or take `sigma`.")
    sigma: float = Field(description="Standard deviation of `inside`.", examples=[0.5])
    entries: int = Field(description="In the time that was audited.")
    exits: int
    begun_away: int = Field(description="Tracks that began away from gates.")
    ended_away: int = Field(description="Tracks that ended away from gates.")
    doubled: int = Field(description="Pairs of tracks at one place.")
    fails: list[Literal["balance", "begins", "ends", "twice"]] = Field(description="What does not add up.")


class ShopScene(BaseModel):
    """The shop now."""

    version: int = Field(description="Grows with every change.")
    time: float | None = Field(description="Of the newest word of people, on the clock of the footage.")
    people: list[Dot]
    lit: dict[str, float] = Field(description="Slots that were just reached: seconds since then, by slot.")
    audit: FloorCheck | None = Field(description="Null where cameras do not follow people over the floor.")
    deeds: list[Deed] = Field(description="The last ones, newest first.")
    baskets: list[Bill] = Field(description="Of visits that are open.")
    receipts: list[Bill] = Field(description="The last ones, newest first.")
    currency: str = Field(examples=["EUR"])
