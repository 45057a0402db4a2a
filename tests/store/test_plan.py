from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.plan import CameraView, Line, Plan, PlanError, Zone, load_homography, load_plan, parse_line, parse_zone

GOOD = """\
store: corner
cameras:
  - camera: door
    size: [640, 480]
    lines:
      - {name: entrance, a: [0, 240], b: [640, 240]}
    zones:
      - name: till
        polygon: [[0, 0], [100, 0], [100, 100]]
        staff: true
        queue_limit: 4
    homography: [[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]
"""
number = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


def test_a_plan_is_read(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    assert load_plan(file) == Plan(
        store="corner",
        cameras=(
            CameraView(
                camera="door",
                size=(640, 480),
                lines=(Line(name="entrance", a=(0, 240), b=(640, 240)),),
                zones=(Zone(name="till", polygon=((0, 0), (100, 0), (100, 100)), staff=True, queue_limit=4),),
                homography=((0.01, 0, 0), (0, 0.01, 0), (0, 0, 1)),
            ),
        ),
    )
    assert load_plan(file).view("door").size == (640, 480)
    with pytest.raises(PlanError, match="no camera 'roof' in the plan of corner; there are: door"):
        load_plan(file).view("roof")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("b: [640, 240]", "b: [0, 240]", r"line 6, cameras\.0\.lines\.0: line entrance has no length"),
        ("[100, 100]]", "[50, 0]]", r"line 8, cameras\.0\.zones\.0: zone till"),
        ("[[0, 0], [100, 0], [100, 100]]", "[[0, 0], [9, 9], [9, 0], [0, 9]]", r"line 8, .*Self-intersection"),
        ("[[0, 0], [100, 0], [100, 100]]", "[[0, 0], [9, 9]]", r"line 9, .*polygon: .*at least 3"),
        ("[[0, 0], [100, 0], [100, 100]]", "[[700, 0], [900, 0], [900, 9]]", "outside the picture of 640x480"),
        ("[0, 0, 1]]", "[0, 0, 0]]", r"line 12, cameras\.0\.homography: homography is singular"),
        ("queue_limit: 4", "queue_limit: 0", r"line 11, .*queue_limit"),
        ("size: [640, 480]", "size: [0, 480]", r"line 4, .*size\.0: "),
        ("size: [640, 480]", "sise: [640, 480]", r"size: Field required"),
        ("staff: true", "boss: true", r"line 10, .*boss: Extra inputs"),
        ("store: corner", "store: [", "not YAML"),
    ],
)
def test_what_is_wrong_in_a_plan_is_found(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in GOOD
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(PlanError, match=says) as caught:
        load_plan(file)
    assert "plan.yaml" in str(caught.value)


def test_a_file_that_is_no_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"no\.yaml cannot be read: No such file"):
        load_plan(tmp_path / "no.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(PlanError, match="expected the fields store and cameras, found list"):
        load_plan(tmp_path / "list.yaml")


def test_names_are_unique_a_camera() -> None:
    zone = Zone(name="a", polygon=((0, 0), (9, 0), (9, 9)))
    line = Line(name="a", a=(0, 0), b=(9, 0))
    CameraView(camera="c", size=(10, 10), lines=(line,), zones=(zone,))
    with pytest.raises(ValueError, match="zones of camera c must have different names, found twice: a"):
        CameraView(camera="c", size=(10, 10), zones=(zone, zone))
    with pytest.raises(ValueError, match="lines of camera c must"):
        CameraView(camera="c", size=(10, 10), lines=(line, line))
    view = CameraView(camera="c", size=(10, 10))
    with pytest.raises(ValueError, match="cameras must have different names"):
        Plan(store="s", cameras=(view, view))


def test_a_vest_needs_a_colour_that_is_told_from_others() -> None:
    assert Plan(store="s", staff_vest=(222, 232, 44)).staff_vest == (222, 232, 44)
    for dull in [(60, 70, 10), (200, 190, 180), (0, 0, 0)]:
        with pytest.raises(ValueError, match="needs a bright, strong colour"):
            Plan(store="s", staff_vest=dull)
    with pytest.raises(ValueError, match="less than or equal to 255"):
        Plan(store="s", staff_vest=(256, 200, 0))


@given(st.tuples(number, number, number, number))
def test_a_line_is_read_back(values: tuple[float, float, float, float]) -> None:
    text = ",".join(map(str, values))
    if values[:2] == values[2:]:
        with pytest.raises(PlanError, match="has no length"):
            parse_line(text)
        return
    assert parse_line(text) == Line(name="line", a=values[:2], b=values[2:])
    assert parse_line(f"side door = {text}", "x").name == "side door"
    assert parse_line(text, "line 2").name == "line 2"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2,3", "expected 4 numbers .* found 3"),
        ("1,2,3,4,5", "found 5"),
        ("1,2,3,x", "'x' is no number"),
        ("1,2,3,nan", "'nan' is no number"),
        ("1,2,3,inf", "'inf' is no number"),
        ("", "'' is no number"),
        ("=1,2,3,4", "a name is missing"),
        ("a\nb=1,2,3,4", "pattern"),
    ],
)
def test_a_wrong_line_is_refused(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        parse_line(text)


def test_a_zone_is_read() -> None:
    zone = parse_zone("by the = door=0,0, 10.5,0,10,10,0,10")
    assert zone == Zone(name="by the = door", polygon=((0, 0), (10.5, 0), (10, 10), (0, 10)))
    assert (zone.staff, zone.queue_limit) == (False, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a=1,2,3,4", "expected 6 numbers or more.*found 4"),
        ("a=0,0,1,0,1,1,0", "found 7"),
        ("0,0,1,0,1,1", "a name is missing"),
        ("a=0,0,1,1,2,2", "zone a"),
        ("a=0,0,9,9,9,0,0,9", "Self-intersection"),
    ],
)
def test_a_wrong_zone_is_refused(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        parse_zone(text)


@pytest.mark.parametrize("write", [json.dumps, lambda m: "\n".join(" ".join(map(str, row)) for row in m),
                                   lambda m: ", ".join(str(v) for row in m for v in row)])  # fmt: skip
def test_a_homography_is_read(write: object, tmp_path: Path) -> None:
    matrix = ((0.01, 0.002, -3.5), (1e-4, 0.02, 4.0), (1e-6, 2e-4, 1.0))
    file = tmp_path / "h.json"
    file.write_text(write(matrix))  # type: ignore[operator]
    assert load_homography(file) == matrix


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[1, 0, 0], [0, 1, 0]]", "3 rows of 3"),
        ("[[1, 0, 0], [0, 1, 0], 3]", "3 rows of 3"),
        ("1 2 3", "expected 9 numbers, row by row, found 3"),
        ("7", "found int"),
        ("1 0 0 0 1 0 0 0 x", "'x' is no number"),
        ("[true, 0, 0, 0, 1, 0, 0, 0, 1]", "True is no number"),
        ("1 2 3 2 4 6 0 0 1", "singular"),
        ("0 0 0 0 0 0 0 0 0", "singular"),
        ("[1, 0, 0, 0, 1, 0, 0, 0, NaN]", "nan is no number"),
    ],
)
def test_a_wrong_homography_is_refused(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "h.txt"
    file.write_text(text)
    with pytest.raises(PlanError, match=says) as caught:
        load_homography(file)
    assert "h.txt" in str(caught.value)


@given(st.floats(1e-4, 0.1), st.floats(-3, 3), st.floats(-1e3, 1e3), st.floats(0, 1e-3))
def test_a_camera_that_looks_at_a_floor_is_never_called_singular(
    scale: float, turn: float, shift: float, tilt: float
) -> None:
    import math

    c, s = math.cos(turn) * scale, math.sin(turn) * scale
    CameraView(camera="c", size=(640, 480), homography=((c, -s, shift), (s, c, shift), (0.0, tilt * 1e-3, 1.0)))
