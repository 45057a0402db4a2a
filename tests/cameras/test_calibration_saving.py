from __future__ import annotations

import json
from pathlib import Path

import pytest

from cameras.calibration import saving
from cameras.calibration.errors import PlanChangedError
from cameras.calibration.saving import save_view
from store.plan import example_plan, load_plan
from store.views import CameraView, Lens, PlanError, Pose

LENS = Lens(focal_px=(401.5, 402.25), centre_px=(321.0, 179.5), distortion=(-0.21, 0.05, 0.001, -0.001, 0.0))
POSE = Pose(position=(1.5, 2.5, 2.75), look_at=(2.0, 3.0, 0.0), roll_deg=-3.5)
BLOCK = """# my shop
store: s
cameras:
  - camera: a   # the door
    size: [640, 360]

    lens:
      horizontal_view_deg: 80
      distortion: [0, 0, 0, 0, 0]

    # hangs well
    pose: {position: [0, 0, 3], look_at: [1, 1, 0]}
  - camera: b
    size: [320, 240]
# the end
"""
FLOW = "{store: s, cameras: [{camera: a, size: [640, 360]}, {camera: b, size: [9, 9]}]}\n"
JSON = json.dumps({"store": "s", "cameras": [{"camera": "a", "size": [640, 360], "homography": None}]}, indent=1)
EMPTY, NONE, LIST = "store: s\ncameras: []\n", "store: s\n", "store: s\ncameras:\n- camera: b\n  size: [4, 4]\n"


def view(**changed: object) -> CameraView:
    return CameraView(camera="a", size=(640, 360), lens=LENS, pose=POSE).model_copy(update=changed)


@pytest.mark.parametrize("text", [BLOCK, FLOW, EMPTY, NONE, LIST])
def test_the_entry_is_written_and_the_rest_stays(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    before = load_plan(path)
    backup = save_view(path, view(clock_offset_s=0.25))
    after = load_plan(path)
    assert after.view("a") == view(clock_offset_s=0.25)
    assert [v for v in after.cameras if v.camera != "a"] == [v for v in before.cameras if v.camera != "a"]
    assert backup.read_text() == text
    for line in text.splitlines():
        if "#" in line:
            assert line in path.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, backup.name])


def test_json_stays_json(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(JSON)
    save_view(path, view())
    assert json.loads(path.read_text())["cameras"][0]["lens"]["focal_px"] == [401.5, 402.25]
    assert load_plan(path).view("a") == view()


def test_an_example_keeps_every_other_line(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    text = example_plan("nano").read_text()
    path.write_text(text)
    old = load_plan(path).view("over-west")
    save_view(path, old.model_copy(update={"lens": LENS, "pose": POSE}))
    changed = [(a, b) for a, b in zip(text.splitlines(), path.read_text().splitlines(), strict=True) if a != b]
    assert len(changed) == 2
    save_view(path, old)
    assert load_plan(path).view("over-west") == old


def test_a_clock_that_is_right_again_is_written_as_right(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(BLOCK)
    save_view(path, view(clock_offset_s=0.25))
    save_view(path, view())
    assert load_plan(path).view("a").clock_offset_s == 0.0


def test_an_entry_that_is_shared_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    shared = "{horizontal_view_deg: 80}"
    first, second = f"camera: a, size: [640, 360], lens: &l {shared}", "camera: b, size: [640, 360], lens: *l"
    text = f"store: s\ncameras:\n  - {{{first}}}\n  - {{{second}}}\n"
    path.write_text(text)
    with pytest.raises(PlanChangedError, match=r"(?s)write into it:\n.*lens: \{focal_px"):
        save_view(path, view())
    assert path.read_text() == text
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_somebody_else_changed_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(BLOCK)
    checked = saving._check

    def meanwhile(*arguments: object) -> None:
        checked(*arguments)  # type: ignore[arg-type]
        path.write_text(BLOCK + "# theirs\n")

    monkeypatch.setattr(saving, "_check", meanwhile)
    with pytest.raises(PlanChangedError, match="somebody else"):
        save_view(path, view())
    assert path.read_text() == BLOCK + "# theirs\n"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_plan_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        save_view(tmp_path / "none.yaml", view())
