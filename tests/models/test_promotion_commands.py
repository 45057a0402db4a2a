"""`aisle models` with candidates: list, show, card, diff, promote, rollback, history."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.commands.models import app
from models import candidates
from models.candidates import Candidate, registry_dir
from models.promotion import Promotions
from tests.models.registered import add_adder, ship
from training import guard
from training.guard import Judgement


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(candidates, "SHIPPED_DIR", tmp_path / "shipped")
    ship(tmp_path / "shipped", 0.0)
    return tmp_path / "shipped"


@pytest.fixture
def one() -> Candidate:
    return add_adder(registry_dir(), 1.0, metrics={"rank-1": 0.9, "map": 0.8})


@pytest.fixture
def two() -> Candidate:
    return add_adder(registry_dir(), 2.0, metrics={"rank-1": 0.95, "ece": 0.02})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def said(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def standing() -> dict[str, str]:
    """What `list` says of our own networks, between licence and task."""
    lines = [line.split() for line in said("list").splitlines()]
    return {line[0]: " ".join(line[3 : line.index("describe")]) for line in lines if "CC0" in line}


def test_list_shows_what_is_shipped_active_and_failed(one: Candidate, two: Candidate) -> None:
    assert standing() == {"aisle-tiny": "shipped active", one.id: "candidate", two.id: "candidate"}
    said("promote", one.id, "--force", "--reason", "first")
    assert standing() == {"aisle-tiny": "shipped", one.id: "candidate active", two.id: "candidate"}
    said("promote", two.id, "--force", "--reason", "second")
    Promotions(registry_dir()).mark_failed("persons", two.id, "broken")
    assert standing() == {"aisle-tiny": "shipped", one.id: "candidate active", two.id: "candidate failed"}


def test_list_tells_of_a_folder_that_is_no_candidate(one: Candidate, two: Candidate) -> None:
    (two.folder / "facts.json").write_text("{}")
    result = run("list")
    assert result.exit_code == 0
    assert one.id in result.stdout
    assert str(two.folder) in result.stderr


def test_promote_rollback_and_history(one: Candidate, two: Candidate) -> None:
    assert f"promoted {one.id}, before: aisle-tiny, forced, first" in said(
        "promote", one.id, "--force", "--reason", "first"
    )
    assert f"rolled back {one.id}, active since: aisle-tiny, too slow" in said(
        "rollback", "persons", "--reason", "too slow"
    )
    assert "nothing was active in the role 'persons' before" in refusal("rollback", "persons")
    lines = said("history", "persons").splitlines()
    assert [line.split()[3] for line in lines] == ["promoted", "rolled"]
    assert said("history", "people") == ""


def test_promote_compares_on_the_guard_set_that_is_given_or_configured(
    one: Candidate, two: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets: list[Path] = []

    def judge(candidate: Path, active: Path, dataset: Path) -> Judgement:
        datasets.append(dataset)
        return Judgement("worse" if candidate == two.network else "better", "rank-1 .9 against .8")

    monkeypatch.setitem(guard.GUARDS, "persons", judge)  # type: ignore[arg-type]
    for name in ("given", "configured"):
        (tmp_path / name).mkdir()
    assert "was not compared with aisle-tiny" in refusal("promote", one.id)
    result = run("promote", one.id, "--guard", str(tmp_path / "given"))
    assert result.exit_code == 0
    assert "better than aisle-tiny: rank-1 .9 against .8, on given" in result.stdout
    assert result.stderr == f"comparing {one.id} with aisle-tiny on {tmp_path / 'given'}\n"
    monkeypatch.setenv("AISLE_GUARDS", f'{{"persons": "{tmp_path / "configured"}"}}')
    result = run("promote", two.id)
    assert result.exit_code == 2
    assert f"{two.id} is not promoted: it is worse than {one.id}" in result.stderr
    assert datasets == [tmp_path / "given", tmp_path / "configured"]
    assert "there is no guard set" in refusal("promote", two.id, "--guard", str(tmp_path / "gone"))
    assert [line.split()[3] for line in said("history", "persons").splitlines()] == ["refused", "promoted", "refused"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("promote", "nobody"), "no candidate 'nobody'"),
        (("promote", "aisle-tiny"), "no candidate 'aisle-tiny'"),
        (("promote", "ID", "--force"), "needs a reason"),
        (("show", "nobody"), "no weights named 'nobody'"),
        (("card", "efficientdet-lite0"), "has no card"),
        (("diff", "efficientdet-lite0", "ID"), "was not trained by Aisle"),
    ],
)
def test_what_cannot_be_is_one_line(one: Candidate, arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal(*(one.id if each == "ID" else each for each in arguments))


def test_a_setting_that_cannot_be_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AISLE_PORT", "many")
    assert "port" in refusal("list")


def test_a_role_that_is_none_names_those_that_are() -> None:
    result = run("rollback", "cats")
    assert result.exit_code == 2
    assert "products" in result.stderr


def test_show_tells_all_of_a_candidate(one: Candidate) -> None:
    text = said("show", one.id)
    for part in (
        "describe people, to know one again within a visit",
        "rank-1 0.9, map 0.8",
        f"candidate in {one.folder}",
        f"{one.network} (verified)",
        "differ by 0, 0 of the largest number, on 2 inputs; 0.001 or 0.004 is accepted; tiny",
        "commit 0123456789ab",
    ):
        assert part in text


def test_card_prints_the_card(one: Candidate) -> None:
    assert said("card", one.id) == "# tiny\n"
    assert said("card", "aisle-tiny") == "# aisle-tiny\n"


def test_diff_shows_every_metric_and_what_else_differs(one: Candidate, two: Candidate) -> None:
    rows = [line.split("  ") for line in said("diff", one.id, two.id).splitlines()]
    table = {row[0].strip(): [cell.strip() for cell in row[1:] if cell.strip()] for row in rows[1:]}
    assert table["metric rank-1"] == ["0.9", "0.95"]
    assert table["metric map"] == ["0.8", "-"]
    assert table["metric ece"] == ["-", "0.02"]
    assert "recipe steps" not in table
    assert "licence" not in table
