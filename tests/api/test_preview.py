"""The preview page of a dataset in a real browser, opened from the disk: truth over the pictures, in step with them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def open_preview(browser):
    """Open a dataset's page; whatever it asks of a network, and its errors, fail the test."""
    contexts, errors = [], []

    def make(folder: Path, **options: object):
        context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith("http") and errors.append(asked.url))
        page.goto((folder / "preview.html").as_uri())
        page.wait_for_function("state.run && state.cameras.every(c => !c.video || c.video.readyState >= 3)")
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []


def until(page, script: str) -> None:
    page.wait_for_function(script, timeout=15000)


def painted(page, camera: int) -> int:
    """How many pixels of a camera's overlay are painted."""
    return page.evaluate(
        """n => { const { canvas } = state.cameras[n];
        return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
            .filter((value, i) => i % 4 === 3 && value).length }""",
        camera,
    )


def test_it_shows_every_camera_with_the_truth_of_its_frame(small_dataset, open_preview):
    page = open_preview(small_dataset)
    assert page.locator("figure").count() == 2
    assert page.locator("figcaption").all_inner_texts() == ["left", "right side"]
    page.evaluate("seek(9.03)")
    until(page, "state.cameras.every(c => c.shown === lastBefore(c.data.times, 9.03))")
    seen = page.evaluate("state.cameras.map(c => (c.data.people[c.shown] || []).length)")
    assert max(seen) > 0
    camera = seen.index(max(seen))
    boxes = painted(page, camera)
    assert boxes > 0
    page.check("#masks")
    assert painted(page, camera) > boxes
    for layer in ("masks", "boxes", "names"):
        page.uncheck(f"#{layer}")
    assert painted(page, camera) == 0


def test_masks_are_drawn_where_they_are(small_dataset, open_preview):
    page = open_preview(small_dataset)
    areas = page.evaluate(
        """() => state.cameras[0].data.people.flat().slice(0, 20).map(p => runLengths(p[4])
            .filter((_, i) => i % 2).reduce((a, b) => a + b, 0))"""
    )
    from datasets.formats.coco import read_coco

    truth = read_coco(small_dataset / "runs" / "short-0003" / "cameras" / "left" / "coco.json")
    assert areas == [person["area"] for person in truth.annotations[:20]]


def test_it_plays_by_the_keyboard_and_cameras_keep_in_step(small_dataset, open_preview):
    page = open_preview(small_dataset)
    page.keyboard.press("ArrowRight")
    until(page, "state.t === 1")
    page.keyboard.press("Shift+ArrowRight")
    until(page, "state.t === state.cameras[0].data.times[lastBefore(state.cameras[0].data.times, 1) + 1]")
    page.keyboard.press("Space")
    until(page, "state.playing && state.t > 3")
    page.keyboard.press("Space")
    until(page, "!state.playing")
    # After a pause each camera shows the frame of the clock again.
    until(page, "state.cameras.every(c => c.shown === lastBefore(c.data.times, state.t))")
    assert page.locator("#play").inner_text() == "Play"


def test_events_lead_to_their_moment_and_fill_the_baskets(small_dataset, open_preview):
    page = open_preview(small_dataset)
    assert "anna" not in page.locator("#baskets").inner_text()
    page.get_by_role("button", name="product.taken").click()
    taken = page.evaluate("state.t")
    assert "anna" in page.locator("#baskets").inner_text()
    assert "1 x" in page.locator("#baskets").inner_text()
    page.keyboard.press("ArrowUp")
    until(page, "!document.getElementById('baskets').textContent.includes('1 x')")
    page.keyboard.press("ArrowDown")
    until(page, f"state.t === {taken}")
    assert "basket.changed" in page.locator("#events [aria-current]").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_small_and_large_windows_in_light_and_dark(small_dataset, open_preview, scheme):
    page = open_preview(small_dataset, color_scheme=scheme)
    brightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
    assert (sum(brightness) > 600) == (scheme == "light")
    for width, height in ((1280, 800), (768, 1024), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_folders_of_pictures_are_shown_too(small_shop, tmp_path, open_preview):
    from datasets.simulation.filming.dataset import write_dataset
    from datasets.simulation.filming.recipes import Filming, Recipe

    filming = Filming(("left",), rate_hz=1.0, format="frames")
    write_dataset(tmp_path, [Recipe(str(small_shop / "short.yaml"), 1, small_shop / "plan.yaml", filming)])
    page = open_preview(tmp_path)
    page.evaluate("seek(5)")
    until(page, "state.cameras[0].image.complete && state.cameras[0].image.naturalWidth === 160")
    assert page.evaluate("state.cameras[0].image.src").endswith(
        page.evaluate("state.cameras[0].data.files[lastBefore(state.cameras[0].data.times, 5)]")
    )
