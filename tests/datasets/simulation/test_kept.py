"""What is kept on disk between runs: labels and built characters."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from datasets.simulation.goods import kept_labels
from datasets.simulation.goods.kept_labels import kept_label_atlas
from datasets.simulation.goods.labels import label_atlas
from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.people import shelf
from store.cache import cache_dir
from store.catalogue import Catalogue

FEW = Catalogue(products=generate_catalogue(0).products[:2])


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def files():
    return sorted((cache_dir() / "labels").iterdir())


def test_labels_from_disk_are_those_drawn():
    drawn = label_atlas(FEW, 3, 64)
    assert np.array_equal(kept_label_atlas(FEW, 3, 64), drawn)
    (kept,) = files()
    written = kept.stat().st_ino
    assert np.array_equal(kept_label_atlas(FEW, 3, 64), drawn)
    assert [file.stat().st_ino for file in files()] == [written]
    assert not np.array_equal(kept_label_atlas(FEW, 4, 64), drawn)
    assert kept_label_atlas(FEW, 3, 32).shape == (2, 32, 32, 4)
    assert len(files()) == 3
    for file in files():  # as a power cut may leave them
        file.write_bytes(file.read_bytes()[:100])
    assert np.array_equal(kept_label_atlas(FEW, 3, 64), drawn)
    kept.write_bytes(b"")
    assert np.array_equal(kept_label_atlas(FEW, 3, 64), drawn)


def test_only_the_labels_used_last_are_kept(monkeypatch):
    monkeypatch.setattr(kept_labels, "MOST_KEPT", 2)
    for seed in (0, 1):
        kept_label_atlas(FEW, seed, 16)
    first, second = files()
    os.utime(first, (0, 0))
    os.utime(second, (1, 1))
    kept_label_atlas(FEW, 2, 16)
    assert second in files()
    assert first not in files()
    assert len(files()) == 2


def test_a_place_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    assert np.array_equal(kept_label_atlas(FEW, 3, 16), label_atlas(FEW, 3, 16))


def test_characters_of_versions_that_nobody_uses_go():
    people = cache_dir() / "people"
    ages = {"built-old": 8, "built-new": 6, "mpfb2-old": 30}
    for name, days in ages.items():
        (people / name).mkdir(parents=True)
        (people / name / "anna.npz").write_bytes(b"")
        os.utime(people / name, (0, time.time() - days * 86_400))
    own = shelf.path_of("anna").parent
    own.mkdir()
    os.utime(own, (0, time.time() - 9 * 86_400))
    assert shelf.kept("anna") is None
    assert sorted(path.name for path in people.iterdir()) == sorted(["built-new", "mpfb2-old", own.name])
    assert time.time() - own.stat().st_mtime < 60
