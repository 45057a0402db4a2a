from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.catalogue import Catalogue, Package, load_catalogue
from store.layout import PANEL_M, Fixture, Plan, PlanError, Shelf, Slot, footprint
from store.plan import PlanFile, example_plan, load_plan

GOOD = """\
store: corner
floor:
  polygon:
    - [0, 0]
    - [6, 0]
    - [6, 4]
    - [0, 4]
gates:
  - {name: in, a: [1, 0], b: [2, 0], way: in}
  - name: out
    a: [6, 1]
    b: [6, 2]
walls:
  - {name: screen, a: [3, 0], b: [3, 1]}
fixtures:
  - name: left
    xy: [0.25, 2]
    length_m: 2.0
    depth_m: 0.5
    height_m: 1.8
    shelves:
      - z_m: 0.1
        depth_m: 0.46
        slots:
          - {product: a, at_m: 0.0, width_m: 0.5}
          - {product: b, at_m: 0.5, width_m: 0.5, plate: p1}
      - z_m: 0.6
        depth_m: 0.40
        slots:
          - {product: c, at_m: 1.0, width_m: 1.0, name: last}
  - name: middle
    xy: [3, 2.5]
    heading_deg: 90
    length_m: 1.0
    depth_m: 0.84
    height_m: 1.2
    shelves:
      - {z_m: 0.2, depth_m: 0.4, slots: [{product: a, at_m: 0.1, width_m: 0.3}]}
      - {z_m: 0.2, depth_m: 0.4, side: back, slots: [{product: b, at_m: 0.1, width_m: 0.3}]}
  - {name: desk, kind: table, xy: [5, 3], length_m: 1.0, depth_m: 0.6, height_m: 0.8, shelves: [{z_m: 0.8, depth_m: 0.6}]}
plates:
  - {name: p1}
"""  # noqa: E501


def read(tmp_path: Path, text: str) -> Plan:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    return load_plan(file)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    - [6, 4]\n    - [0, 4]", "    - [0, 4]\n    - [6, 4]", r"line 3, floor\.polygon: .*no simple polygon"),
        ("    - [6, 4]\n    - [0, 4]", "    - [3, 0]", r"line 3, floor\.polygon: the floor"),
        ("    - [0, 4]\n", "    - [0, 4]\n    - [0, 0]\n", r"line 8, .*corner \[0, 0\] stands twice"),
        ("    - [6, 4]\n", "    - [6, 4]\n    - [6, 4]\n", r"line 7, .*corner \[6, 4\] stands twice"),
        ("b: [2, 0], way", "b: [1, 0], way", r"line 9, gates\.0: gate in has no length"),
        ("b: [3, 1]}", "b: [3, 0]}", r"line 14, walls\.0: wall screen has no length"),
        ("a: [1, 0], b: [2, 0]", "a: [1, 0.1], b: [2, 0]", r"line 9, gates\.0: gate in .*nearest edge.*from \[0, 0\]"),
        ("b: [6, 2]", "b: [5, 0]", r"line 10, gates\.1: gate out .* does not lie on an edge"),
        ("b: [6, 2]", "b: [6, 4.5]", r"line 10, gates\.1: gate out"),
        ("name: out", "name: in", r"line 10, gates\.1\.name: gates must have different names, found twice: in"),
        ("z_m: 0.6", "z_m: 1.9", r"line 27, fixtures\.0\.shelves\.1\.z_m: a shelf at 1\.9 m is above left"),
        ("depth_m: 0.40", "depth_m: 0.5", r"line 28, fixtures\.0\.shelves\.1\.depth_m: .*left, which has 0\.46 m"),
        (
            "depth_m: 0.4, side",
            "depth_m: 0.43, side",
            r"line 39, fixtures\.1\.shelves\.1\.depth_m: .*middle, which has 0\.4 m on a side",
        ),
        ("depth_m: 0.6}]", "depth_m: 0.7}]", r"line 40, .*deeper than desk, which has 0\.6 m$"),
        ("depth_m: 0.6}]", "depth_m: 0.6, side: back}]", r"line 40, .*side: desk is a table"),
        ("heading_deg: 90", "kind: fridge", r"line 39, fixtures\.1\.shelves\.1\.side: middle is a fridge"),
        ("at_m: 1.0, width_m: 1.0", "at_m: 1.1, width_m: 1.0", r"line 30, .*slots\.0: the slot of c ends at 2\.1 m"),
        ("at_m: 0.5, width_m: 0.5", "at_m: 0.4, width_m: 0.5", r"line 26, .*slots\.1: .*of b begins at 0\.4 m, before"),
        ("plate: p1}", "plate: p1, name: '1'}", r"line 26, .*slots\.1: slots of a shelf of left .* twice: 1"),
        ("plate: p1}", "plate: p2}", r"line 26, .*slots\.1\.plate: slot left/1/2 stands on plate p2"),
        ("z_m: 0.6", "z_m: 0.1", r"line 27, .*shelves\.1\.z_m: shelves of left at 0\.1 m and 0\.1 m"),
        ("z_m: 0.6", "z_m: 0.12", r"line 27, .* at 0\.1 m and 0\.12 m on its front are in one place"),
        ("z_m: 0.6", "name: '1'\n        z_m: 0.6", r"line 27, .*shelves\.1: shelves of left .* twice: 1"),
        ("z_m: 0.2, depth_m: 0.4, slots", "name: back-1, z_m: 0.2, depth_m: 0.4, slots", r"line 39, .*twice: back-1"),
        ("name: middle", "name: left", r"line 31, fixtures\.1\.name: fixtures must have different names"),
        ("name: middle", "name: a/b", r"line 31, fixtures\.1\.name: .*pattern"),
        ("  - {name: p1}", "  - {name: p1}\n  - {name: p1}", r"line 43, plates\.1\.name: plates must"),
        ("width_m: 1.0, name", "width_m: .nan, name", r"line 30, .*width_m"),
        ("product: c, at_m", "product: c, rows: 0, at_m", r"line 30, .*slots\.0\.rows"),
        (
            "    length_m: 2.0\n",
            "    length_m: 2.0\n    length_m: 3.0\n",
            r"line 19: the field length_m .* second time",
        ),
        ("store: corner", "store: 2026-13-77", "not YAML"),
    ],
)
def test_what_is_wrong_in_a_plan_is_refused_where_it_stands(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in GOOD
    read(tmp_path, GOOD)
    with pytest.raises(PlanError, match=says) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert "plan.yaml" in str(caught.value)


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("at_m: 0.5", "at_m: 0.4").replace("z_m: 0.6", "z_m: 2.6").replace("side: back, ", "")
    with pytest.raises(PlanError, match=r"line 26, .*\n  line 27, .*\n  line 39, .*"):
        read(tmp_path, wrong)


def test_gates_need_a_floor(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"line 3, gates\.0: gate g needs a floor"):
        read(tmp_path, "store: s\ngates:\n  - {name: g, a: [0, 0], b: [1, 0]}\n")


def test_slots_are_found_in_the_room(tmp_path: Path) -> None:
    slots = {slot.id: slot for slot in read(tmp_path, GOOD).slots()}
    assert list(slots) == ["left/1/1", "left/1/2", "left/2/last", "middle/1/1", "middle/back-1/1"]
    # The left one looks along +x: its left end, for who stands before it, is at the smaller y.
    second = slots["left/1/2"]
    assert second.corner == pytest.approx((0.5, 1.5, 0.1))
    assert second.along == pytest.approx((0, 1))
    assert second.normal == pytest.approx((1, 0))
    assert second.headroom_m == pytest.approx(0.6 - 0.03 - 0.1)
    last = slots["left/2/last"]
    assert last.corner == pytest.approx((0.44, 2.0, 0.6))
    assert math.isinf(last.headroom_m)
    # The two-sided one looks along +y, its back along -y; shelves begin at the middle panel.
    front, back = slots["middle/1/1"], slots["middle/back-1/1"]
    assert front.corner == pytest.approx((3.4, 2.5 + PANEL_M / 2 + 0.4, 0.2))
    assert back.corner == pytest.approx((2.6, 2.5 - PANEL_M / 2 - 0.4, 0.2))
    assert back.normal == pytest.approx((0, -1))


def test_a_slot_knows_its_place_in_the_plan_and_the_file_its_line(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    read = PlanFile.read(file)
    lines = {slot.id: read.document.line_of(slot.loc) for slot in read.plan.slots()}
    assert lines == {"left/1/1": 25, "left/1/2": 26, "left/2/last": 30, "middle/1/1": 38, "middle/back-1/1": 39}
    for slot in read.plan.slots():
        node: object = read.plan
        for part in slot.loc:
            node = node[part] if isinstance(part, int) else getattr(node, part)  # type: ignore[index]
        assert node == slot.slot


def test_lines_are_followed_through_anchors_and_json(tmp_path: Path) -> None:
    yaml = tmp_path / "a.yaml"
    yaml.write_text(
        "store: s\nplates:\n  - &p\n    name: a\n    noise_g: 1\n  - <<: *p\n    name: b\n    noise_g: -1\n"
    )
    with pytest.raises(PlanError, match=r"line 8, plates\.1\.noise_g"):
        load_plan(yaml)
    file = tmp_path / "a.json"
    file.write_text('{"store": "s",\n\t"plates": [\n\t\t{"name": "a"},\n\t\t{"name": "a"}]}')
    with pytest.raises(PlanError, match=r"line 4, plates\.1\.name"):
        load_plan(file)
    file.write_text('{"store": "s",\n "plates": [}')
    with pytest.raises(PlanError, match=r"a\.json, line 2: not JSON"):
        load_plan(file)


@given(st.floats(-400, 400), st.floats(0.3, 5), st.floats(0.3, 2), st.booleans())
def test_slots_lie_within_their_fixture(heading: float, length: float, depth: float, two_sided: bool) -> None:
    from shapely import LineString, Polygon

    deep = (depth - PANEL_M) / 2 if two_sided else depth - PANEL_M
    slot = Slot(product="a", at_m=length / 4, width_m=length / 2)
    sides = ("front", "back") if two_sided else ("front",)
    fixture = Fixture(
        name="f", xy=(1.0, -2.0), heading_deg=heading, length_m=length, depth_m=depth, height_m=1.0,
        shelves=tuple(Shelf(z_m=0.1, depth_m=deep, side=side, slots=(slot,)) for side in sides),
    )  # fmt: skip
    body = Polygon(footprint(fixture))
    assert body.exterior.is_ccw
    assert body.area == pytest.approx(length * depth)
    for placed in Plan(store="s", fixtures=(fixture,)).slots():
        x, y, _ = placed.corner
        right = (x + placed.along[0] * placed.width_m, y + placed.along[1] * placed.width_m)
        front = LineString([(x, y), right])
        # A board of the full depth ends at the fixture's front edge, the slot's middle in the middle of it.
        assert body.exterior.distance(front) < 1e-9
        assert body.buffer(1e-6).covers(front)
        out = (x + placed.normal[0] * 0.01, y + placed.normal[1] * 0.01)
        assert not body.covers(LineString([out, out]).centroid)


@pytest.mark.parametrize(("name", "shelves", "cameras"), [("nano", 30, 12), ("shop", 129, 22)])
def test_the_examples_are_plans(name: str, shelves: int, cameras: int) -> None:
    plan = load_plan(example_plan(name))  # type: ignore[arg-type]
    assert sum(len(fixture.shelves) for fixture in plan.fixtures) == shelves
    assert len(plan.cameras) == cameras
    assert plan.store == name
    with pytest.raises(PlanError, match="no example plan 'mall'; there are: nano, shop"):
        example_plan("mall")  # type: ignore[arg-type]


CATALOGUE = """\
currency: EUR
products:
  - id: tea
    gtin: "00012345600012"
    name: Tea
    brand: Brew
    package: box
    size_m: [0.1, 0.05, 0.2]
    weight_g: 120
    price: 249
  - {id: jam, gtin: "00012345600029", name: Jam, brand: Brew, package: jar, size_m: [0.08, 0.08, 0.1], weight_g: 400, price: 310}
"""  # noqa: E501


def test_a_catalogue_is_read(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE)
    catalogue = load_catalogue(file)
    assert [product.package for product in catalogue.products] == [Package.BOX, Package.JAR]
    assert catalogue.product("jam").price == 310
    with pytest.raises(PlanError, match="no product 'ham' in the catalogue of 2 products"):
        catalogue.product("ham")
    (tmp_path / "catalogue.json").write_text(json.dumps(catalogue.model_dump(mode="json")))
    assert load_catalogue(tmp_path / "catalogue.json") == catalogue
    assert Catalogue.model_validate_json(catalogue.model_dump_json()) == catalogue


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("id: jam", "id: tea", r"line 11, products\.1\.id: products must have different names, found twice: tea"),
        ("00012345600029", "00012345600012", r"line 11, products\.1\.gtin: GTINs must"),
        ("00012345600012", "00012345600013", r"line 4, products\.0\.gtin: .*last digit must be 2"),
        ("package: box", "package: barrel", r"line 7, products\.0\.package"),
        ("size_m: [0.1, 0.05, 0.2]", "size_m: [0.1, 0.05, 0]", r"line 8, products\.0\.size_m\.2"),
        ("weight_g: 120", "weight: 120", r"line 9, products\.0\.weight: Extra"),
        ("currency: EUR", "currency: euro", r"line 1, currency"),
    ],
)
def test_what_is_wrong_in_a_catalogue_is_refused_where_it_stands(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in CATALOGUE
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE.replace(old, new))
    with pytest.raises(PlanError, match=says) as caught:
        load_catalogue(file)
    assert f"catalogue {file}" in str(caught.value)


def test_a_file_that_is_no_catalogue_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"catalogue .*no\.yaml cannot be read: No such file"):
        load_catalogue(tmp_path / "no.yaml")
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(PlanError, match="expected the field products, found NoneType"):
        load_catalogue(tmp_path / "empty.yaml")
