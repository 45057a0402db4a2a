"""Entry codes: good once, for a while, in one store, made by nobody else."""

from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.codes import BadCodeError, EntryCodes, qr_svg
from checkout.members import alias_of, forget_member
from store.records import Records
from store.settings import Settings, SettingsError, load_settings

SECRET = b"k" * 32
CODES = EntryCodes("shop", SECRET, 60)


def reason(codes: EntryCodes, text: str, now: float = 1010.0) -> str:
    with pytest.raises(BadCodeError) as caught:
        codes.read(text, now)
    assert len(text) < 20 or text[:20] not in str(caught.value)
    return caught.value.reason


def test_a_code_says_whose_it_is_until_it_is_too_old():
    code, text = CODES.issue("alias", 1000.0, role="tester", adult=True)
    assert CODES.read(text, 1059.9) == code
    assert (code.member, code.role, code.adult, code.expires_at) == ("alias", "tester", True, 1060.0)
    assert reason(CODES, text, 1060.0) == "expired"
    assert len(text) < 400


def test_another_stores_code_and_another_secrets_code_open_nothing():
    assert reason(CODES, EntryCodes("other", SECRET, 60).issue("a", 1000.0)[1]) == "other_store"
    assert reason(CODES, EntryCodes("shop", b"x" * 32, 60).issue("a", 1000.0)[1]) == "forged"


GOOD = {"iss": "shop", "aud": "aisle-gate", "sub": "a", "jti": "j", "iat": 1000, "exp": 1060, "role": "customer"}


@pytest.mark.parametrize(
    "claims",
    [
        *({name: value for name, value in GOOD.items() if name != missing} for missing in GOOD),
        {**GOOD, "role": "owner"}, {**GOOD, "aud": "elsewhere"}, {**GOOD, "exp": "never"}, {**GOOD, "sub": 7},
    ],
)  # fmt: skip
def test_a_token_with_other_claims_is_no_code(claims):
    assert CODES.read(jwt.encode(GOOD, SECRET, "HS256"), 1010.0).id == "j"
    assert reason(CODES, jwt.encode(claims, SECRET, "HS256")) == "forged"


def test_an_unsigned_token_is_no_code():
    assert reason(CODES, jwt.encode(GOOD, "", algorithm="none")) == "forged"
    assert reason(CODES, jwt.encode(GOOD, SECRET * 2, algorithm="HS512")) == "forged"


@given(st.text(max_size=60), st.integers(0, 300))
def test_a_changed_code_is_forged(text, at):
    _, good = CODES.issue("a", 1000.0)
    changed = good[:at] + text + good[at + len(text) :]
    # Base64 leaves some bits of its last digit open: those are the same code.
    if changed != good and changed[:-1] != good[:-1]:
        assert reason(CODES, changed) == "forged"
    assert reason(CODES, text) == "forged"
    assert reason(CODES, good + "a" * 3000) == "forged"


def test_the_qr_is_read_again():
    import cv2
    import numpy as np
    import segno
    import zxingcpp

    _, text = CODES.issue("alias", 1000.0)
    assert qr_svg(text).startswith("<svg")
    matrix = np.array([list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=4)], np.uint8)
    picture = cv2.resize(255 * (1 - matrix), None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [text]


def test_a_member_has_one_alias_until_it_is_forgotten(tmp_path):
    with Records.open(Settings(data_dir=tmp_path)) as records:
        alias = alias_of(records, "shop", "m-17", 1.0)
        assert alias_of(records, "shop", "m-17", 2.0) == alias
        assert alias_of(records, "other", "m-17", 2.0) != alias
        assert forget_member(records, "shop", "m-17") == (True, 0)
        assert forget_member(records, "shop", "m-17") == (False, 0)
        assert alias_of(records, "shop", "m-17", 3.0) != alias


def test_a_short_secret_is_refused_without_being_shown():
    with pytest.raises(SettingsError, match="32 bytes") as caught:
        load_settings(code_secret="tooshort")
    assert "tooshort" not in str(caught.value)
