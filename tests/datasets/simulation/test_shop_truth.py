"""The files of a run's truth, read as a stranger would: receipts against the events of the same run."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime

import pytest

from datasets.simulation.scenario import families
from datasets.simulation.truth import shop

SMALL = [name for name in families() if not name.startswith("crowd")]


@pytest.mark.parametrize("name", SMALL)
def test_receipts_are_what_left_the_shop(played, tmp_path, name):
    timeline = played(name, 0)
    shop.write_json(tmp_path / "receipts.json", shop.receipts(timeline))
    shop.write_json(tmp_path / "people.json", shop.people(timeline))
    shop.write_events(tmp_path / "events.jsonl", timeline)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    people = json.loads((tmp_path / "people.json").read_text())
    receipts = json.loads((tmp_path / "receipts.json").read_text())

    session = {person["track_id"]: person["session_id"] for person in people}
    carried: dict[str, Counter] = {track: Counter() for track in session}
    owed: dict[str, Counter] = {}
    opened, closed, gone = set(), {}, set()
    for event in events:
        kind, data = event["type"], event["data"]
        if kind == "session.opened":
            assert data["session_id"] not in opened
            opened.add(data["session_id"])
        elif kind == "session.closed":
            assert data["session_id"] in opened
            closed[data["session_id"]] = datetime.fromisoformat(event["time"])
        if kind.startswith("product."):
            assert gone.isdisjoint({data["track_id"], data.get("to_track_id")})
        if kind == "product.taken":
            carried[data["track_id"]][data["gtin"]] += data["quantity"]
        elif kind in ("product.returned", "product.misplaced"):
            carried[data["track_id"]][data["gtin"]] -= data["quantity"]
        elif kind == "product.handed_over":
            carried[data["track_id"]][data["gtin"]] -= data["quantity"]
            carried[data["to_track_id"]][data["gtin"]] += data["quantity"]
        elif kind == "person.left":
            track = data["track_id"]
            gone.add(track)
            if session[track] is not None:
                owed.setdefault(session[track], Counter()).update(carried[track])
    assert gone == set(session)
    assert set(closed) == opened == {person["session_id"] for person in people} - {None}
    assert {id: {g: n for g, n in products.items() if n} for id, products in owed.items()} == {
        receipt["session_id"]: {line["gtin"]: line["quantity"] for line in receipt["lines"]} for receipt in receipts
    }
    assert len({receipt["receipt_id"] for receipt in receipts}) == len(receipts)
    prices = {product.gtin: product.price for product in timeline.catalogue.products}
    for receipt in receipts:
        assert datetime.fromisoformat(receipt["time"]) >= closed[receipt["session_id"]]
        assert all(line["quantity"] > 0 and line["unit_price"] == prices[line["gtin"]] for line in receipt["lines"])
        assert receipt["total"] == sum(prices[line["gtin"]] * line["quantity"] for line in receipt["lines"])
