"""The pages in a real browser: numbers move, nothing goes wrong in the console, and a keyboard is enough."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

import api
from api.app import create_app
from api.serve import PageServer
from store.events import LineCrossed, PersonEntered, PersonLeft
from tests.api.browsing import needs_browser, signed_in, text_of, until

PAGES = ["/", "/shop", "/heatmap", "/floor", "/charts", "/reviews", "/definitions"]


# Without a browser: who may see what.


def test_a_page_link_opens_the_pages_and_leaves_the_address(shop):
    with httpx.Client(follow_redirects=True) as client:
        refused = client.get(f"{shop.url}/heatmap")
        assert refused.url.path == "/login"
        page = client.get(shop.server.link("/heatmap"))
        assert (page.status_code, page.url.path, page.url.query) == (200, "/heatmap", b"")
        cookie = page.history[0].headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert shop.server.link().partition("key=")[2] not in cookie
        assert client.get(f"{shop.url}/v1/cameras").status_code == 200
        client.post(f"{shop.url}/logout")
        assert client.get(f"{shop.url}/").url.path == "/login"


def test_a_link_of_an_earlier_run_says_so(shop):
    page = httpx.get(f"{shop.url}/?key=old", follow_redirects=True)
    assert page.url.path == "/login"
    assert "earlier run" in page.text


@pytest.mark.parametrize(
    ("following", "target"),
    [("/charts", "/charts"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/")],
)
def test_a_key_opens_the_pages(shop, following, target):
    form = {"key": shop.keys["all"], "next": following}
    answer = httpx.post(f"{shop.url}/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, target)
    assert shop.keys["all"] not in answer.headers["set-cookie"]


def test_a_wrong_key_does_not(shop):
    answer = httpx.post(f"{shop.url}/login", data={"key": "aisle_wrong", "next": "/charts"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert 'value="/charts"' in answer.text
    crossed = httpx.post(f"{shop.url}/login", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 403
    assert httpx.post(f"{shop.url}/login", content=b"x" * 5000).status_code == 413


def test_a_page_needs_its_scopes(shop):
    with httpx.Client(base_url=shop.url) as client:
        client.post("/login", data={"key": shop.keys["insights"]})
        assert client.get("/heatmap").status_code == 200
        live = client.get("/")
        assert live.status_code == 403
        assert "live:read" in live.text


def test_plotly_comes_from_its_wheel_packed_and_kept(shop):
    with httpx.Client(base_url=shop.url) as client:
        client.get(shop.server.link())
        path = re.search(r'src="(/assets/plotly-[\d.]+\.min\.js)"', client.get("/charts").text)
        assert path
        packed = client.get(path[1], headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert "immutable" in packed.headers["cache-control"]
        assert int(packed.headers["content-length"]) < 2_000_000
        assert client.get(path[1], headers={"Accept-Encoding": "identity"}).text == packed.text
        assert client.get("/assets/plotly-0.min.js").status_code == 404


def test_an_unknown_page_is_a_page(shop):
    answer = httpx.get(f"{shop.url}/nothing", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "no such page" in answer.text


# In a browser.


@pytest.fixture
def open_page(browser, shop):
    """Open a page that is signed in; what its console calls an error fails the test in the end."""
    with signed_in(browser, shop.server) as opened:
        yield opened


@needs_browser
def test_numbers_move_when_something_happens(shop, open_page):
    page = open_page("/?camera=entrance")
    text_of(page, "#in", "6")
    text_of(page, "#out", "3")
    at = 1_795_345_200.0
    common = {"store": "testshop", "time": at, "cameras": ("entrance",)}
    shop.bus.publish([PersonEntered(**common, track_id="first")])
    text_of(page, "#state", "Live")
    text_of(page, "#people", re.compile(r"\d+"))
    before = shop.people("entrance")
    shop.bus.publish([PersonEntered(**common, track_id=f"p{i}") for i in range(3)])
    text_of(page, "#people", str(before + 3))
    shop.bus.publish([PersonLeft(**common, track_id="p0", entered_at=at)])
    text_of(page, "#people", str(before + 2))
    shop.bus.publish([LineCrossed(**common, line="door", direction="in")])
    text_of(page, "#in", "7")
    assert "door" in page.locator("#happenings li").first.inner_text()
    shop.bus.publish([PersonLeft(**common, track_id=f"p{i}", entered_at=at) for i in (1, 2)])


@needs_browser
def test_the_live_picture_is_shown_and_can_be_paused(shop, open_page):
    page = open_page("/?camera=entrance")
    until(page, "() => document.getElementById('play').textContent === 'Pause picture'")
    until(page, "() => document.getElementById('picture').src.includes('live.mjpeg')")
    ok, data = cv2.imencode(".jpg", np.full((240, 320, 3), 128, np.uint8))
    assert ok
    shop.live.put("entrance", data.tobytes())
    until(page, "() => document.getElementById('picture').naturalWidth === 320")
    page.get_by_role("button", name="Pause picture").click()
    until(page, "() => document.getElementById('picture').src.includes('snapshot.jpg')")
    text_of(page, "#play", "Play picture")


@needs_browser
def test_the_heatmap_is_drawn_and_says_what_it_hides(open_page):
    page = open_page("/heatmap?camera=entrance")
    text_of(page, "#shown", "3")
    text_of(page, "#hidden", "2")
    text_of(page, "#visits", "7")
    until(page, "() => document.getElementById('heatmap').naturalWidth > 0")
    assert "3 cells shown" in page.locator("#heatmap").get_attribute("alt")
    first = page.locator("#heatmap").get_attribute("src")
    page.get_by_label("Floor").check()
    until(page, "old => document.getElementById('heatmap').src !== old", first)
    page.get_by_label("Camera").select_option("storeroom")
    text_of(page, "#visits", "0")
    assert page.get_by_label("Floor").is_disabled()


@needs_browser
def test_the_charts_show_the_numbers(open_page):
    page = open_page("/charts?camera=entrance")
    text_of(page, "#in", "6")
    text_of(page, "#out", "3")
    text_of(page, "#peak", "3")
    for name in ("footfall", "occupancy", "dwell"):
        page.wait_for_selector(f"#{name} svg.main-svg")
    page.get_by_label("Per").select_option("3600")
    until(page, "() => document.querySelectorAll('#footfall-table tbody tr').length <= 3")
    page.locator("details", has_text="Show as a table").last.locator("summary").click()
    assert "till" in page.locator("#dwell-table").inner_text()
    page.get_by_label("Zone", exact=True).select_option("till")
    until(page, "() => document.querySelectorAll('#dwell-table tbody tr').length === 1")
    page.get_by_label("Time").select_option("custom")
    page.get_by_label("From").fill("2026-11-21T00:00")
    page.get_by_label("To", exact=True).fill("2026-11-21T01:00")
    page.get_by_label("To", exact=True).press("Tab")
    text_of(page, "#in", "0")
    page.get_by_label("Camera").select_option("storeroom")
    until(page, "() => document.getElementById('footfall-empty').textContent.includes('--line')")


@needs_browser
@pytest.mark.parametrize("path", PAGES)
def test_the_keyboard_reaches_everything(open_page, path):
    page = open_page(path)
    page.wait_for_load_state("load")
    reachable = page.locator("a:visible, button:visible, select:visible:enabled, summary:visible").count()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    script = """() => {
        const active = document.activeElement;
        if (active === document.body) return null;
        const marked = active.matches('input[type=radio]') ? active.nextElementSibling : active;
        return [active.outerHTML.slice(0, 90), getComputedStyle(marked).outlineStyle !== 'none'];
    }"""
    seen: dict[str, bool] = {}
    for _ in range(reachable + 6):
        focused = page.evaluate(script)
        if focused:
            seen[focused[0]] = focused[1]
        page.keyboard.press("Tab")
    assert [html for html, marked in seen.items() if not marked] == []
    names = " ".join(seen)
    for link in ('href="/shop"', 'href="/heatmap"', 'href="/reviews"', 'href="/definitions"', "<button"):
        assert link in names
    if path in ("/heatmap", "/charts"):
        assert 'id="camera"' in names
        assert 'id="range"' in names


@needs_browser
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_tablet_in_light_and_dark(open_page, path, scheme):
    page = open_page(path, color_scheme=scheme)
    brightness = page.evaluate(
        "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    )
    assert (sum(brightness) > 600) == (scheme == "light")
    for width, height in ((1024, 768), (768, 1024), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@needs_browser
def test_an_empty_shop_says_what_to_do_and_fills_by_itself(browser, make_settings, tmp_path):
    from store import tables
    from store.records import Records

    settings = make_settings(tmp_path)
    with Records.open(settings) as records:
        app = create_app(settings, records=records)
        with PageServer(app, settings) as server:
            context = browser.new_context()
            page = context.new_page()
            page.goto(server.link())
            assert "aisle watch" in page.locator("main").inner_text()
            camera = {
                "store": settings.store, "camera": "new", "width": 320, "height": 240, "first_seen": 1e9,
                "last_seen": 1e9, "preview": None, "lines": [], "zones": [], "homography": None, "cell_px": 16,
                "cell_m": 0.25,
            }  # fmt: skip
            with records.begin() as connection:
                connection.execute(tables.cameras.insert(), [camera])
            text_of(page, "h1", "new")
            context.close()


def test_no_page_asks_another_host(shop):
    """Everything that a page loads is ours: no address with a scheme stands in any file that we send."""
    folder = Path(api.__file__).parent
    for file in [*folder.glob("templates/*.html"), *folder.glob("static/**/*")]:
        if file.is_file():
            found = re.findall(r"https?://[\w./-]+", file.read_text())
            assert set(found) <= {"http://www.w3.org/2000/svg"}, file.name
