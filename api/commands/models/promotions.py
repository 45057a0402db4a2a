"""`aisle models promote`, `rollback` and `history`: which network is active, and how that came about."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.models.shared import told

if TYPE_CHECKING:
    from models.facts import Role


class RoleName(StrEnum):
    """``models.facts.Role`` for the command line."""

    PEOPLE = "people"
    JOINTS = "joints"
    HANDS = "hands"
    PERSONS = "persons"
    PRODUCTS = "products"
    REACH = "reach"

    @property
    def role(self) -> Role:
        """It as a role."""
        from models.facts import ROLES

        return next(role for role in ROLES if role == self.value)


RoleArgument = Annotated[RoleName, typer.Argument(help="What the network does in Aisle.")]


def promote(
    candidate: Annotated[str, typer.Argument(help="The id of a candidate, as `aisle models list` shows it.")],
    guard: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Compare on this; else what the setting `guards` has for the role."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Promote it even so; needs a --reason.")] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the history.")] = "",
) -> None:
    """Make a candidate the active network of its role, unless it is worse on the guard set than what is active.

    Running watchers with `--weights active` take it up within seconds, between two frames.
    """
    from cameras.errors import CameraError
    from datasets.simulation.render.gl import RendererError
    from models.candidates import registry_dir
    from store.settings import load_settings
    from training.errors import TrainingError
    from training.promote import promote_candidate

    with told(CameraError, RendererError, TrainingError, ValueError, OSError):
        record = promote_candidate(
            candidate,
            registry_dir(),
            guard=guard,
            guards=load_settings().guards,
            force=force,
            reason=reason,
            say=lambda text: typer.echo(text, err=True),
        )
    typer.echo(str(record))


def rollback(
    role: RoleArgument,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the history.")] = "",
) -> None:
    """Go back to the network that was active before; may be repeated."""
    from models.candidates import registry_dir
    from models.promotion import Promotions

    with told(OSError):
        record = Promotions(registry_dir()).rollback(role.role, reason)
    typer.echo(str(record))


def history(role: RoleArgument) -> None:
    """Print who promoted, rolled back or was refused what, when and why; oldest first."""
    from models.candidates import registry_dir
    from models.promotion import Promotions

    with told():
        for record in Promotions(registry_dir()).history.read(role.role):
            typer.echo(str(record))
