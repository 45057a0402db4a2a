"""The demo with a small filmed shop: what is true goes through the loop, the bus, the gates and the receipts."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console

from api.demo.film import Film
from api.demo.screen import Screen
from api.demo.session import DemoRequest, FilmClock, run_demo
from api.demo.shoppers import DemoError, Shoppers
from api.demo.telling import Bill
from api.shop_watch import lacking_for_shelves, shop_case
from api.watch.options import OptionError
from tests.training.truthful import Blind, Truthful
from training.evaluate.checkout_clip import clips_in
from vision.shop.networks import Networks

PLATES = []


def moved(event, shift_s):
    """The same event ``shift_s`` later, of the demo's shop."""
    changed = {"time": event.time + shift_s, "store": "shop"}
    if hasattr(event, "time_s"):
        changed["time_s"] = tuple(time_s + shift_s for time_s in event.time_s)
    if hasattr(event, "entered_at"):
        changed["entered_at"] = event.entered_at + shift_s
    return event.model_copy(update=changed)


class Noting(Truthful):
    """Also notes the plates that it is told of."""

    def weigh(self, plate, time_s, grams):
        PLATES.extend((plate, round(at, 3), each) for at, each in zip(time_s, grams, strict=True))


def played(film, folder, change=lambda event: event):
    text = io.StringIO()
    screen = Screen(Console(file=text, width=200))

    def watcher(film, shift_s):
        def later(event):
            changed = change(event)
            return None if changed is None else moved(changed, shift_s)

        return Noting(film.parts[0], later)

    request = DemoRequest(
        folder, serve=False, port=0, open_browser=False, shot=film, networks=Networks(Blind()), watcher=watcher
    )
    found = run_demo(request, screen, threading.Event())
    return found, text.getvalue()


@pytest.fixture(scope="module")
def film(small_dataset):
    return Film((clips_in(small_dataset)[0],))


@pytest.fixture(scope="module")
def whole(film, tmp_path_factory):
    PLATES.clear()
    found, text = played(film, tmp_path_factory.mktemp("demo"))
    return found, text


def test_everybody_comes_in_by_a_code_and_gets_the_true_receipt(whole, film):
    found, text = whole
    assert len(found) == len(film.truth.receipts) >= 1
    assert all(bill.is_right for bill in found)
    assert sum(sum(bill.taken.values()) for bill in found) == 1
    for person in film.truth.people:
        if person.session is not None:
            assert f"{person.name} shows a code at {person.gate}: Come in." in text


def test_each_change_is_a_line_and_the_end_a_table(whole, film):
    found, text = whole
    (bought,) = (bill for bill in found if bill.taken)
    ((gtin, _),) = bought.taken.items()
    product = next(product.name for product in film.catalogue.products if product.gtin == gtin)
    lines = text.splitlines()
    (basket,) = (line for line in lines if f"{bought.name}'s basket: 1 x {product}" in line)
    (issued,) = (line for line in lines if f"{bought.name}'s receipt, issued: 1 x {product}" in line)
    assert lines.index(basket) < lines.index(issued)
    assert any(f"{bought.name} goes out at " in line for line in lines)
    assert f"{len(found)} of {len(found)} receipts are right" in text
    assert "The first receipt came " in text
    assert "/shop" in lines[0]


def test_plates_reach_the_watcher_by_the_interface(whole, film):
    # In order and none left out, but for the last: the footage may end before they are sent.
    readings = list(film.weights())[: len(PLATES)]
    assert len(readings) > 50
    shift_s = PLATES[0][1] - readings[0].time_s
    assert [(each.plate, each.grams) for each in readings] == [(plate, grams) for plate, _, grams in PLATES]
    assert [each.time_s + shift_s for each in readings] == pytest.approx([at for _, at, _ in PLATES], abs=0.01)


def test_a_receipt_is_right_that_has_what_was_taken_and_nothing_else():
    right = Bill("Anna", {"1": 1}, {"1": 1})
    assert right.is_right
    assert not Bill("Anna", {}, {"1": 1}).is_right
    assert not Bill("Anna", {"1": 2}, {"1": 1}).is_right
    assert not Bill("Anna", {"1": 1, "2": 1}, {"1": 1}).is_right
    assert Bill("Anna", None, {}).is_right


def test_a_server_that_is_away_is_said(film):
    shoppers = Shoppers("http://127.0.0.1:9", "key", film.openings, (), {}, 0.0, lambda text: None)
    with pytest.raises(DemoError, match="does not answer"):
        shoppers.run(lambda: float("inf"), threading.Event())


def test_the_films_time_passes_as_it_is_played_and_then_as_ours():
    clock, over = FilmClock(), threading.Event()
    assert clock() == 0.0
    played = [float("-inf")]
    clock.follow(lambda: played[0], over)
    assert clock() == 0.0
    played[0] = 12.0
    assert [clock(), clock()] == [12.0, 12.0]
    played[0] = 11.0
    assert clock() == 12.0
    over.set()
    first = clock()
    threading.Event().wait(0.01)
    assert 12.0 <= first < clock()


def test_what_a_shop_lacks_to_watch_its_shelves_is_said(film):
    plan, catalogue = film.plan, film.catalogue
    names = [view.camera for view in plan.cameras]
    assert lacking_for_shelves(plan, catalogue, names) == ""
    assert "no shelves" in lacking_for_shelves(plan.model_copy(update={"fixtures": ()}), catalogue, names)
    assert "--catalogue" in lacking_for_shelves(plan, None, names)
    assert "without lens and pose in the plan: cellar" in lacking_for_shelves(plan, catalogue, [*names, "cellar"])
    assert "two cameras" in lacking_for_shelves(plan, catalogue, names[:1])
    with pytest.raises(OptionError, match="cellar"):
        shop_case(plan, catalogue, {"cellar": "cellar.mp4", names[0]: "a.mp4"})
    case = shop_case(plan, catalogue, {names[1]: "b.mp4", names[0]: "a.mp4"})
    assert [model.camera for model in case.models] == [names[1], names[0]]
