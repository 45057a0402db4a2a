"""What the routes of the checkout take and answer. Money is in the smallest unit of the currency, times in seconds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from store.shopping import MOST_PACKAGES

_TIME = 1_795_338_000.0
_ID = "b7c1f0d2a4e84c0f9a5b3d6e7f801234"
Role = Literal["customer", "staff", "tester"]
Time = Annotated[float, Field(ge=0.0, lt=4_102_444_800.0)]


class Ask(BaseModel):
    """What all bodies share: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class CodeWish(Ask):
    """What an entry code is for."""

    role: Role = Field(default="customer", description="Other roles than customer need the scope `admin`.")
    adult: bool = Field(default=False, description="Whether the app vouches for the age that some products ask for.")


class Code(BaseModel):
    """An entry code. It is shown once and kept nowhere."""

    code: str = Field(description="A signed token; the QR holds the same.", examples=["eyJhbGciOiJIUzI1NiJ9.e30.abc"])
    expires_at: float = Field(description="When it is too old.", examples=[_TIME])
    qr_svg: str = Field(description="The QR as an SVG document.", examples=["<svg></svg>"])


class Forgotten(BaseModel):
    """What was erased."""

    erased: bool = Field(description="Whether anything was known of the member.")
    receipts: int = Field(description="Receipts that stay for the books and lead to nobody now.", examples=[3])


class Entry(Ask):
    """Somebody shows a code at a gate."""

    code: str = Field(min_length=1, max_length=4096, examples=["eyJhbGciOiJIUzI1NiJ9.e30.abc"])
    group_size: int = Field(default=1, ge=1, le=20, description="How many people come in on it.")
    role: Role = Field(default="customer", description="As what they come; a code is good for its own role.")
    at: Time | None = Field(
        default=None, description="The moment on the clock of the footage, where that is not now.", examples=[_TIME]
    )


class EntryDecision(BaseModel):
    """Whether the gate opens."""

    open: bool
    reason: Literal["welcome", "forged", "expired", "other_store", "replayed", "wrong_role", "already_inside"] = Field(
        description="Why, in one word.", examples=["welcome"]
    )
    detail: str = Field(description="The same for people.")
    session_id: str | None = Field(description="Carried by every later message of the visit.", examples=[_ID])


class Decision(BaseModel):
    """What a gate is to do about who passes it."""

    id: str = Field(description="Ask for the next one with `after`.", examples=[_ID])
    gate: str = Field(examples=["exit"])
    way: Literal["in", "out"]
    open: bool
    reason: str = Field(
        description="paid, checking, nothing_taken, staff, age_checked: open; age_check, no_session, tailgater: not.",
        examples=["paid"],
    )
    time: float = Field(examples=[_TIME])
    session_id: str | None = Field(examples=[_ID])
    receipt_id: str | None = Field(examples=[_ID])
    total: int | None = Field(description="What the session owes by now.", examples=[620])
    currency: str = Field(examples=["EUR"])


class Line(BaseModel):
    """One product."""

    gtin: str = Field(examples=["04006381333931"])
    name: str | None = Field(description="Null for what is not in the catalogue.", examples=["Oat milk 1 l"])
    quantity: int = Field(description="0: it may yet become more.", examples=[2])
    unit_price: int = Field(description="Of the moment when it was taken.", examples=[120])
    promotion: str | None
    discount: int = Field(description="What the promotion takes off the line.")
    amount: int = Field(description="quantity x unit_price - discount.", examples=[240])
    state: Literal["sure", "checking"] = Field(description="checking: evidence may still change it.")
    confidence: float = Field(description="Probability that the quantity is right.", examples=[0.98])
    age_restricted: bool


class Basket(BaseModel):
    """What a session is to pay for by now."""

    session_id: str = Field(examples=[_ID])
    state: Literal["open", "closed"]
    reason: str | None = Field(description="Why it is closed: left, turned_back or lost.")
    opened_at: float = Field(examples=[_TIME])
    closed_at: float | None
    group_size: int
    lines: list[Line]
    total: int = Field(examples=[620])
    currency: str = Field(examples=["EUR"])
    receipt_id: str | None
    receipt: Literal["draft", "issued", "corrected"] | None = Field(description="The state of its receipt.")


class Receipt(BaseModel):
    """A receipt as it stands now."""

    id: str = Field(examples=[_ID])
    session_id: str
    state: Literal["draft", "issued", "corrected"]
    version: int = Field(description="Grows with each change.")
    lines: list[Line]
    total: int
    currency: str
    drafted_at: float
    issued_at: float | None
    corrected_at: float | None
    reason: str | None = Field(description="What corrected it.")
    collected: int = Field(description="What was charged, less what was paid back.")


class Dispute(Ask):
    """Whoever pays says that a receipt is wrong."""

    gtin: str | None = Field(
        default=None, pattern=r"^\d{14}$", description="The line that is wrong; null: all of them."
    )


class Accepted(BaseModel):
    """It will be looked at."""

    id: str = Field(description="Of the event that says so.", examples=[_ID])


class AgeCheck(Ask):
    """What staff saw."""

    adult: bool
    at: Time | None = Field(default=None, description="The moment on the clock of the footage, where not now.")


class Chance(BaseModel):
    """A possibility."""

    id: str
    probability: float


class Alternative(BaseModel):
    """What it may have been. Answer with its `track_id` and `gtin`."""

    track_id: str = Field(description="Whose hand; random, good for one visit.")
    gtin: str = Field(examples=["04006381333931"])
    name: str | None = Field(description="Null for what is not in the catalogue.", examples=["Oat milk 1 l"])
    price: int | None = Field(description="Of one package at that moment; null where unknown.", examples=[120])
    probability: float


class Review(BaseModel):
    """A question to a person: what was that?"""

    id: str
    session_id: str
    about: str = Field(description="Id of the product event.")
    reason: Literal["unsure", "disputed"]
    time: float
    kind: str = Field(description="The type of the product event.", examples=["product.taken"])
    at: float = Field(description="When it happened.", examples=[_TIME])
    slot: str | None = Field(description="Where, if known.", examples=["dairy/2/1"])
    quantity: int = Field(description="How many packages.")
    gtin: str = Field(description="The likeliest product.")
    who: list[Chance] = Field(description="Whose hand it may have been, by track id; empty: it is clear.")
    what: list[Chance] = Field(description="Which product it may have been; empty: it is clear.")
    alternatives: list[Alternative] = Field(description="All that it may have been, the likeliest first.")
    nothing: float = Field(description="Probability that nothing was taken or put back.")
    evidence: list[str] = Field(description="Ids of clips that are kept: `/v1/evidence/ID`.")
    confidence: float
    currency: str = Field(examples=["EUR"])


class ReviewProgress(BaseModel):
    """How far those who review are."""

    waiting: int = Field(description="Questions without an answer.")
    answered: int = Field(description="Questions answered in the last 24 hours.")


class CurvePoint(BaseModel):
    """What it comes to if every line less certain than `threshold` is reviewed."""

    threshold: float = Field(description="Lines less certain than this are reviewed.", examples=[0.8])
    review_rate: float = Field(description="Their share of all lines.", examples=[0.04])
    expected: float = Field(
        description="Value charged wrongly or missed among the others, as a share of what is charged, by the "
        "probabilities of the lines.",
        examples=[0.006],
    )
    known: float = Field(description="The same, counting mistakes that reviews and disputes found.", examples=[0.005])


class ReviewCurve(BaseModel):
    """What reviews cost and what they save, from the receipts of a range."""

    items: int = Field(description="Lines, each with what one event brought into one basket.")
    answered: int = Field(description="Those that somebody reviewed.")
    wrong: int = Field(description="Those of them that the cameras had wrong.")
    charged: int = Field(description="What all came to, by the cameras alone.")
    currency: str = Field(examples=["EUR"])
    review_below: float = Field(description="The threshold that the settings name.")
    review_share: float | None = Field(description="The share of lines that the settings let go to the reviews.")
    in_force: float = Field(description="The threshold that these receipts give: from the share, if one is set.")
    points: list[CurvePoint]


class Marked(BaseModel):
    """Somebody who may have done it."""

    track_id: str
    xyxy: list[float] = Field(description="Their box in the picture: x1, y1, x2, y2, pixels.")


class EvidencePicture(BaseModel):
    """A blurred picture of a clip."""

    camera: str
    captured_at: float = Field(examples=[_TIME])
    width: int
    height: int
    focus: list[float] | None = Field(description="Where to look: x1, y1, x2, y2, pixels; null: everywhere.")
    people: list[Marked]


class Clip(BaseModel):
    """Blurred pictures of what an event rests on, oldest first. Picture n is `/v1/evidence/ID/n.jpg`."""

    id: str
    pictures: list[EvidencePicture]


class Answer(Ask):
    """What a person saw."""

    happened: bool = Field(description="False: nothing was taken or put back; the rest does not count then.")
    gtin: str | None = Field(default=None, pattern=r"^\d{14}$", description="Null: the likeliest.")
    quantity: int = Field(default=1, ge=1, le=MOST_PACKAGES)
    track_id: str | None = Field(
        default=None, min_length=1, max_length=64, description="Whose hand: one of `who`; null: the likeliest."
    )
