from __future__ import annotations

from pathlib import Path

import pytest

from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.shop import catalogue_of, load_shop
from datasets.simulation.survey.coverage import floor_coverage, slot_coverage
from datasets.simulation.survey.inspection import Problem, inspect
from store.layout import Plan, PlanError
from store.plan import PlanFile, example_plan

GOOD = """\
store: corner
floor: {polygon: [[0, 0], [6, 0], [6, 4], [0, 4]], height_m: 2.9}
gates:
  - {name: entry, a: [0.5, 0], b: [1.5, 0], way: in}
  - {name: exit, a: [4.5, 0], b: [5.5, 0], way: out}
walls:
  - {name: screen, a: [3, 0], b: [3, 0.8]}
cameras:
  - camera: over
    size: [640, 360]
    lens: {horizontal_view_deg: 140}
    pose: {position: [3, 2, 2.8], look_at: [3, 2, 0]}
  - camera: door
    size: [640, 360]
    lens: {horizontal_view_deg: 100, distortion: [-0.1, 0.01, 0, 0, 0]}
    pose: {position: [3, 3.9, 2.8], look_at: [3, 1, 0]}
fixtures:
  - name: west
    xy: [0.25, 3.0]
    length_m: 2.0
    depth_m: 0.5
    height_m: 1.9
    shelves:
      - z_m: 0.2
        depth_m: 0.46
        slots:
          - {product: can-01, at_m: 0.0, width_m: 0.5, facings: 2, plate: p1}
          - {product: can-02, at_m: 0.5, width_m: 0.5}
      - z_m: 1.2
        depth_m: 0.46
        slots: [{product: box-01, at_m: 0.0, width_m: 0.5}]
  - name: east
    xy: [5.75, 3.0]
    heading_deg: 180
    length_m: 2.0
    depth_m: 0.5
    height_m: 1.9
    shelves: [{z_m: 0.2, depth_m: 0.46, slots: [{product: bag-01, at_m: 0.0, width_m: 0.5}]}]
plates:
  - {name: p1}
"""


def problems(text: str, tmp_path: Path) -> list[tuple[int, Problem]]:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    file = PlanFile.read(path)
    floor = floor_coverage(file.plan) if file.plan.floor is not None else None
    found = inspect(file.plan, catalogue_of(file), floor, slot_coverage(file.plan))
    return [(file.document.line_of(problem.loc), problem) for problem in found]


def test_a_good_plan_has_no_problem(tmp_path: Path) -> None:
    assert problems(GOOD, tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "level", "line", "says"),
    [
        ("product: can-02", "product: kiwi", "error", 28, "slot west/1/2 has the unknown product kiwi"),
        ("width_m: 0.5}]", "width_m: 0.1}]", "error", 31, "no room for box-01: it is 0.1"),
        ("facings: 2", "facings: 9", "warning", 27, "asks for 9 x 1 x 1 can-01 (facings x rows x layers), 5 x 1"),
        ("z_m: 1.2", "z_m: 0.3", "error", 27, "no room for can-01: it is 0.11"),
        ("xy: [5.75, 3.0]", "xy: [5.78, 3.0]", "error", 33, "east stands outside the floor"),
        ("xy: [5.75, 3.0]", "xy: [0.7, 3.0]", "error", 32, "west and east stand in one place"),
        ("xy: [5.75, 3.0]", "xy: [5.0, 1.5]", "error", 5, "gate exit is blocked by east: the 0.6 m"),
        ("b: [3, 0.8]", "b: [3, 4.5]", "error", 7, "wall screen leaves the floor"),
        ("a: [3, 0], b: [3, 0.8]", "a: [0, 2], b: [1, 2]", "error", 18, "west and wall screen stand in one place"),
        ("a: [3, 0], b: [3, 0.8]", "a: [1, 0], b: [1, 0.5]", "error", 4, "gate entry is blocked by wall screen"),
        ("b: [3, 0.8]", "b: [3, 4]", "error", 5, "no way on the floor from an entry to gate exit"),
        ("b: [3, 0.8]", "b: [3, 3.6]", "error", 38, "nobody can stand before east/1/1: no free place of 0.5 m"),
        ("b: [1.5, 0]", "b: [0.9, 0]", "error", 4, "nobody can come in"),
        ("height_m: 1.9\n    shelves:\n", "height_m: 2.95\n    shelves:\n", "error", 22, "west is 2.95 m high"),
        (
            "position: [3, 2, 2.8]",
            "position: [3, 2, 3.1]",
            "error",
            12,
            "camera over hangs at 3.1 m, the ceiling is 2.9",
        ),
        ("position: [3, 3.9, 2.8]", "position: [3, 4.3, 2.8]", "warning", 16, "camera door hangs outside"),
        ("distortion: [-0.1, 0.01,", "distortion: [-0.3, 0,", "warning", 15, "lens of camera door folds back"),
        ("    lens: {horizontal_view_deg: 140}\n", "", "warning", 9, "camera over has no lens"),
        ("look_at: [3, 2, 0]", "look_at: [3, 2, 3]", "warning", 2, "of the free floor"),
        ("plate: p1}", "}", "warning", 40, "plate p1 lies under no slot"),
        ("width_m: 0.5}]\n", "width_m: 0.5, plate: p1}]\n", "error", 40, "plate p1 lies under 2 shelves"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    old: str, new: str, level: str, line: int, says: str, tmp_path: Path
) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1), tmp_path)
    lines = [(at, problem.level) for at, problem in found if says in problem.message]
    assert lines == [(line, level)], found


def test_a_board_out_of_reach(tmp_path: Path) -> None:
    text = GOOD.replace("height_m: 1.9", "height_m: 2.4").replace("z_m: 1.2", "z_m: 2.05")
    assert [(line, p.level) for line, p in problems(text, tmp_path) if "at most 2 m" in p.message] == [(29, "error")]


def test_slots_that_no_camera_sees(tmp_path: Path) -> None:
    blind = GOOD.replace("position: [3, 2, 2.8], look_at: [3, 2, 0]", "position: [3, 2, 2.8], look_at: [6, 2, 2.8]")
    blind = blind.replace("look_at: [3, 1, 0]", "look_at: [6, 3.9, 0]")
    found = [(line, p) for line, p in problems(blind, tmp_path) if "no camera sees west" in p.message]
    assert [line for line, _ in found] == [27, 31]
    assert found[0][1].message == "no camera sees west/1/1, west/1/2"
    assert {p.level for _, p in found} == {"warning"}


def test_without_floor_or_gates_it_says_so(tmp_path: Path) -> None:
    assert [p.message for _, p in problems("store: s\n", tmp_path)] == [
        "the plan has no `floor`: nothing can stand or walk in this shop"
    ]
    lonely = "store: s\nfloor: {polygon: [[0, 0], [1, 0], [1, 1]]}\n"
    assert {(p.level, p.message) for _, p in problems(lonely, tmp_path)} == {
        ("warning", "the shop has no gate: nobody can come in"),
        ("warning", "no camera sees 100% of the free floor"),
    }


def test_two_gates_are_not_joined_by_the_street(tmp_path: Path) -> None:
    # A wall parts the shop between two gates that stand side by side.
    text = GOOD.replace("a: [4.5, 0], b: [5.5, 0]", "a: [1.7, 0], b: [2.6, 0]")
    text = text.replace("{name: screen, a: [3, 0], b: [3, 0.8]}", "{name: screen, a: [1.6, 0], b: [1.6, 4]}")
    assert any("no way on the floor" in p.message for _, p in problems(text, tmp_path))


def test_a_shop_is_loaded_with_its_own_catalogue_or_a_generated_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(GOOD)
    plan, catalogue = load_shop(path, seed=3)
    assert isinstance(plan, Plan)
    assert catalogue == generate_catalogue(3)
    path.write_text(GOOD + "catalogue: mine.yaml\n")
    own = generate_catalogue(5)
    (tmp_path / "mine.yaml").write_text(own.model_dump_json())
    assert load_shop(path, seed=3)[1] == own
    (tmp_path / "mine.yaml").write_text('{"products": []}')
    with pytest.raises(PlanError, match=r"plan\.yaml:\n  line 27, .*product: slot west/1/1 .*can-01.*\n  line 28"):
        load_shop(path)
    (tmp_path / "mine.yaml").unlink()
    with pytest.raises(PlanError, match=r"catalogue .*mine\.yaml cannot be read"):
        load_shop(path)


@pytest.mark.parametrize("name", ["nano", "shop"])
def test_the_examples_have_no_problem(name: str) -> None:
    file = PlanFile.read(example_plan(name))  # type: ignore[arg-type]
    found = inspect(file.plan, catalogue_of(file), floor_coverage(file.plan, 0.2), slot_coverage(file.plan))
    assert found == ()
    products = {slot.slot.product for slot in file.plan.slots()}
    assert products == {product.id for product in generate_catalogue(0).products}
