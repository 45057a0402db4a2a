from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from models import candidates
from models.candidates import candidate_of, facts_of, registry_dir, remove
from models.candidates import candidates as all_candidates
from models.errors import FactsError, SelfTestError, UnknownWeightsError, WrongHashError
from models.pointer import Pointer, PointerFile
from models.registry import active, entry_of, fetch, path_of, registry, state_of
from models.selftest import self_test
from tests.models.registered import add_adder, ship


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(candidates, "SHIPPED_DIR", tmp_path / "shipped")
    return tmp_path / "shipped"


def test_the_registry_folder_is_a_setting_and_else_lies_with_the_shop_s_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry_dir() == tmp_path / "xdg" / "aisle" / "models"
    monkeypatch.setenv("AISLE_DATA_DIR", str(tmp_path / "data"))
    assert registry_dir() == tmp_path / "data" / "models"
    monkeypatch.setenv("AISLE_MODELS", str(tmp_path / "own"))
    assert registry_dir() == tmp_path / "own"


def test_a_candidate_is_an_entry_like_any_other() -> None:
    candidate = add_adder(registry_dir(), 2.0, metrics={"rank-1": 0.9})
    entry = entry_of(candidate.id)
    assert registry()[candidate.id] == entry == candidate.entry()
    assert (entry.role, entry.metrics, entry.licence) == ("persons", {"rank-1": 0.9}, "CC0")
    assert state_of(entry) == "verified"
    assert fetch(candidate.id) == path_of(entry) == candidate.network
    assert facts_of(entry) == candidate.facts
    assert candidate.id.startswith("tiny-20")
    assert candidate.id.endswith(entry.sha256[:8])


def test_a_changed_or_missing_network_is_not_used() -> None:
    candidate = add_adder(registry_dir(), 2.0)
    candidate.network.write_bytes(candidate.network.read_bytes()[:-9])
    assert state_of(candidate.entry()) == "wrong hash"
    with pytest.raises(WrongHashError, match="Register or install it anew"):
        fetch(candidate.id)
    candidate.network.unlink()
    assert state_of(candidate.entry()) == "missing"
    with pytest.raises(UnknownWeightsError, match="is gone"):
        fetch(candidate.id)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"name": 3}', b"\xff"])
def test_a_folder_without_facts_is_told_of_and_passed_over(content: bytes) -> None:
    home = registry_dir()
    good, bad = add_adder(home, 1.0), add_adder(home, 2.0)
    (bad.folder / "facts.json").write_bytes(content)
    told: list[FactsError] = []
    assert [each.id for each in all_candidates(home, told.append)] == [good.id]
    assert str(bad.folder) in str(told[0])
    with pytest.raises(FactsError):
        candidate_of(bad.id, home)
    assert bad.id not in registry()


@pytest.mark.parametrize("name", ["", "..", ".new-1", "nobody", "../candidates/x"])
def test_an_unknown_candidate_names_those_that_are_there(name: str) -> None:
    candidate = add_adder(registry_dir(), 1.0)
    with pytest.raises(UnknownWeightsError, match=f"there are: {candidate.id}"):
        candidate_of(name, registry_dir())


def test_what_fails_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no space"):
        candidates.register(_full_disk, tmp_path / "r")
    assert list((tmp_path / "r" / "candidates").iterdir()) == []


def _full_disk(folder: Path) -> None:  # type: ignore[return]
    (folder / "network.onnx").write_bytes(b"half")
    raise OSError("no space")


def test_the_same_network_registered_twice_is_one_candidate(
    tmp_path: Path,
) -> None:
    first = add_adder(tmp_path, 1.0)
    again = candidates.register(lambda folder: _copied(first.folder, folder, first), tmp_path)
    assert again.id == first.id
    assert [each.id for each in all_candidates(tmp_path)] == [first.id]


def _copied(source: Path, folder: Path, candidate: candidates.Candidate) -> candidates.Facts:
    shutil.copytree(source, folder, dirs_exist_ok=True)
    return candidate.facts


def test_a_removed_candidate_is_gone(tmp_path: Path) -> None:
    candidate = add_adder(tmp_path, 1.0)
    remove(candidate)
    assert list((tmp_path / "candidates").iterdir()) == []


def test_active_is_what_is_promoted_and_else_what_is_shipped(shipped: Path) -> None:
    with pytest.raises(UnknownWeightsError, match="nothing is shipped or promoted for the role 'persons'"):
        active("persons")
    ship(shipped, 0.0)
    assert active("persons").name == "aisle-tiny"
    assert fetch("aisle-tiny") == shipped / "aisle-tiny.onnx"
    assert str(entry_of("aisle-tiny").source) == "shipped with Aisle"
    candidate = add_adder(registry_dir(), 1.0)
    PointerFile(registry_dir(), "persons").write(Pointer().to(candidate.id))
    assert active("persons").name == candidate.id
    shutil.rmtree(candidate.folder)
    assert active("persons").name == "aisle-tiny"


def test_the_self_test_accepts_what_was_registered_and_what_is_shipped(shipped: Path, tmp_path: Path) -> None:
    self_test(add_adder(tmp_path, 2.0).entry())
    ship(shipped, 0.0)
    self_test(entry_of("aisle-tiny"))


@pytest.mark.parametrize("damage", ["truncated", "another answer", "not finite", "another shape", "no reference"])
def test_the_self_test_refuses_a_network_that_does_not_answer_as_it_did(tmp_path: Path, damage: str) -> None:
    candidate = add_adder(tmp_path, 2.0)
    reference = np.load(candidate.reference)
    inputs, outputs = reference["input.in"], reference["output.out"]
    expected = {
        "truncated": "is not the registered file: wrong hash",
        "another answer": "off by 0.5",
        "not finite": "not finite",
        "another shape": "has shape",
        "no reference": "cannot be read",
    }[damage]
    if damage == "truncated":
        candidate.network.write_bytes(candidate.network.read_bytes()[:-9])
    elif damage == "no reference":
        candidate.reference.write_bytes(candidate.reference.read_bytes()[:100])
    else:
        wrong = {"another answer": outputs + 0.5, "not finite": outputs * np.nan, "another shape": outputs[:1]}[damage]
        np.savez(candidate.reference, **{"input.in": inputs, "output.out": wrong})
    with pytest.raises(SelfTestError, match=expected):
        self_test(candidate.entry())


def test_a_network_that_openvino_cannot_read_fails_its_self_test(tmp_path: Path) -> None:
    candidate = add_adder(tmp_path, 2.0)
    candidate.network.write_bytes(b"no network")
    document = json.loads((candidate.folder / "facts.json").read_text())
    document["sha256"] = hashlib.sha256(b"no network").hexdigest()
    (candidate.folder / "facts.json").write_text(json.dumps(document))
    with pytest.raises(SelfTestError, match="cannot be run"):
        self_test(candidate_of(candidate.id, tmp_path).entry())


def test_facts_that_admit_no_parity_are_no_facts(tmp_path: Path) -> None:
    candidate = add_adder(tmp_path, 2.0)
    document = json.loads((candidate.folder / "facts.json").read_text())
    document["parity"] = {}
    (candidate.folder / "facts.json").write_text(json.dumps(document))
    with pytest.raises(FactsError, match="parity"):
        candidate_of(candidate.id, tmp_path)


def test_a_pointer_s_stamp_changes_with_each_write(tmp_path: Path) -> None:
    file = PointerFile(tmp_path, "reach")
    stamps = [file.stamp()]
    for version in range(5):
        file.write(Pointer(active="same", version=version))
        os.utime(file.path, ns=(0, 0))  # a file system whose clock stands still
        stamps.append(file.stamp())
    assert stamps[0] is None
    assert len(set(stamps)) == 6
