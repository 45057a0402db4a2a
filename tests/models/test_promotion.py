from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import candidates
from models.candidates import Candidate, candidate_of
from models.errors import PromotionError
from models.history import History, Record
from models.pointer import Pointer, PointerFile
from models.promotion import Outcome, Promotions, Verdict
from tests.models.registered import add_adder, ship


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The role "persons" has a shipped network, the others have none."""
    monkeypatch.setattr(candidates, "SHIPPED_DIR", tmp_path / "shipped")
    ship(tmp_path / "shipped", 0.0)
    return tmp_path / "shipped"


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "registry"


def verdict(against: str, outcome: Outcome = "better") -> Verdict:
    return Verdict(outcome, against, "rank-1 +.02 (.01 to .03), 40 visits")


def promote(registry: Path, candidate: Candidate, outcome: Outcome = "better") -> Record:
    promotions = Promotions(registry)
    now = promotions.active(candidate.facts.role)
    return promotions.promote(candidate, verdict(now.name, outcome) if now else None)


def active(registry: Path) -> str | None:
    entry = Promotions(registry).active("persons")
    return entry.name if entry is not None else None


def test_promotions_are_undone_one_by_one(registry: Path) -> None:
    first, second = add_adder(registry, 1.0), add_adder(registry, 2.0)
    assert active(registry) == "aisle-tiny"
    promote(registry, first)
    promote(registry, second, "not known")
    assert active(registry) == second.id
    assert Promotions(registry).rollback("persons", "too many mix-ups").active == first.id
    assert active(registry) == first.id
    Promotions(registry).rollback("persons")
    assert active(registry) == "aisle-tiny"
    with pytest.raises(PromotionError, match="nothing was active in the role 'persons' before"):
        Promotions(registry).rollback("persons")


def test_the_history_tells_who_did_what_when_and_why(registry: Path) -> None:
    first, second = add_adder(registry, 1.0), add_adder(registry, 2.0)
    promote(registry, first)
    with pytest.raises(PromotionError, match="worse"):
        promote(registry, second, "worse")
    Promotions(registry).promote(second, verdict(first.id, "worse"), force=True, reason="the guard set is old")
    Promotions(registry).rollback("persons", "it was not")
    lines = [str(record) for record in History(registry / "history.jsonl").read("persons")]
    assert [line.split(", ")[0].split(" ", 3)[3] for line in lines] == [
        f"promoted {first.id}",
        f"refused {second.id}",
        f"promoted {second.id}",
        f"rolled back {second.id}",
    ]
    assert "better than aisle-tiny: rank-1 +.02" in lines[0]
    assert "forced" not in lines[0]
    assert f"it is worse than {first.id}" in lines[1]
    assert "forced" in lines[2]
    assert "the guard set is old" in lines[2]
    assert f"active since: {first.id}, it was not" in lines[3]
    assert all("@" in line for line in lines)
    assert list(History(registry / "history.jsonl").read("reach")) == []


def test_nothing_that_was_written_changes(registry: Path) -> None:
    first, second = add_adder(registry, 1.0), add_adder(registry, 2.0)
    promote(registry, first)
    before = (registry / "history.jsonl").read_bytes()
    promote(registry, second)
    Promotions(registry).rollback("persons")
    assert (registry / "history.jsonl").read_bytes().startswith(before)


def test_a_line_that_was_cut_short_swallows_no_other(registry: Path) -> None:
    candidate = add_adder(registry, 1.0)
    promote(registry, candidate)
    with (registry / "history.jsonl").open("ab") as file:
        file.write(b'{"at": "2026-')
    Promotions(registry).rollback("persons")
    assert [record.what for record in Promotions(registry).history.read()] == ["promoted", "rolled back"]


def test_without_a_comparison_only_force_with_a_reason_promotes(registry: Path) -> None:
    candidate = add_adder(registry, 1.0)
    promotions = Promotions(registry)
    with pytest.raises(PromotionError, match=r"was not compared with aisle-tiny.*--guard"):
        promotions.promote(candidate, None)
    with pytest.raises(PromotionError, match="needs a reason"):
        promotions.promote(candidate, None, force=True, reason=" ")
    assert active(registry) == "aisle-tiny"
    assert promotions.promote(candidate, None, force=True, reason="first one").forced
    assert active(registry) == candidate.id


def test_where_nothing_is_active_there_is_nothing_to_be_worse_than(registry: Path) -> None:
    candidate = add_adder(registry, 1.0, role="reach")
    record = Promotions(registry).promote(candidate, None)
    assert (record.before, record.forced) == (None, False)
    assert Promotions(registry).rollback("reach").active is None
    assert Promotions(registry).active("reach") is None
    with pytest.raises(PromotionError, match="no way back"):
        Promotions(registry).rollback("reach")


def test_a_comparison_with_what_was_active_earlier_does_not_count(registry: Path) -> None:
    first, second = add_adder(registry, 1.0), add_adder(registry, 2.0)
    old = verdict("aisle-tiny")
    promote(registry, first)
    with pytest.raises(PromotionError, match=f"compared with aisle-tiny, and meanwhile {first.id} is active"):
        Promotions(registry).promote(second, old)


def test_what_is_active_cannot_be_promoted_again_even_by_force(registry: Path) -> None:
    candidate = add_adder(registry, 1.0)
    promote(registry, candidate)
    with pytest.raises(PromotionError, match="active already"):
        Promotions(registry).promote(candidate, None, force=True, reason="again")
    assert PointerFile(registry, "persons").read().before == (None,)


def test_a_broken_candidate_is_taken_back_once_and_stays_out(registry: Path) -> None:
    first, second = add_adder(registry, 1.0), add_adder(registry, 2.0)
    promote(registry, first)
    promote(registry, second)
    promotions = Promotions(registry)
    assert promotions.mark_failed("persons", second.id, "no network")
    assert not promotions.mark_failed("persons", second.id, "no network")
    assert active(registry) == first.id
    assert promotions.history.failed("persons") == {second.id}
    with pytest.raises(PromotionError, match="found broken before"):
        promotions.promote(second, verdict(first.id))
    promotions.promote(second, verdict(first.id), force=True, reason="the disk was full")
    assert promotions.history.failed("persons") == set()
    assert active(registry) == second.id


def test_a_broken_candidate_that_is_active_no_more_moves_nothing(registry: Path) -> None:
    first, second = add_adder(registry, 1.0), add_adder(registry, 2.0)
    promote(registry, first)
    promote(registry, second)
    before = PointerFile(registry, "persons").read()
    assert Promotions(registry).mark_failed("persons", first.id, "late news")
    assert PointerFile(registry, "persons").read() == before
    # The way back passes it over.
    assert Promotions(registry).rollback("persons").active == "aisle-tiny"


def test_a_broken_first_candidate_of_a_role_without_a_shipped_one_leaves_nothing(registry: Path) -> None:
    candidate = add_adder(registry, 1.0, role="reach")
    promotions = Promotions(registry)
    promotions.promote(candidate, None)
    assert promotions.mark_failed("reach", candidate.id, "broken")
    assert promotions.active("reach") is None


def test_a_broken_pointer_says_so(registry: Path) -> None:
    file = PointerFile(registry, "persons")
    file.write(Pointer())
    file.path.write_text("{")
    with pytest.raises(PromotionError, match="delete it to go back to what is shipped"):
        Promotions(registry).active("persons")


Step = tuple[str, int]
steps = st.lists(
    st.tuples(st.sampled_from(["promote", "force", "worse", "rollback", "fail", "delete"]), st.integers(0, 3)),
    max_size=25,
)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A registry with four candidates, to be copied."""
    home = tmp_path_factory.mktemp("four")
    return home, [add_adder(home, float(add)).id for add in range(1, 5)]


@settings(max_examples=60)
@given(steps)
def test_any_sequence_leaves_the_pointer_at_a_model_that_exists(
    four: tuple[Path, list[str]], sequence: list[Step]
) -> None:
    source, names = four
    with tempfile.TemporaryDirectory() as folder:
        registry = Path(folder) / "registry"
        shutil.copytree(source, registry)
        promotions = Promotions(registry)
        for deed, which in sequence:
            name = names[which]
            now = active(registry)
            assert now is not None
            written = len(list(promotions.history.read()))
            try:
                if deed == "rollback":
                    promotions.rollback("persons")
                elif deed == "fail":
                    promotions.mark_failed("persons", name, "broken")
                elif deed == "delete":
                    shutil.rmtree(registry / "candidates" / name, ignore_errors=True)
                elif (registry / "candidates" / name).exists():
                    promotions.promote(
                        candidate_of(name, registry),
                        verdict(now, "worse" if deed == "worse" else "better"),
                        force=deed == "force",
                        reason="because",
                    )
            except PromotionError:
                assert active(registry) == now
            after = active(registry)
            assert after == "aisle-tiny" or (registry / "candidates" / str(after)).exists()
            if deed == "worse":
                assert after == now
            if after != now and deed != "delete":
                last = list(promotions.history.read())[-1]
                assert last.active == after
                assert len(list(promotions.history.read())) == written + 1


def _promote_often(registry: Path, shipped: Path, name: str, ready: object) -> None:
    candidates.SHIPPED_DIR = shipped  # type: ignore[misc]
    promotions = Promotions(registry)
    for _ in range(15):
        now = promotions.active("persons")
        assert now is not None
        try:
            promotions.promote(candidate_of(name, registry), verdict(now.name))
        except PromotionError:
            continue


def test_promoters_at_once_lose_nothing(registry: Path, shipped: Path) -> None:
    names = [add_adder(registry, float(add)).id for add in range(1, 4)]
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_promote_often, args=(registry, shipped, name, None)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    # The history, replayed, ends where the pointer stands: no promotion was written over another.
    expected = Pointer()
    for record in Promotions(registry).history.read():
        if record.what == "promoted":
            assert record.before == (expected.active or "aisle-tiny")
            expected = expected.to(record.model)
    assert PointerFile(registry, "persons").read() == expected
    assert expected.version >= 3
