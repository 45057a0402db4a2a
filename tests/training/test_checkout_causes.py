"""Why a receipt is wrong, told from what was said and what happened."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from store.events import ProductHandedOver, ProductReturned, ProductSettled, ProductTaken
from training.evaluate.checkout_causes import Causes, told_products
from training.evaluate.checkout_identity import Identities
from training.evaluate.checkout_truth import ClipTruth, TruePerson

MILK, TEA = "04006381333931", "05901234123457"


def person(track, session):
    time_s = np.arange(0.0, 30.0, 0.2)
    xy = np.zeros((len(time_s), 2))
    return TruePerson(track, track, "shopper", session, "door", time_s, xy, np.zeros((len(time_s), 2, 3)))


def event(kind, track, time_s, gtin=MILK, slot="a", confidence=1.0, **fields):
    return kind(store="s", time=time_s, track_id=track, gtin=gtin, slot=slot, confidence=confidence, **fields)


TRUTH = (event(ProductTaken, "anna", 5.0), event(ProductReturned, "anna", 12.0))
# Our tracks: one is anna, two is ben, three is anna again but belongs to no session.
SHOWN = {"one": "anna", "two": "ben", "three": "anna"}
JOINED = {"one": "of-anna", "two": "of-ben"}


def causes(told, happened=TRUTH[:1], shown=SHOWN, joined=JOINED):
    truth = ClipTruth((person("anna", "of-anna"), person("ben", "of-ben")), tuple(happened), {"of-anna": Counter()}, {})
    seen = {track: [(float(t), who) for t in range(30)] for track, who in shown.items()}
    return Causes(truth, list(told), Identities(shown, seen, 2, 2), joined)


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ((), "missed reach"),
        ((event(ProductTaken, "one", 9.0),), "missed reach"),
        ((event(ProductTaken, "one", 5.4, confidence=0.3),), "unsure"),
        ((event(ProductTaken, "two", 5.4),), "wrong person"),
        ((event(ProductTaken, "three", 5.4),), "tracking"),
        ((event(ProductTaken, "one", 5.4, gtin=TEA),), "wrong slot"),
        ((event(ProductReturned, "one", 5.4),), "wrong direction"),
    ],
)
def test_why_a_package_is_missing(told, cause):
    found = causes(told).of("of-anna", MILK, expected=1, got=0)
    assert (found.cause, found.time_s, found.slot, found.person) == (cause, 5.0, "a", "anna")


@pytest.mark.parametrize(
    ("happened", "told", "cause"),
    [
        ((), (event(ProductTaken, "one", 5.0),), "false take"),
        ((event(ProductTaken, "ben", 5.5),), (event(ProductTaken, "one", 5.0),), "wrong person"),
        ((event(ProductTaken, "anna", 5.5, gtin=TEA),), (event(ProductTaken, "one", 5.0),), "wrong slot"),
        (TRUTH, (event(ProductTaken, "one", 5.0),), "missed return"),
        (TRUTH[1:], (event(ProductTaken, "one", 12.5),), "wrong direction"),
        (
            (TRUTH[0], event(ProductHandedOver, "anna", 9.0, to_track_id="ben")),
            (event(ProductTaken, "one", 5.0),),
            "missed hand-over",
        ),
    ],
)
def test_why_a_package_is_too_many(happened, told, cause):
    assert causes(told, happened).of("of-anna", MILK, expected=0, got=1).cause == cause


def test_a_package_that_is_given_back_in_words_alone():
    told = (event(ProductTaken, "one", 5.0), event(ProductReturned, "one", 9.0))
    found = causes(told).of("of-anna", MILK, expected=1, got=0)
    assert (found.cause, found.time_s) == ("false return", 9.0)


def test_whoever_is_in_the_session_comes_before_what_they_did():
    told = (event(ProductTaken, "one", 5.0),)
    assert causes(told, joined={"two": "of-anna"}).of("of-anna", MILK, 1, 0).cause == "session binding"
    assert causes(told, joined={}).of("of-anna", MILK, 1, 0).cause == "session binding"


def test_products_are_told_as_they_were_settled_last():
    taken = event(ProductTaken, "one", 5.0)
    first = event(ProductSettled, "two", 6.0, gtin=TEA, settles=taken.id, confidence=0.8)
    last = event(ProductSettled, "two", 7.0, gtin=TEA, settles=taken.id, confidence=0.6)
    (found,) = told_products([first, taken, last])
    assert (type(found), found.track_id, found.gtin, found.confidence) == (ProductTaken, "two", TEA, 0.6)
    assert (found.time, found.slot) == (5.0, "a")
