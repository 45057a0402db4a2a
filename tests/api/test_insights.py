"""The numbers of the interface are those in the records."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import datetime

import cv2
import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ranges import BadInstantError, parse_instant

BEGIN = 1_795_338_000.0


def get(client: httpx.Client, path: str, **query: object):
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_cameras(client):
    entrance, storeroom = get(client, "/v1/cameras")
    assert (entrance["camera"], entrance["width"], entrance["height"]) == ("entrance", 320, 240)
    assert (entrance["live"], entrance["preview"], entrance["floor"]) == (True, True, True)
    assert (storeroom["live"], storeroom["preview"], storeroom["floor"]) == (False, False, False)
    assert get(client, "/v1/cameras/entrance") == entrance
    assert get(client, "/v1/cameras/entrance/lines") == entrance["lines"]
    assert [line["name"] for line in entrance["lines"]] == ["door"]
    assert get(client, "/v1/cameras/entrance/zones") == entrance["zones"]
    assert [zone["name"] for zone in entrance["zones"]] == ["till", "shelf"]


@pytest.mark.parametrize("query", [{}, {"camera": "entrance"}, {"camera": "entrance", "line": "door"}])
def test_footfall(client, span, query):
    found = get(client, "/v1/footfall", **span, **query)
    assert (found["count_in"], found["count_out"]) == (6, 3)
    assert [(each["count_in"], each["count_out"]) for each in found["buckets"]] == [(4, 2), (2, 1)]
    assert [each["start"] for each in found["buckets"]] == [BEGIN, BEGIN + 3600]


def test_footfall_of_a_camera_without_lines(client, span):
    found = get(client, "/v1/footfall", camera="storeroom", **span)
    assert (found["count_in"], found["count_out"]) == (0, 0)


def test_a_range_is_half_open(client):
    first = BEGIN + 30  # the moment of the first crossing
    assert get(client, "/v1/footfall", **{"from": first, "to": first + 1})["count_in"] == 1
    assert get(client, "/v1/footfall", **{"from": first - 1, "to": first})["count_in"] == 0


def test_visits(client, span):
    assert get(client, "/v1/visits", **span) == {"camera": None, "count": 7, "mean_s": 50.0, "median_s": 50.0}
    assert get(client, "/v1/visits", camera="storeroom", **span)["count"] == 0


def test_dwell(client, span):
    till, shelf = get(client, "/v1/cameras/entrance/dwell", **span)
    assert (till["zone"], till["count"], till["mean_s"], till["median_s"]) == ("till", 5, 40.0, 30.0)
    assert sum(each["count"] for each in till["histogram"]) == 5
    assert (shelf["zone"], shelf["count"], shelf["mean_s"]) == ("shelf", 0, None)
    assert get(client, "/v1/cameras/entrance/dwell", zone="till", **span) == [till]


def test_occupancy(client):
    query = {"from": BEGIN, "to": BEGIN + 600, "bucket": 300}
    whole = get(client, "/v1/cameras/entrance/occupancy", **query)["buckets"]
    assert [(each["mean"], each["peak"]) for each in whole] == [(2.0, 3), (2.0, 3)]
    till = get(client, "/v1/cameras/entrance/occupancy", zone="till", **query)["buckets"]
    assert [each["person_seconds"] for each in till] == [150.0, 150.0]


def test_a_heatmap_hides_what_few_visited(client, span):
    found = get(client, "/v1/cameras/entrance/heatmap", **span)
    assert (found["min_visitors"], found["hidden"], found["cell"]) == (3, 2, 16.0)
    shown = [value for row in found["visitors"] for value in row if value is not None]
    assert sorted(shown) == [3, 4, 5]
    assert sorted(value for row in found["seconds"] for value in row if value is not None) == [30.0, 40.0, 50.0]
    assert len(found["seconds"]) == found["rows"]
    assert {len(row) for row in found["seconds"]} == {found["columns"]}
    floor = get(client, "/v1/cameras/entrance/heatmap", space="floor", **span)
    assert (floor["cell"], floor["hidden"]) == (0.25, 2)


@pytest.mark.parametrize("space", ["image", "floor"])
def test_a_heatmap_is_a_picture(client, span, space):
    answer = client.get("/v1/cameras/entrance/heatmap.png", params={**span, "space": space})
    assert answer.headers["content-type"] == "image/png"
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    other = client.get("/v1/cameras/entrance/heatmap.png", params={"from": 0, "to": 60, "space": space})
    assert other.status_code == 200
    assert other.content != answer.content


def test_definitions_name_the_privacy_rule(client):
    found = {each["name"]: each["text"] for each in get(client, "/v1/definitions")}
    assert {"visit", "dwell", "occupancy", "heatmap", "hidden_cells"} <= found.keys()
    assert "3" in found["hidden_cells"]


@given(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.timezones()))
def test_a_time_is_read_as_it_was_written(moment):
    seconds = moment.timestamp()
    if not 0 <= seconds < 253402300800:
        return
    text = moment.isoformat()
    assert math.isclose(parse_instant(text), seconds, abs_tol=1e-5)
    # A plus sign that nobody percent-encoded comes as a space.
    assert math.isclose(parse_instant(text.replace("+", " ")), seconds, abs_tol=1e-5)


@given(st.floats(0, 1e9, allow_nan=False))
def test_seconds_are_read_as_seconds(seconds):
    assert math.isclose(parse_instant(f"{seconds:.6f}"), seconds, abs_tol=1e-5)


@given(st.text())
def test_any_text_is_a_time_or_a_clear_error(text):
    with suppress(BadInstantError):
        assert 0 <= parse_instant(text) < 253402300800
