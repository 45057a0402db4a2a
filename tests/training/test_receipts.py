"""`aisle evaluate receipts`, through the command."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import app

EAN = "4006381333931"


def line(number: int, action: str = "take", person: Any = "p1", gtin: Any = EAN, **more: Any) -> dict[str, Any]:
    fields = {"event_id": f"e{number}", "at": 1_700_000_000 + number, "person": person, "action": action}
    return {**fields, "gtin": gtin, "quantity": 1, "slot": "a/1/1", "camera": "left", **more}


def truth_of(**people: dict[str, int]) -> dict[str, Any]:
    return {
        "receipts": [
            {"target_id": person, "products": [{"barcode": b, "quantity": n} for b, n in products.items()]}
            for person, products in people.items()
        ]
    }


@pytest.fixture
def evaluate(tmp_path: Path):
    def run(lines: list[Any], truth: Any, *more: str):
        events, true = tmp_path / "events.jsonl", tmp_path / "truth.json"
        events.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines) + "\n")
        true.write_text(truth if isinstance(truth, str) else json.dumps(truth))
        return CliRunner().invoke(app, ["evaluate", "receipts", "--events", str(events), "--truth", str(true), *more])

    return run


STREAM = [
    line(1, quantity=3),
    line(2, "return"),
    line(3, person="p2", gtin="96385074"),
    line(4, person="p2", gtin="shelf tag 7/long barcode 0123456789012345678901234567890"),
    line(5, "return", "p2", "96385074"),
    line(6, person="p3", gtin="0001"),
]
LONG = "shelf tag 7/long barcode 0123456789012345678901234567890"


def test_right_receipts_score_one(evaluate):
    done = evaluate(STREAM, truth_of(p1={EAN: 2}, p2={LONG: 1}, p3={"1": 1}, p4={}), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["overall"] == {
        "item_precision": 1.0, "item_recall": 1.0, "item_f1": 1.0, "exact_receipts": 1.0, "receipts": 4,
        "items": {"right": 4, "extra": 0, "missing": 0},
    }  # fmt: skip
    assert [row["target_id"] for row in found["receipts"]] == ["p1", "p2", "p3", "p4"]
    assert found["unmatched_returns"] == []


def test_the_order_and_repetition_of_lines_do_not_matter(evaluate):
    truth = truth_of(p1={EAN: 2}, p2={LONG: 1}, p3={"0001": 1})
    expected = evaluate(STREAM, truth, "--json").stdout
    for seed in range(3):
        lines = STREAM + STREAM[:3]
        random.Random(seed).shuffle(lines)
        assert evaluate(lines, truth, "--json").stdout == expected


def test_mistakes_are_counted_by_package(evaluate):
    truth = truth_of(p1={EAN: 4}, p2={}, p5={"8": 1})
    overall = json.loads(evaluate(STREAM, truth, "--json").stdout)["overall"]
    # p1 has 2 of 4; p2 and p3 are charged one each that nobody owes; p5 is missed.
    assert overall["items"] == {"right": 2, "extra": 2, "missing": 3}
    assert overall["item_precision"] == 0.5
    assert overall["item_recall"] == 0.4
    assert overall["item_f1"] == pytest.approx(4 / 9, abs=1e-6)
    assert (overall["exact_receipts"], overall["receipts"]) == (0.0, 4)


def test_what_nobody_holds_cannot_make_a_receipt_negative(evaluate):
    done = evaluate([line(2, "return", quantity=2), line(9)], truth_of(p1={EAN: 1}), "--json")
    found = json.loads(done.stdout)
    assert found["overall"]["exact_receipts"] == 1.0
    assert found["unmatched_returns"] == [
        {"event_id": "e2", "person": "p1", "barcode": EAN, "quantity": 2},
    ]


def test_a_table_for_people_names_the_wrong_receipt(evaluate):
    done = evaluate(STREAM, truth_of(p1={EAN: 1}, p2={LONG: 1}, p3={"1": 1}))
    assert done.exit_code == 0
    assert "2 of 3 receipts exact" in done.stdout
    assert f"1 x {EAN}" in done.stdout


def test_values_by_a_catalogue(evaluate, tmp_path):
    product = {
        "id": "tea", "gtin": EAN.zfill(14), "name": "Tea", "brand": "b", "package": "box", "size_m": [0.1, 0.1, 0.1],
        "weight_g": 100, "price": 250,
    }  # fmt: skip
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(json.dumps({"products": [product]}))
    done = evaluate([line(1, quantity=3)], truth_of(p1={EAN: 2}, p2={EAN: 1}), "--json", "--catalogue", str(catalogue))
    assert json.loads(done.stdout)["overall"]["wrong_charge"] == {
        "charged": 250, "missed": 250, "due": 750, "charged_share": 0.333333, "missed_share": 0.333333,
    }  # fmt: skip


BAD = {
    "no JSON": "{",
    "expected an object": "[1]",
    "event_id is missing": {k: v for k, v in line(1).items() if k != "event_id"},
    "at is missing": {k: v for k, v in line(1).items() if k != "at"},
    "offset from UTC": line(1, at="2026-01-01T10:00:00"),
    "ISO 8601": line(1, at="soon"),
    "person must be text": line(1, person=None),
    "take or return": line(1, "steal"),
    "gtin must be text": line(1, gtin=""),
    "from 1 to 1000": line(1, quantity=0),
    "whole number": line(1, quantity=1.5),
    "another event, on line 1": line(0, person="p9"),
}


@pytest.mark.parametrize("says", BAD)
def test_a_bad_line_is_named_with_its_number(evaluate, says):
    done = evaluate([line(0), "", BAD[says], "nonsense"], truth_of())
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "line 3: " in done.stderr
    assert says in done.stderr
    assert "line 4: no JSON" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("truth", "says"),
    [
        ("{", "no JSON"),
        ({"receipts": {}}, "expected"),
        ({"receipts": [{"products": []}]}, "receipt 1: target_id is missing"),
        ({"receipts": [{"target_id": 3}]}, "products must be a list"),
        ({"receipts": [{"target_id": 3, "products": [{"barcode": "1", "quantity": -1}]}]}, "quantity"),
        ({"receipts": [{"target_id": 3, "products": [1]}]}, "must be an object"),
    ],
)
def test_a_truth_that_cannot_be_read_is_named(evaluate, truth, says):
    done = evaluate([line(0)], truth)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_missing_file_is_named(tmp_path):
    done = CliRunner().invoke(app, ["evaluate", "receipts", "--events", f"{tmp_path}/no.jsonl", "--truth", "x"])
    assert done.exit_code == 2
    assert "no.jsonl: No such file" in done.stderr
