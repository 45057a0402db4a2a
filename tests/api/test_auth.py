"""Keys, scopes, rates and sessions."""

from __future__ import annotations

import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.keys import BadKeyError, create_key, find_key, list_keys, revoke_key
from api.rates import BadRateError, rate_check
from api.serve import PageServer
from api.sessions import PAGE, SESSION_S, Sessions, read_secret
from store.records import Records


@pytest.fixture
def records(make_settings, tmp_path):
    with Records.open(make_settings(tmp_path)) as opened:
        yield opened


def test_a_key_is_asked_for(shop, span):
    with shop.client(key=None) as client:
        answer = client.get("/v1/footfall", params=span)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "aisle keys create" in answer.json()["detail"]


@pytest.mark.parametrize("text", ["x", "aisle_", "aisle_0123456789ab_" + "x" * 43, "Basic"])
def test_a_wrong_key_is_refused(shop, text):
    with shop.client(key=None) as client:
        answer = client.get("/v1/cameras", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 401
    assert "entrance" not in answer.text


def test_both_headers_take_a_key(shop):
    key = shop.keys["insights"]
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert httpx.get(f"{shop.url}/v1/cameras", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("key", "path", "scope"),
    [
        ("live", "/v1/cameras", "insights:read"),
        ("insights", "/v1/events", "events:read"),
        ("insights", "/v1/cameras/entrance/snapshot.jpg", "live:read"),
        ("events", "/v1/cameras/entrance/preview.jpg", "live:read"),
    ],
)
def test_the_scope_is_asked_for(shop, key, path, scope):
    with shop.client(key) as client:
        answer = client.get(path)
    assert answer.status_code == 403
    assert scope in answer.json()["detail"]


def test_admin_may_everything(shop):
    with shop.client("admin") as client:
        assert client.get("/v1/cameras").status_code == 200
        assert client.get("/v1/cameras/entrance/preview.jpg").status_code == 200


def test_a_key_is_kept_as_a_hash_only(records, tmp_path):
    _, text = create_key(records, "till", ["insights:read"], now=1.0)
    records.close()
    secret = text.split("_", 2)[2].encode()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("aisle.sqlite3*"))
    assert b"till" in kept
    assert secret not in kept


def test_a_key_ends(records):
    key, text = create_key(records, "till", ["insights:read"], now=100.0, expires_at=200.0)
    assert find_key(records, text, now=199.0) == key
    assert find_key(records, text, now=200.0) is None
    revoke_key(records, key.id, now=150.0)
    assert find_key(records, text, now=160.0) is None
    assert list_keys(records)[0].revoked_at == 150.0
    with pytest.raises(BadKeyError, match="no key with the id"):
        revoke_key(records, key.id, now=151.0)


def test_a_key_with_another_secret_is_not_found(records):
    key, text = create_key(records, "till", ["insights:read"], now=1.0)
    other = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert find_key(records, other, now=2.0) is None
    assert find_key(records, f"aisle_{key.id}_", now=2.0) is None


@pytest.mark.parametrize(
    ("label", "scopes", "expires_at"),
    [("a", ["everything"], None), ("a", [], None), (" ", ["admin"], None), ("a", ["admin"], 5.0)],
)
def test_a_bad_key_is_not_made(records, label, scopes, expires_at):
    with pytest.raises(BadKeyError):
        create_key(records, label, scopes, now=10.0, expires_at=expires_at)
    assert list_keys(records) == []


def test_a_rate_ends_in_429_and_keys_do_not_share_it(make_settings, tmp_path):
    settings = make_settings(tmp_path, rate_limit="3/hour")
    app = create_app(settings)
    with Records.open(settings) as records, PageServer(app, settings) as server:
        first, second = (create_key(records, name, ["insights:read"], now=time.time())[1] for name in "ab")
        path = f"{server.url}/v1/cameras"
        answers = [httpx.get(path, headers={"X-API-Key": first}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 3601
        assert answers[-1].json()["type"] == "urn:aisle:problem:too-many-requests"
        assert httpx.get(path, headers={"X-API-Key": second}).status_code == 200
        nobody = [httpx.get(path, headers={"X-API-Key": f"wrong{i}"}).status_code for i in range(4)]
        assert nobody == [401, 401, 401, 429]
        assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_a_rate_that_cannot_be_read_is_refused():
    with pytest.raises(BadRateError, match="often"):
        rate_check("often")


def test_a_cookie_ends_in_time_and_with_its_process(tmp_path):
    secret = read_secret(tmp_path / "session.key")
    assert read_secret(tmp_path / "session.key") == secret
    assert (tmp_path / "session.key").stat().st_mode & 0o077 == 0
    first, later = Sessions(secret), Sessions(secret)
    cookie = first.issue("0123456789ab", now=1000.0)
    assert later.read(cookie, now=1000.0 + SESSION_S - 1) == "0123456789ab"
    assert later.read(cookie, now=1000.0 + SESSION_S) is None
    page = first.issue(PAGE, now=1000.0)
    assert first.read(page, now=1001.0) == PAGE
    assert later.read(page, now=1001.0) is None
    assert not later.accepts(first.page_token)


@given(st.text(max_size=80), st.integers(0, 60))
def test_a_forged_cookie_is_not_read(text, at):
    sessions = Sessions(b"s" * 32)
    cookie = sessions.issue("0123456789ab", now=1000.0)
    assert sessions.read(text, now=1000.0) is None
    forged = cookie[:at] + text + cookie[at + 1 :]
    if forged != cookie:
        assert sessions.read(forged, now=1000.0) is None
