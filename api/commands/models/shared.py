"""What the commands of `aisle models` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def told(*more: type[Exception], code: int = 2) -> Iterator[None]:
    """Turn what a user can mend into one line on stderr and an exit code; ``more`` are errors beyond the models'."""
    from api.logs import log_to_stderr
    from models.errors import ModelError
    from store.settings import SettingsError

    log_to_stderr()
    mendable: tuple[type[Exception], ...] = (ModelError, SettingsError, *more)
    try:
        yield
    except mendable as error:
        typer.echo(f"aisle models: {error}", err=True)
        raise typer.Exit(code) from None
