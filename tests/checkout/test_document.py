"""What docs/checkout.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.app import create_app
from api.checkout_schemas import EntryDecision
from api.cli import app as aisle
from api.keys import SCOPES
from checkout.policy import Policy
from store.settings import Settings

TEXT = (Path(__file__).parents[2] / "docs" / "checkout.md").read_text(encoding="utf-8")


def test_its_example_runs():
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "docs/checkout.md", "exec"), {})


def test_its_addresses_are_there(tmp_path):
    paths = create_app(Settings(data_dir=tmp_path)).openapi()["paths"]
    known = [re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))) for path in paths]
    named = re.findall(r"(?:GET|POST|DELETE) (/v1/[\w/.-]+)", TEXT)
    assert len(named) > 8
    for path in named:
        assert any(pattern.fullmatch(path) for pattern in known), path


def test_its_reasons_scopes_and_numbers_are_those_of_the_code(tmp_path):
    reasons = EntryDecision.model_json_schema()["properties"]["reason"]["enum"]
    assert all(f"`{reason}`" in TEXT for reason in reasons)
    assert set(re.findall(r"--scope ([\w:]+)", TEXT)) <= set(SCOPES)
    policy, settings = Policy(), Settings(data_dir=tmp_path)
    assert (policy.charge_at, policy.sure_at, policy.bind_s, policy.lateness_s) == (0.5, 0.95, 20.0, 1.0)
    assert (settings.settle_s, settings.review_below, settings.code_s, settings.receipt_days) == (120, 0.8, 60, 3650)
    assert settings.hand_over == policy.hand_over == "holder_pays"


@pytest.mark.parametrize("command", sorted(set(re.findall(r"bin/aisle ([a-z]+(?: [a-z]+)?)", TEXT))))
def test_its_commands_are_there(command):
    from typer.testing import CliRunner

    name = command.split()
    group = name[:2] if name[0] in ("evaluate", "keys") else name[:1]
    assert CliRunner().invoke(aisle, [*group, "--help"]).exit_code == 0
