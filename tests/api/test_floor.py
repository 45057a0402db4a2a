"""The whole floor: what cameras can know of each place, its heatmap as numbers, picture and page."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import httpx
import numpy as np
import pytest

from api.app import create_app
from api.floor_view import NOWHERE, FloorView, floor_view
from api.keys import create_key
from api.serve import PageServer
from cameras.geometry import CameraModel
from insights.floor_heatmap import FLOOR
from insights.floor_picture import FloorLayers, render_floor
from insights.heatmap import Heatmap
from store import tables
from store.plan import Plan, PlanError
from store.records import Records
from tests.api.browsing import needs_browser, signed_in, text_of, until
from vision.floor.coverage import boxes_of
from vision.floor.observations import Rig, observe
from vision.floor.settings import BoxErrors

MINUTE = 29_922_300
STORE = "testshop"


def camera(name: str, position: tuple[float, float, float], look_at: tuple[float, float, float]) -> dict:
    pose = {"position": position, "look_at": look_at}
    return {"camera": name, "size": [640, 360], "lens": {"horizontal_view_deg": 80.0}, "pose": pose}


def plan_of(*cameras: dict, height: float = 2.0, **more) -> Plan:
    shelf = {"name": "shelf", "xy": [3.0, 2.0], "length_m": 2.0, "depth_m": 0.5, "height_m": height,
             "shelves": [{"z_m": height - 0.3, "depth_m": 0.4}]}  # fmt: skip
    return Plan.model_validate(
        {"store": STORE, "cameras": list(cameras), "floor": {"polygon": [[0, 0], [6, 0], [6, 4], [0, 4]]},
         "gates": [{"name": "door", "a": [0, 1], "b": [0, 2]}], "fixtures": [shelf], **more}
    )  # fmt: skip


WEST = camera("west", (0.1, 2.0, 2.6), (3.0, 2.0, 0.8))
EAST = camera("east", (5.9, 2.0, 2.6), (3.0, 2.0, 0.8))
BARE = {"camera": "bare", "size": [640, 360]}


def cell(view: FloorView, x: float, y: float) -> tuple[int, int]:
    return int((y - view.grid.origin[1]) / view.grid.cell), int((x - view.grid.origin[0]) / view.grid.cell)


def test_a_camera_does_not_see_behind_what_is_high():
    high, low = floor_view(plan_of(WEST, BARE), 0.25), floor_view(plan_of(WEST, BARE, height=0.6), 0.25)
    behind, before, inside = (cell(high, x, 2.0) for x in (3.6, 2.0, 3.0))
    assert (high.cameras[behind], high.cameras[before], high.cameras[inside]) == (0, 1, NOWHERE)
    assert (low.cameras[behind], low.cameras[before]) == (1, 1)
    assert np.isnan(high.error_cm[behind])
    assert np.isfinite(high.error_cm[before])
    both = floor_view(plan_of(WEST, EAST), 0.25)
    assert (both.cameras[behind], both.cameras[before]) == (1, 1)
    assert both.cameras[cell(both, 3.0, 0.4)] == 2


def test_no_camera_sees_below_itself_and_none_that_is_not_calibrated():
    view = floor_view(plan_of(WEST), 0.25)
    assert view.cameras[cell(view, 0.2, 2.0)] == 0
    blind = floor_view(plan_of(BARE), 0.25)
    assert set(np.unique(blind.cameras)) == {NOWHERE, 0}
    assert np.isnan(blind.error_cm).all()
    with pytest.raises(PlanError, match="has no `floor`"):
        floor_view(Plan(store="s"), 0.25)


def test_errors_grow_with_distance_and_shrink_with_a_second_camera():
    one = floor_view(plan_of(WEST, fixtures=[]), 0.25)
    along = [one.error_cm[cell(one, x, 2.0)] for x in (2.0, 3.5, 5.0)]
    assert along == sorted(along)
    assert along[2] > 1.5 * along[0]
    two = floor_view(plan_of(WEST, EAST, fixtures=[]), 0.25)
    seen = one.cameras + (two.cameras > one.cameras) > 1
    assert seen.sum() > 100
    assert (two.error_cm[seen] < one.error_cm[seen]).all()


def test_where_the_feet_are_hidden_the_error_is_larger():
    hidden, free = floor_view(plan_of(WEST, height=1.0), 0.25), floor_view(plan_of(WEST, fixtures=[]), 0.25)
    behind = cell(free, 3.6, 2.0)
    assert hidden.cameras[behind] == free.cameras[behind] == 1
    assert hidden.error_cm[behind] > 1.3 * free.error_cm[behind]


def test_the_expected_error_is_that_of_places_found_in_noisy_boxes():
    """Boxes with the errors that are assumed, looked at as the tracker does."""
    errors = BoxErrors()
    plan = plan_of(WEST, EAST, fixtures=[])
    view = floor_view(plan, 0.25, errors)
    rng = np.random.default_rng(5)
    rig = Rig.of(tuple(CameraModel.of(each) for each in plan.cameras))
    n = 4000
    for place in ((2.125, 1.125), (3.125, 3.125)):
        height = rng.normal(errors.height_m, errors.height_sd_m, n)
        boxes, depth = boxes_of(rig, np.column_stack([np.tile(place, (n, 1)), height]))
        information, pull = np.zeros((n, 3, 3)), np.zeros((n, 3))
        for number in range(2):
            box = boxes[:, number]
            tall = (box[:, 3] - box[:, 1])[:, None]
            body = errors.body_m * rig.focal[number, 1] / depth[:, number, None]
            middle = rng.normal(0, 1, (n, 2)) * np.hypot(errors.centre * tall, body)
            size = rng.normal(0, 1, (n, 1)) * np.hypot(errors.size * tall, body)
            noisy = box + np.tile(middle, 2) + size * [0, -0.5, 0, 0.5]
            looks = observe(rig, np.full(n, number), noisy, errors)
            assert len(looks) == n
            information += np.swapaxes(looks.weight, 1, 2) @ looks.weight
            pull += (np.swapaxes(looks.weight, 1, 2) @ looks.value[..., None])[..., 0]
        information[:, 2, 2] += errors.height_sd_m**-2
        pull[:, 2] += errors.height_m * errors.height_sd_m**-2
        found = np.linalg.solve(information, pull[..., None])[:, :2, 0]
        off_cm = 100 * np.sqrt(((found - place) ** 2).sum(axis=1).mean())
        assert view.error_cm[cell(view, *place)] == pytest.approx(off_cm, rel=0.1)


def heatmap_of(view: FloorView, seconds: np.ndarray) -> Heatmap:
    return Heatmap("floor", view.grid.cell, view.grid.origin, seconds, np.ones(seconds.shape, np.int64), 1, 0)


def pixel(picture: np.ndarray, view: FloorView, x: float, y: float) -> np.ndarray:
    """The cell around a place: the picture has 90 pixels a metre, a margin of 16, and y goes up."""
    left, top = round(16 + 90 * x), round(16 + 90 * (view.grid.rows * view.grid.cell - y))
    return picture[top - 9 : top + 9, left - 9 : left + 9].astype(int)


def test_what_is_not_seen_looks_unlike_what_is_cold():
    plan = plan_of(WEST)
    view = floor_view(plan, 0.25)
    seconds = np.full(view.cameras.shape, np.nan, np.float32)
    seconds[cell(view, 2.0, 1.0)] = 50
    layers = FloorLayers(view.cameras, view.error_cm)
    picture = render_floor(heatmap_of(view, seconds), plan, layers)
    unseen, cold, hot = (pixel(picture, view, *place) for place in ((3.5, 2.0), (2.0, 3.2), (2.1, 1.1)))
    assert unseen.std() > 20, "hatched"
    assert (cold == 250).all(), "bare paper"
    assert abs(hot - 250).max() > 60
    for layer in ("cameras", "error"):
        drawn = render_floor(heatmap_of(view, seconds), plan, layers, layer)
        assert abs(pixel(drawn, view, 2.0, 3.2) - 250).max() > 30
        assert pixel(drawn, view, 3.5, 2.0).std() > 20
    with pytest.raises(ValueError, match="heatmap's shape"):
        render_floor(heatmap_of(view, seconds[1:]), plan, layers)


@pytest.fixture(scope="module")
def floor(tmp_path_factory) -> Iterator[tuple[PageServer, httpx.Client]]:
    from tests.api.conftest import make_settings

    settings = make_settings(tmp_path_factory.mktemp("floor"))
    cells = [("", 8, 4, 5, 50.0), ("", 9, 4, 2, 40.0), ("west", 8, 4, 9, 900.0), ("west", 300, 300, 9, 90.0)]
    rows = [
        {"store": STORE, "camera": camera or FLOOR, "space": "floor", "minute": MINUTE, "x": x, "y": y,
         "visitors": visitors, "seconds": seconds}
        for camera, x, y, visitors, seconds in cells
    ]  # fmt: skip
    with Records.open(settings) as records:
        with records.begin() as connection:
            connection.execute(tables.tiles.insert(), rows)
        key = create_key(records, "k", ["insights:read"], now=time.time())[1]
        app = create_app(settings, records=records, plan=plan_of(WEST))
        with PageServer(app, settings) as server, httpx.Client(base_url=server.url, timeout=30) as client:
            client.headers["X-API-Key"] = key
            yield server, client


SPAN = {"from": 60 * MINUTE, "to": 60 * MINUTE + 600}


def test_the_floor_over_http(floor):
    _, client = floor
    found = client.get("/v1/floor/heatmap", params=SPAN).json()
    assert (found["rows"], found["columns"], found["cell"], found["origin"]) == (16, 24, 0.25, [0, 0])
    assert (found["min_visitors"], found["hidden"]) == (3, 1)
    assert [value for row in found["seconds"] for value in row if value is not None] == [50.0]
    assert (found["seconds"][4][8], found["visitors"][4][8]) == (50.0, 5)
    assert (found["seconds"][4][9], found["visitors"][4][9]) == (None, None)
    assert (found["cameras"][8][14], found["cameras"][8][12], found["cameras"][4][8]) == (0, None, 1)
    assert found["error_cm"][8][14] is None
    assert found["error_cm"][4][8] > 0
    assert found["seen"] == pytest.approx(
        np.mean([c > 0 for row in found["cameras"] for c in row if c is not None]), abs=1e-4
    )
    assert found["seen_twice"] == 0
    for layer in ("heat", "cameras", "error"):
        answer = client.get("/v1/floor/heatmap.png", params={**SPAN, "layer": layer})
        assert answer.headers["content-type"] == "image/png"
        assert cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR).shape[1] == 32 + 540 + 48
    assert client.get("/v1/floor/heatmap.png", params={**SPAN, "layer": "x"}).status_code == 422
    assert httpx.get(f"{client.base_url}/v1/floor/heatmap", params=SPAN).status_code == 401


def test_a_shop_without_a_plan_says_so(client):
    refused = client.get("/v1/floor/heatmap", params=SPAN)
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:aisle:problem:no-plan")
    assert "aisle serve PLAN" in refused.json()["detail"]


def test_a_plan_that_is_calibrated_anew_is_read_again(tmp_path):
    from api.floor_plans import FloorPlans
    from store.plan import load_plan

    path = tmp_path / "plan.yaml"
    text = "store: s\nfloor: {polygon: [[0, 0], [4, 0], [4, 3], [0, 3]]}\ncameras: [{camera: c, size: [640, 360]%s}]\n"
    path.write_text(text % "")
    plans = FloorPlans(load_plan(path), path)
    assert plans.view()[1].cameras.max() == 0
    assert plans.view()[1] is plans.view()[1]
    path.write_text(text % ", lens: {horizontal_view_deg: 90}, pose: {position: [0, 0, 2.5], look_at: [2, 2, 1]}")
    assert plans.view()[1].cameras.max() == 1
    path.write_text("store: [")
    assert plans.view()[1].cameras.max() == 1, "while it is being written the last one holds"


@needs_browser
def test_the_page_shows_the_floor_and_what_is_not_known(floor, browser):
    server, _ = floor
    with signed_in(browser, server) as open_page:
        page = open_page("/floor")
        text_of(page, "#shown", "1")
        text_of(page, "#hidden", "1")
        until(page, "() => document.getElementById('floor').naturalWidth > 0")
        alt = page.locator("#floor").get_attribute("alt")
        assert "where people were; 1 cells shown" in alt
        assert "% seen by no camera" in alt
        first = page.locator("#floor").get_attribute("src")
        page.get_by_role("radio", name="Error").check(force=True)
        until(page, "old => document.getElementById('floor').src !== old", first)
        assert "how exactly" in page.locator("#floor").get_attribute("alt")
        assert page.locator("#error").inner_text().endswith(" cm")
