"""What a comparison of a slot is worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.shop.evidence import SlotChange
from vision.shop.trust import FREE, REACHING, STAYING, trusted

TRUSTS = st.sampled_from([FREE, STAYING, REACHING])
LOG = st.floats(-100, 100)
CAMERAS = st.integers(1, 8)


@given(TRUSTS, LOG, LOG, CAMERAS, CAMERAS)
def test_more_is_worth_more_and_nothing_is_worth_everything(trust, one, other, few, many):
    low, high = sorted((one, other))
    fewer, more = sorted((few, many))
    assert -trust.most <= trust.of(low, few) <= trust.of(high, few) <= trust.most
    assert trust.of(one, fewer) <= trust.of(one, more)


@given(TRUSTS, st.dictionaries(st.integers(-6, 6).filter(bool), st.floats(-30, 30)), LOG, LOG, CAMERAS)
def test_how_many_packages_it_was_is_told_as_before(trust, gained, misplaced, removed, count):
    before = SlotChange("s", gained, tuple("abcdefgh"[:count]), misplaced, removed, 1.0, 2.0)
    after = trusted(before, trust)
    assert (after.slot, after.cameras, after.before_s, after.after_s) == ("s", before.cameras, 1.0, 2.0)
    for one in gained:
        for other in gained:
            # Killed: each number on its own scale.
            apart = gained[one] - gained[other]
            assert after.gained[one] - after.gained[other] == pytest.approx(apart, abs=1e-9)
    if gained:
        assert max(after.gained.values()) == pytest.approx(trust.of(max(gained.values()), count))
    # Killed: arms that look foreign believed as packages are.
    assert max(after.misplaced, after.removed) <= trust.foreign
    assert after.misplaced <= trust.of(misplaced, count)
    assert after.removed <= trust.of(removed, count)
    # Killed: a hole, which looks as if something foreign went, worth more than the packages that are gone.
    shift = max(after.gained.values(), default=0.0) - max(gained.values(), default=0.0)
    assert not gained or after.removed <= removed + shift + 1e-9


def test_what_no_camera_saw_stays_as_it_was():
    unseen = SlotChange("s", {-1: 0.5})
    assert trusted(unseen, FREE) == unseen  # killed: an offset for nothing seen


def test_a_free_look_is_worth_more_than_one_between_arms_and_one_camera_less_than_two():
    def worth(trust, count):
        return trusted(SlotChange("s", {-1: 1.0}, tuple("abc"[:count])), trust).log(-1)

    for count in (1, 2, 3):
        assert worth(FREE, count) > worth(STAYING, count)
        assert worth(FREE, count) > worth(REACHING, count)
    assert worth(FREE, 3) - worth(FREE, 2) < worth(FREE, 2) - worth(FREE, 1)  # killed: one alone as any other
