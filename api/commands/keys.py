"""`aisle keys`: make, list and revoke the keys of the API."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke the keys of the API.")

ConfigOption = Annotated[Path | None, typer.Option("--config", help="YAML file with settings.", show_default=False)]


@app.command()
def create(
    label: Annotated[str, typer.Argument(help="Who uses the key, such as `till dashboard`.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="insights:read, live:read, events:read or admin; repeat it. Default: insights:read."),
    ] = None,
    days: Annotated[float | None, typer.Option(help="Days until the key expires; default: never.", min=0.0)] = None,
    config: ConfigOption = None,
) -> None:
    """Make a key and print it. It is shown this once: only a hash is kept."""
    import time

    from api.keys import BadKeyError, create_key
    from store.records import Records
    from store.settings import SettingsError, load_settings

    now = time.time()
    try:
        with Records.open(load_settings(config)) as records:
            expires_at = None if days is None else now + days * 86400
            key, text = create_key(records, label, scope or ["insights:read"], now=now, expires_at=expires_at)
    except (BadKeyError, SettingsError) as error:
        typer.echo(f"aisle keys: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(text)
    typer.echo(f"id {key.id}, scopes {', '.join(sorted(key.scopes))}. Keep it now: it is not shown again.", err=True)


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """Show the keys: id, state, scopes, label. Never the key itself."""
    import time

    from api.keys import list_keys
    from store.records import Records
    from store.settings import SettingsError, load_settings

    try:
        with Records.open(load_settings(config)) as records:
            keys = list_keys(records)
    except SettingsError as error:
        typer.echo(f"aisle keys: {error}", err=True)
        raise typer.Exit(2) from None
    if not keys:
        typer.echo("There are no keys. Make one with `aisle keys create LABEL`.", err=True)
    for key in keys:
        if key.revoked_at is not None:
            state = f"revoked {_day(key.revoked_at)}"
        elif not key.valid_at(time.time()):
            state = "expired"
        else:
            state = "in force" if key.expires_at is None else f"until {_day(key.expires_at)}"
        typer.echo(f"{key.id}  {state:<20}  {' '.join(sorted(key.scopes)):<40}  {key.label}")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id that `aisle keys list` shows.")], config: ConfigOption = None
) -> None:
    """Make a key useless from now on."""
    import time

    from api.keys import BadKeyError, revoke_key
    from store.records import Records
    from store.settings import SettingsError, load_settings

    try:
        with Records.open(load_settings(config)) as records:
            revoke_key(records, key_id, now=time.time())
    except (BadKeyError, SettingsError) as error:
        typer.echo(f"aisle keys: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"Key {key_id} is revoked.")


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
