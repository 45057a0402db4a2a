"""What is wrong is said in a problem document."""

from __future__ import annotations

import httpx
import pytest

from api.app import create_app
from api.serve import PageServer


def check(answer: httpx.Response, status: int, kind: str) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["type"]) == (status, f"urn:aisle:problem:{kind}")
    assert body["title"]
    assert body["instance"].startswith("/")
    return str(body["detail"])


def test_an_address_that_is_not_there(client):
    assert "/openapi.json" in check(client.get("/v1/nothing"), 404, "not-found")


def test_a_method_that_is_not_taken(client):
    answer = client.delete("/v1/cameras")
    check(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("query", "kind", "word"),
    [
        ({"from": None}, "invalid-request", "query.from"),
        ({"to": None}, "invalid-request", "query.to"),
        ({"from": "yesterday"}, "invalid-request", "ISO 8601"),
        ({"from": "-5"}, "invalid-request", "ISO 8601"),
        ({"from": "2026-11-22T11:00:00Z"}, "empty-range", "not before"),
        ({"from": "2026-11-22T12:00:00Z"}, "empty-range", "not before"),
        ({"from": "2020-01-01"}, "range-too-long", "longest"),
        ({"from": "2026-01-01", "bucket": "60"}, "too-many-buckets", "longer buckets"),
        ({"bucket": "90"}, "invalid-request", "query.bucket"),
        ({"line": "door"}, "line-without-camera", "camera"),
    ],
)
def test_a_range_that_cannot_be_answered(client, span, query, kind, word):
    asked = {name: value for name, value in {**span, **query}.items() if value is not None}
    assert word in check(client.get("/v1/footfall", params=asked), 422, kind)


@pytest.mark.parametrize(
    ("path", "query", "kind", "word"),
    [
        ("/v1/cameras/roof", {}, "unknown-camera", "entrance, storeroom"),
        ("/v1/footfall", {"camera": "roof"}, "unknown-camera", "entrance"),
        ("/v1/footfall", {"camera": "entrance", "line": "gate"}, "unknown-line", "door"),
        ("/v1/visits", {"camera": "roof"}, "unknown-camera", "entrance"),
        ("/v1/cameras/entrance/dwell", {"zone": "garden"}, "unknown-zone", "shelf, till"),
        ("/v1/cameras/storeroom/dwell", {"zone": "till"}, "unknown-zone", "no zones yet"),
        ("/v1/cameras/entrance/occupancy", {"zone": "garden"}, "unknown-zone", "shelf, till"),
        ("/v1/cameras/roof/heatmap", {}, "unknown-camera", "entrance"),
        ("/v1/cameras/roof/heatmap.png", {}, "unknown-camera", "entrance"),
        ("/v1/cameras/roof/occupancy/now", {}, "unknown-camera", "entrance"),
        ("/v1/cameras/storeroom/live.mjpeg", {}, "not-live", "aisle watch"),
        ("/v1/cameras/storeroom/snapshot.jpg", {}, "not-live", "entrance"),
        ("/v1/cameras/storeroom/preview.jpg", {}, "no-preview", "storeroom"),
    ],
)
def test_a_name_that_is_not_there(client, span, path, query, kind, word):
    assert word in check(client.get(path, params={**span, **query}), 404, kind)


def test_a_floor_that_is_not_known(client, span):
    answer = client.get("/v1/cameras/storeroom/heatmap", params={**span, "space": "floor"})
    assert "--homography" in check(answer, 422, "not-calibrated")


def test_a_host_that_is_not_ours(shop):
    answer = httpx.get(f"{shop.url}/v1/cameras", headers={"Host": "evil.example"})
    assert "127.0.0.1" in check(answer, 400, "unknown-host")
    assert httpx.get(f"{shop.url}/healthz", headers={"Host": "localhost:1"}).status_code == 200


def test_a_bug_is_a_problem_too(make_settings, tmp_path):
    settings = make_settings(tmp_path)
    app = create_app(settings)

    @app.get("/v1/broken")
    def broken() -> None:
        raise RuntimeError("the secret is 12345")

    with PageServer(app, settings) as server:
        detail = check(httpx.get(f"{server.url}/v1/broken"), 500, "internal-error")
    assert "12345" not in detail


def test_every_answer_carries_the_headers(client):
    for path in ("/login", "/v1/nothing", "/static/aisle.css"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
