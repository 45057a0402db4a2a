from __future__ import annotations

import os
from pathlib import Path

import pytest

from store.evidence import EvidenceError, EvidencePicture, EvidenceStore, Marked
from store.records import Records
from store.retention import purge
from store.settings import Settings

NOW = 1_800_000_000.0


def picture(at: float = 5.0) -> EvidencePicture:
    people = (Marked(track_id="anna", xyxy=(1, 2, 3, 4)),)
    return EvidencePicture(camera="dairy", captured_at=at, size=(32, 24), focus=(4, 5, 6, 7), people=people)


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "evidence")
    written = store.write("e-1", [(picture(1.0), b"first"), (picture(2.0), b"second")])
    assert store.clip("e-1") == written
    assert [each.captured_at for each in written.pictures] == [1.0, 2.0]
    second = store.picture("e-1", 1)
    assert second is not None
    assert second.read_bytes() == b"second"
    assert store.picture("e-1", 2) is None
    assert store.clip("e-2") is None


def test_a_clip_is_written_once(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    first = store.write("e", [(picture(1.0), b"first")])
    assert store.write("e", [(picture(2.0), b"other")]) == first
    assert [path.name for path in tmp_path.iterdir()] == ["e"]
    assert (tmp_path / "e" / "0.jpg").read_bytes() == b"first"


@pytest.mark.parametrize("id", ["", "..", "../e", "a/b", ".e", "a\n", "e" * 129])
def test_an_id_is_a_plain_name(tmp_path: Path, id: str) -> None:
    store = EvidenceStore(tmp_path / "evidence")
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "0.jpg").write_bytes(b"secret")
    with pytest.raises(EvidenceError, match="expected letters"):
        store.write(id, [(picture(), b"x")])
    assert store.clip(id) is None
    assert store.picture(id, 0) is None


def test_a_clip_has_some_pictures(tmp_path: Path) -> None:
    for count in (0, 17):
        with pytest.raises(EvidenceError, match="expected 1 to 16 pictures"):
            EvidenceStore(tmp_path).write("e", [(picture(), b"x")] * count)


def test_a_clip_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    with pytest.raises(TypeError):
        store.write("e", [(picture(), b"x"), (picture(), None)])  # type: ignore[list-item]
    assert store.clip("e") is None
    assert list(tmp_path.iterdir()) == []


def test_old_clips_go_with_their_folders(records: Records, settings: Settings) -> None:
    store = EvidenceStore(settings.evidence_dir)
    for id, hours in (("old", settings.evidence_hours + 1), ("new", settings.evidence_hours - 1)):
        store.write(id, [(picture(), b"x")])
        for file in (settings.evidence_dir / id).iterdir():
            os.utime(file, (NOW - hours * 3600, NOW - hours * 3600))
    assert purge(records, settings, NOW)["pictures"] == 2
    assert [path.name for path in settings.evidence_dir.iterdir()] == ["new"]
    assert store.clip("old") is None
    assert store.clip("new") is not None
