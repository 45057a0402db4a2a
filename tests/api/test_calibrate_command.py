from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from api.cli import app
from cameras.calibration.accuracy import floor_difference_cm, seen_floor
from cameras.calibration.boards import Board
from cameras.calibration.parameters import angle_deg, moved, view_with
from cameras.calibration.saving import save_view
from cameras.geometry import CameraModel
from datasets.simulation.board_films import BoardFilm, film_board
from datasets.simulation.plain_walkers import boxes, room
from store.plan import load_plan
from store.views import CameraView, Lens, Pose

PLAN = "store: s\ncameras:\n  - camera: door\n    size: [640, 360] # as it comes\n"
TRUE = CameraModel.of(
    CameraView(
        camera="door",
        size=(640, 360),
        lens=Lens(horizontal_view_deg=84, distortion=(-0.2, 0.04, 0, 0, 0)),
        pose=Pose(position=(0.4, 0.3, 2.8), look_at=(2.2, 2.8, 0.2)),
    )
)
FLOOR = np.array(
    [[1, 2, 0], [3, 2, 0], [1.2, 4, 0], [3.1, 4.4, 0], [2, 3, 0], [2.2, 5.2, 0], [0.9, 3.2, 0], [3.6, 3.4, 0]]
)


def aisle(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    return path


def difference_cm(plan: Path) -> float:
    found = CameraModel.of(load_plan(plan).view("door"))
    return float(np.median(floor_difference_cm(found, TRUE, seen_floor(TRUE, 12, 6.0))))


def test_a_board_video_becomes_the_plans_lens_and_pose_with_a_proof(plan: Path, tmp_path: Path) -> None:
    board = Board.parse("5x4:0.2:0.15")
    film, video, proof = BoardFilm(TRUE, board.draw(400, 0.04), 400, 0.04, 5), tmp_path / "b.mp4", tmp_path / "p.jpg"
    places = [(1.2, 2.6, -20.0), (2.0, 1.3, 60.0)]
    film_board(video, film, TRUE, board.size_m, places, seed=5, seconds=9.0, still_s=2.0, rate_hz=4.0)
    told = ["--at", "1.2,2.6,-20", "--at", "2.0,1.3,60", "--proof", proof]
    one = ["board", video, "--camera", "door", "--plan", plan, "--board"]
    short = aisle(*one, "5x4:0.2:0.15", "--at", "1.2,2.6,-20")
    assert short.exit_code == 2
    assert "lies still 2 times" in short.stderr
    assert plan.read_text() == PLAN
    done = aisle(*one, "5x4:0.2:0.15", *told)
    assert done.exit_code == 0, done.stderr
    assert "cm on the floor off" in done.stdout
    assert difference_cm(plan) < 3.0
    assert "# as it comes" in plan.read_text()
    assert cv2.imread(str(proof)).shape == (360, 640, 3)


def test_points_on_the_command_line_and_in_a_file(plan: Path, tmp_path: Path) -> None:
    pixels = TRUE.project(FLOOR)
    pairs = [f"{u:.2f},{v:.2f}={x:g},{y:g}" for (u, v), (x, y, _) in zip(pixels, FLOOR, strict=True)]
    file = tmp_path / "points.txt"
    file.write_text("\n".join(["# four", *pairs[4:]]))
    given = [part for pair in pairs[:4] for part in ("--point", pair)]
    dry = aisle("points", "--camera", "door", "--plan", plan, *given, "--file", file, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert plan.read_text() == PLAN
    done = aisle("points", "--camera", "door", "--plan", plan, *given, "--file", file)
    assert "8 of 8 points" in done.stdout
    assert difference_cm(plan) < 5.0


def test_tags_on_the_floor_are_points(plan: Path, tmp_path: Path) -> None:
    picture = np.full((720, 1280, 3), 190, np.uint8)
    words = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36H11)
    large = CameraModel(
        TRUE.camera, (1280, 720), np.diag([2, 2, 1.0]) @ TRUE.matrix, TRUE.distortion, TRUE.rotation, TRUE.position
    )
    given = []
    for number, (x, y) in enumerate([(1.2, 1.6), (2.4, 1.6), (1.2, 3.0), (2.6, 3.0), (1.9, 2.2)]):
        corners = large.project(
            np.array([[x - 0.2, y + 0.2, 0], [x + 0.2, y + 0.2, 0], [x + 0.2, y - 0.2, 0], [x - 0.2, y - 0.2, 0]])
        )
        tag = cv2.aruco.generateImageMarker(words, number, 200)
        matrix = cv2.getPerspectiveTransform(
            np.array([[0, 0], [199, 0], [199, 199], [0, 199]], np.float32), corners.astype(np.float32)
        )
        drawn = cv2.warpPerspective(tag, matrix, (1280, 720), flags=cv2.INTER_AREA, borderValue=190)
        inside = cv2.warpPerspective(np.full_like(tag, 255), matrix, (1280, 720)) > 127
        picture[inside] = drawn[inside][:, None]
        given += ["--tag", f"{number}={x},{y}"]
    file = tmp_path / "tags.png"
    cv2.imwrite(str(file), picture)
    done = aisle("points", "--camera", "door", "--plan", plan, "--picture", file, *given)
    assert done.exit_code == 0, done.stderr
    assert difference_cm(plan) < 8.0
    missing = aisle("points", "--camera", "door", "--plan", plan, "--picture", file, "--tag", "77=1,1")
    assert missing.exit_code == 2
    assert "no tag 77; tags found: 0, 1, 2, 3, 4" in missing.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["points", "--camera", "door", "--point", "1,2=3"], "expected 2 or 3 numbers"),
        (["points", "--camera", "door", "--point", "1,2=3,4"], "a pose needs 4"),
        (["points", "--camera", "attic", "--point", "1,2=3,4"], "not in the plan: tell the pictures' --size"),
        (["board", "no.mp4", "--camera", "door", "--board", "7x5:0.04:0.03"], "does not exist"),
        (["board", "no.mp4", "--camera", "door", "--board", "7x5"], "board '7x5' is not understood"),
        (["walk", "door"], "expected CAMERA=FILE"),
        (["check", "x.jpg", "--camera", "door", "--reference", "r.npz"], "needs a lens and a pose"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(arguments: list[str], said: str, plan: Path) -> None:
    done = aisle(*arguments, "--plan", plan)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.startswith("aisle calibrate: ")
    assert plan.read_text() == PLAN


def test_a_sheet_has_its_size_in_dots(tmp_path: Path) -> None:
    from PIL import Image

    done = aisle("sheet", tmp_path / "board.png", "--board", "7x5:0.04:0.03", "--dpi", "150")
    assert done.exit_code == 0, done.stderr
    with Image.open(tmp_path / "board.png") as image:
        assert image.size[0] / image.info["dpi"][0] * 0.0254 == pytest.approx(0.32, abs=0.001)
    assert aisle("sheet", tmp_path / "board.what").exit_code == 2


def test_walking_refines_the_plan_and_tells_clocks(tmp_path: Path) -> None:
    models, plan = room(), tmp_path / "plan.yaml"
    rough = {**models, "c": moved(models["c"], np.array([0.03, -0.02, 0.02, 0.1, 0.1, 0.0]))}
    plan.write_text("store: s\n")
    for name, model in rough.items():
        save_view(plan, view_with(CameraView(camera=name, size=model.size), model))
    given = []
    for each in boxes(models, 4, 30, offsets_s={"c": 0.2}):
        rows = [
            f"{t:.3f},{name},{','.join(f'{v:.1f}' for v in box)}"
            for t, name, box in zip(each.time_s, each.track, each.xyxy, strict=True)
        ]
        (tmp_path / f"{each.camera}.csv").write_text("\n".join(["time,track,x1,y1,x2,y2", *rows]))
        given.append(f"{each.camera}={tmp_path / each.camera}.csv")
    done = aisle("walk", *given, "--plan", plan, *[part for name in "abd" for part in ("--sure", name)])
    assert done.exit_code == 0, done.stderr
    found = load_plan(plan)
    assert angle_deg(CameraModel.of(found.view("c")), models["c"]) < angle_deg(rough["c"], models["c"]) / 2
    ahead = [found.view(name).clock_offset_s for name in "abcd"]
    assert ahead[2] - np.mean([ahead[0], ahead[1], ahead[3]]) == pytest.approx(0.2, abs=0.06)
    (tmp_path / "a.csv").write_text("1,2,3\n")
    assert "a.csv, line 1: expected time,track" in aisle("walk", given[0], "--plan", plan).stderr


def test_a_check_remembers_and_notices(plan: Path, tmp_path: Path) -> None:
    save_view(plan, view_with(load_plan(plan).view("door"), TRUE))
    rng = np.random.default_rng(3)
    scene = np.full((360, 640), 120, np.uint8)
    for x, y, w, h in rng.integers((0, 0, 12, 12), (620, 340, 60, 50), (250, 4)).tolist():
        cv2.rectangle(scene, (x, y), (x + w, y + h), int(rng.integers(20, 240)), -1)
    cv2.imwrite(str(tmp_path / "then.png"), scene)
    cv2.imwrite(str(tmp_path / "now.png"), np.roll(scene, 12, axis=1))
    where = ["--camera", "door", "--plan", plan, "--reference", tmp_path / "door.npz"]
    assert aisle("check", tmp_path / "then.png", *where, "--remember").exit_code == 0
    same = aisle("check", tmp_path / "then.png", *where, "--proof", tmp_path / "proof.png")
    assert (same.exit_code, "turned by 0.0" in same.stdout) == (0, True)
    moved_now = aisle("check", tmp_path / "now.png", *where)
    assert moved_now.exit_code == 1
    assert "calibrate it anew" in moved_now.stdout
