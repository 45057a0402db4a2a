"""The calibration page: who may see it, what it answers, and clicking it in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import httpx
import numpy as np
import pytest

from api.app import create_app
from api.keys import create_key
from api.serve import PageServer
from cameras.calibration.accuracy import floor_difference_cm, seen_floor
from cameras.geometry import CameraModel
from store import tables
from store.plan import load_plan
from store.records import Records
from store.views import CameraView, Lens, Pose

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SIZE = (320, 240)
PLAN = """store: testshop
floor: {polygon: [[0, 0], [5, 0], [5, 5], [0, 5]]}
fixtures:
  - {name: island, kind: table, xy: [2.5, 3], length_m: 1.2, depth_m: 0.6, height_m: 0.9, heading_deg: 0, shelves: []}
cameras:
  - camera: entrance  # above the door
    size: [320, 240]
"""
TRUE = CameraModel.of(
    CameraView(
        camera="entrance",
        size=SIZE,
        lens=Lens(horizontal_view_deg=88, distortion=(-0.15, 0.03, 0, 0, 0)),
        pose=Pose(position=(0.4, 0.4, 2.8), look_at=(2.5, 2.7, 0.2)),
    )
)
FLOOR = np.array([[1.2, 2.0], [2.2, 1.0], [2.2, 3.6], [2.8, 2.4], [4.0, 2.0], [1.5, 4.2], [3.9, 3.8], [1.6, 1.5]])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A server with a plan of its own to write to, one recorded camera, and keys."""
    from store.settings import Settings

    folder = tmp_path_factory.mktemp("calibrate")
    settings = Settings(data_dir=folder, store="testshop", port=0, rate_limit="100000/minute")
    plan = folder / "plan.yaml"
    plan.write_text(PLAN)
    preview = folder / "entrance.jpg"
    preview.write_bytes(cv2.imencode(".jpg", np.full((240, 320, 3), 140, np.uint8))[1].tobytes())
    row = {
        "store": "testshop", "camera": "entrance", "width": 320, "height": 240, "first_seen": 1e9, "last_seen": 1e9,
        "preview": str(preview), "lines": [], "zones": [], "homography": None, "cell_px": 16, "cell_m": 0.25,
    }  # fmt: skip
    with Records.open(settings) as records:
        with records.begin() as connection:
            connection.execute(tables.cameras.insert(), [row])
        keys = {name: create_key(records, name, [name], now=1.0)[1] for name in ("admin", "live:read")}
        with PageServer(create_app(settings, records=records, plan_file=plan), settings) as server:
            yield SimpleNamespace(url=server.url, keys=keys, plan=plan, settings=settings)


@pytest.fixture
def client(desk: SimpleNamespace) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=desk.url, timeout=60) as opened:
        opened.post("/login", data={"key": desk.keys["admin"]})
        yield opened


def clicked(count: int = 8, **more: object) -> dict[str, object]:
    pixels = TRUE.project(np.column_stack([FLOOR, np.zeros(len(FLOOR))])) / SIZE
    rows = [
        {"u": float(u), "v": float(v), "x": float(x), "y": float(y)}
        for (u, v), (x, y) in zip(pixels[:count], FLOOR[:count], strict=True)
    ]
    return {"points": rows, **more}


def test_the_page_is_for_admins_and_for_cameras_that_are_there(desk: SimpleNamespace, client: httpx.Client) -> None:
    assert httpx.get(f"{desk.url}/calibrate/entrance").headers["location"].startswith("/login")
    with httpx.Client(base_url=desk.url) as other:
        other.post("/login", data={"key": desk.keys["live:read"]})
        assert other.get("/calibrate/entrance").status_code == 403
        assert other.post("/calibrate/entrance", json=clicked()).status_code == 403
    page = client.get("/calibrate/entrance")
    assert page.status_code == 200
    assert "plan-fixture" in page.text
    unknown = client.get("/calibrate/attic")
    assert unknown.status_code == 404
    assert "entrance" in unknown.json()["detail"]
    crossed = client.post("/calibrate/entrance", json=clicked(), headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 403


def test_points_are_calibrated_and_saved_into_the_plan(desk: SimpleNamespace, client: httpx.Client) -> None:
    before = desk.plan.read_text()
    answer = client.post("/calibrate/entrance", json=clicked()).json()
    assert answer["expected_cm"] < 10
    assert answer["backup"] is None
    assert len(answer["points"]) == 8
    assert all(point["used"] for point in answer["points"])
    assert answer["picture"].startswith("data:image/jpeg;base64,")
    assert desk.plan.read_text() == before
    saved = client.post("/calibrate/entrance", json=clicked(save=True)).json()
    assert (desk.plan.parent / saved["backup"]).read_text() == before
    assert "# above the door" in desk.plan.read_text()
    found = CameraModel.of(load_plan(desk.plan).view("entrance"))
    assert float(np.median(floor_difference_cm(found, TRUE, seen_floor(TRUE, 10, 5.0)))) < 6
    desk.plan.write_text(before)


def test_what_cannot_be_calibrated_is_said(client: httpx.Client) -> None:
    few = client.post("/calibrate/entrance", json=clicked(3))
    assert few.status_code == 422
    assert "3 different points" in few.json()["detail"]
    wrong = client.post("/calibrate/entrance", json={"points": [{"u": 2, "v": 0, "x": 0, "y": 0}]})
    assert wrong.status_code == 422


def test_a_server_without_a_plan_says_so(desk: SimpleNamespace, shop) -> None:
    with httpx.Client(base_url=shop.url) as client:
        client.post("/login", data={"key": shop.keys["admin"]})
        answer = client.get("/calibrate/entrance")
    assert answer.status_code == 404
    assert "`aisle serve PLAN`" in answer.json()["detail"]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")
def test_clicking_pairs_calibrates_and_saves(desk: SimpleNamespace) -> None:
    from playwright.sync_api import expect, sync_playwright

    before = desk.plan.read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        errors: list[str] = []
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{desk.url}/login?next=/calibrate/entrance")
        page.locator("input[name=key]").fill(desk.keys["admin"])
        page.locator("input[name=key]").press("Enter")
        expect(page.locator("h1")).to_have_text("Calibrate entrance", timeout=30000)
        page.wait_for_load_state("load")
        low, high = (-0.5, -0.5), (5.5, 5.5)
        for u, v, x, y in ((p["u"], p["v"], p["x"], p["y"]) for p in clicked()["points"]):  # type: ignore[attr-defined]
            page.locator("#picture-marks").scroll_into_view_if_needed()
            box = page.locator("#picture-marks").bounding_box()
            assert box is not None
            page.mouse.click(box["x"] + u * box["width"], box["y"] + v * box["height"])
            plan = page.locator("#plan").bounding_box()
            assert plan is not None
            # The drawing keeps its shape inside the element.
            scale = min(plan["width"] / (high[0] - low[0]), plan["height"] / (high[1] - low[1]))
            left = plan["x"] + (plan["width"] - scale * (high[0] - low[0])) / 2
            top = plan["y"] + (plan["height"] - scale * (high[1] - low[1])) / 2
            page.mouse.click(left + (x - low[0]) * scale, top + (high[1] - y) * scale)
        expect(page.locator("#points tr")).to_have_count(8)
        expect(page.locator("#save")).to_be_disabled()
        page.get_by_role("button", name="Calibrate", exact=True).click()
        expect(page.locator("#result")).to_contain_text("Error to expect", timeout=60000)
        expect(page.locator("#overlay")).to_be_visible()
        page.locator("#save").click()
        expect(page.locator("#result")).to_contain_text("Saved", timeout=60000)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    assert errors == []
    found = CameraModel.of(load_plan(desk.plan).view("entrance"))
    assert float(np.median(floor_difference_cm(found, TRUE, seen_floor(TRUE, 10, 5.0)))) < 10
    assert Path(desk.plan).read_text() != before
    desk.plan.write_text(before)
