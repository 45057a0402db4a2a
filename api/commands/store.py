"""`aisle store`: plan a shop, and see what its cameras would see."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datasets.simulation.survey.coverage import FloorCoverage
    from store.layout import Plan

app = typer.Typer(no_args_is_help=True, help="Plan a shop and check the plan.")


class Example(StrEnum):
    """The plans to begin with."""

    NANO = "nano"
    SHOP = "shop"


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write plan.yaml.")] = Path("."),
    example: Annotated[
        Example, typer.Option(help="nano: 40 m2, 5 gondolas, a plate under every few facings; shop: 300 m2.")
    ] = Example.NANO,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a plan that is there.")] = False,
) -> None:
    """Write a commented example plan to edit: DIR/plan.yaml."""
    from store.plan import example_plan

    path = directory / "plan.yaml"
    if path.exists() and not force:
        typer.echo(f"aisle store: {path} is there already; --force overwrites it", err=True)
        raise typer.Exit(2)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_bytes(example_plan(example.value).read_bytes())
    except OSError as error:
        typer.echo(f"aisle store: {path} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{path}: edit it, then `aisle store check {path} --picture {directory / 'plan.png'}`")


@app.command()
def check(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="YAML file of the plan.", show_default=False)],
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the plan and its coverage here, such as plan.png.")
    ] = None,
) -> None:
    """Say what is wrong with a plan, with the line and the reason, and how much its cameras see.

    Exits with 1 where there are errors; warnings are said only.
    """
    from datasets.simulation.shop import catalogue_of
    from datasets.simulation.survey.coverage import floor_coverage, slot_coverage
    from datasets.simulation.survey.inspection import inspect
    from store.plan import PlanError, PlanFile

    try:
        file = PlanFile.read(plan)
        catalogue = catalogue_of(file)
    except PlanError as error:
        typer.echo(f"aisle store: {error}", err=True)
        raise typer.Exit(1) from None
    shop = file.plan
    floor = floor_coverage(shop) if shop.floor is not None else None
    slot_cameras = slot_coverage(shop)
    problems = sorted(
        (file.document.line_of(problem.loc), problem.level, problem.message)
        for problem in inspect(shop, catalogue, floor, slot_cameras)
    )
    for line, level, message in problems:
        typer.echo(f"{plan}, line {line}: {level}: {message}")
    errors = sum(level == "error" for _, level, _ in problems)
    _summary(shop, floor, slot_cameras.tolist())
    typer.echo(f"errors: {errors}, warnings: {len(problems) - errors}")
    if picture is not None:
        _draw(shop, floor, slot_cameras, picture)
    if errors:
        raise typer.Exit(1)


@app.command()
def photos(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="YAML file of the plan.", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the folders of photos go.")] = Path("out/photos"),
    seed: Annotated[int, typer.Option(min=0, help="Chooses generated products and the artwork of labels.")] = 0,
    size: Annotated[int, typer.Option(min=32, max=2048, help="Width and height in pixels.")] = 256,
) -> None:
    """Take catalogue photos of all products of a plan: DIR/GTIN/front.jpg and corner.jpg, and catalogue.yaml."""
    from datasets.simulation.goods.album import write_album
    from datasets.simulation.render import RendererError
    from datasets.simulation.shop import load_shop
    from store.plan import PlanError

    try:
        _, catalogue = load_shop(plan, seed)
        with typer.progressbar(
            write_album(out, catalogue, seed, size), length=len(catalogue.products), label="products"
        ) as written:
            for _ in written:
                pass
    except (PlanError, RendererError) as error:
        typer.echo(f"aisle store: {error}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"aisle store: {out} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{out}: photos of {len(catalogue.products)} products, catalogue.yaml")


def _summary(plan: Plan, floor: FloorCoverage | None, slot_cameras: list[int]) -> None:
    shelves = sum(len(fixture.shelves) for fixture in plan.fixtures)
    typer.echo(
        f"{plan.store}: {len(plan.fixtures)} fixtures, {shelves} shelves, {len(slot_cameras)} slots, "
        f"{len(plan.plates)} plates, {len(plan.cameras)} cameras"
    )
    for what, seen in (
        ("free floor", None if floor is None else floor.cameras[floor.free].tolist()),
        ("slots", slot_cameras),
    ):
        if seen:
            shares = ", ".join(f"{sum(n >= k for n in seen) / len(seen):.1%} by {k} or more" for k in (1, 2, 3))
            typer.echo(f"{what} seen: {shares}; fewest {min(seen)}, {sum(seen) / len(seen):.1f} on average")


def _draw(plan: Plan, floor: FloorCoverage | None, slot_cameras: NDArray[np.int64], picture: Path) -> None:
    import cv2

    from datasets.simulation.survey.plan_picture import draw_plan

    if floor is None:
        typer.echo("aisle store: a plan without `floor` has no picture", err=True)
        return
    suffix = picture.suffix.lower() or ".png"
    try:
        done, data = cv2.imencode(suffix, draw_plan(plan, floor, slot_cameras))
    except cv2.error:
        done = False
    if not done:
        typer.echo(f"aisle store: no picture is written as {suffix}; use .png or .jpg", err=True)
        raise typer.Exit(2)
    try:
        picture.write_bytes(data.tobytes())
    except OSError as error:
        typer.echo(f"aisle store: {picture} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"picture: {picture}")
