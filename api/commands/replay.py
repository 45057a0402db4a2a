"""`aisle replay`: the receipts of a period once more, by another policy, and what would be different."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from checkout.policy import Policy
    from checkout.replay import Replayed
    from store.events import Event
    from store.settings import Settings


class ReplayFileError(ValueError):
    """A file of events that cannot be used: line and reason."""


def replay(
    start: Annotated[str, typer.Option("--from", help="Begin: ISO 8601, or seconds since 1970.")],
    end: Annotated[str, typer.Option("--to", help="End, not included.")],
    hand_over: Annotated[
        str | None, typer.Option(help="picker_pays, holder_pays or group; default: the shop's.")
    ] = None,
    charge_at: Annotated[float | None, typer.Option(help="Probability from which a package is charged.")] = None,
    sure_at: Annotated[float | None, typer.Option(help="Probability from which a line is sure.")] = None,
    catalogue: Annotated[Path | None, typer.Option(help="YAML file with the products and prices.")] = None,
    events: Annotated[
        Path | None,
        typer.Option(help="CloudEvents, one a line: product events in place of the kept ones, as of other weights."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings.", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Recompute the receipts of a period and print what differs from what was charged. Changes nothing."""
    from api.ranges import BadInstantError, parse_instant
    from checkout.policy import PolicyError
    from checkout.prices import PriceBook
    from checkout.replay import replay_period
    from store.catalogue import load_catalogue
    from store.errors import UnavailableError
    from store.plan import PlanError
    from store.records import Records, RecordsError
    from store.settings import SettingsError, load_settings

    try:
        settings = load_settings(config)
        policy = _policy(settings, hand_over, charge_at, sure_at)
        goods = load_catalogue(catalogue) if catalogue else None
        products = None if events is None else list(_product_events(events))
        with Records.open(settings) as records:
            found = replay_period(
                records, settings.store, parse_instant(start), parse_instant(end), PriceBook(goods), policy, products
            )
    except (
        BadInstantError, PlanError, PolicyError, RecordsError, ReplayFileError, SettingsError, UnavailableError,
    ) as error:  # fmt: skip
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    if json:
        typer.echo(json_format.dumps(_document(found), indent=2))
        return
    _print(found)


def _policy(settings: Settings, hand_over: str | None, charge_at: float | None, sure_at: float | None) -> Policy:
    from dataclasses import replace
    from typing import get_args

    from checkout.policy import HandOver, Policy, PolicyError

    given: dict[str, Any] = {"hand_over": hand_over, "charge_at": charge_at, "sure_at": sure_at}
    if hand_over is not None and hand_over not in get_args(HandOver):
        raise PolicyError(f"no policy {hand_over!r}; there are: {', '.join(get_args(HandOver))}")
    return replace(Policy.of(settings), **{name: value for name, value in given.items() if value is not None})


def _product_events(path: Path) -> Iterator[Event]:
    from store.events import UnknownEventTypeError, from_cloudevent

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReplayFileError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    for number, line in enumerate(lines, 1):
        try:
            event = from_cloudevent(json_format.loads(line)) if line.strip() else None
        except UnknownEventTypeError:
            continue  # of a newer version
        except (ValueError, AttributeError) as error:
            raise ReplayFileError(f"{path}, line {number}: {str(error).splitlines()[0]}") from None
        if event is not None and event.type.startswith("product."):
            yield event


def _document(found: list[Replayed]) -> dict[str, Any]:
    changed = [each for each in found if each.changed]
    return {
        "receipts": len(found),
        "changed": len(changed),
        "difference": sum(each.difference for each in changed),
        "changes": [
            {
                "session_id": each.session_id,
                "closed_at": each.closed_at,
                "difference": each.difference,
                "before": [line.model_dump(mode="json") for line in each.before],
                "after": [line.model_dump(mode="json") for line in each.after],
            }
            for each in changed
        ],
    }


def _print(found: list[Replayed]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from api.desk_gate import money

    changed = [each for each in found if each.changed]
    total = sum(each.difference for each in changed)
    table = Table(
        title=f"{len(changed)} of {len(found)} receipts would differ, by {money(total)} in all", box=box.SIMPLE_HEAD
    )
    for title in ("session", "was", "would be", "difference"):
        table.add_column(title, justify="right" if title == "difference" else "left")
    for each in changed:
        was, now = (
            ", ".join(f"{line.quantity} x {line.gtin}" for line in lines) or "nothing"
            for lines in (each.before, each.after)
        )
        table.add_row(each.session_id, was, now, money(each.difference))
    Console().print(table)
