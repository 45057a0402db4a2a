"""When what is told of an incident is much the same as before."""

from dataclasses import replace

import pytest

from vision.shop.deeds import Deed
from vision.shop.facts import Fact, Source, alike

TEA, JAM = Deed(1, "take", "tea", "a/1/1"), Deed(2, "take", "jam", "a/1/2")


def fact(chances, **other):
    told = {"source": Source("reach", 10.0, 11.0), "kind": "take", "number": 0, "slot": "a/1/1", **other}
    return Fact(**told, chances=chances)


def test_small_changes_of_chances_are_none():
    before = [fact({TEA: 0.6, JAM: 0.3})]
    assert alike(before, [fact({TEA: 0.605, JAM: 0.295})])
    assert not alike(before, [fact({TEA: 0.62, JAM: 0.3})])
    assert not alike(before, [fact({TEA: 0.6})])  # killed: what one of both lacks
    assert not alike([fact({TEA: 0.6})], before)
    assert alike(before, [fact({TEA: 0.6, JAM: 0.3, replace(JAM, who=3): 0.005})])


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "put"},
        {"number": 1},
        {"slot": "a/1/2"},
        {"step": "plate"},
        {"to": 4},
        {"source": Source("r", 10.0, 12.0)},
    ],
)
def test_other_facts_are_a_change(other):
    assert not alike([fact({TEA: 0.6})], [fact({TEA: 0.6}, **other)])


def test_one_fact_more_or_less_is_a_change():
    one = fact({TEA: 0.6})
    assert not alike([one], [])
    assert not alike([], [one])
    assert not alike([one], [one, fact({JAM: 0.001}, number=1)])
    assert alike([], [])
