"""`aisle calibrate walk`: polish rough calibrations, and tell clocks' offsets, from people walking."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.calibrate.shared import DryRun, told

if TYPE_CHECKING:
    from cameras.calibration.tracks import CameraBoxes

FORM = "time,track,x1,y1,x2,y2"


def walk(
    tracks: Annotated[
        list[str],
        typer.Argument(
            metavar="CAMERA=FILE...", help=f"Tracks of each camera: CSV with the columns {FORM} (s, pixels)."
        ),
    ],
    plan: Annotated[Path, typer.Option("--plan", metavar="FILE", help="The shop's plan; its entries are written.")],
    sure: Annotated[
        list[str] | None,
        typer.Option(metavar="CAMERA", help="Calibrated by a board or points: stays as it is. Two or more are good."),
    ] = None,
    focal: Annotated[bool, typer.Option("--focal", help="Let focal lengths change, too.")] = False,
    most_offset: Annotated[float, typer.Option(min=0.2, max=30.0, help="Seconds that clocks may be apart.")] = 2.0,
    dry_run: DryRun = False,
) -> None:
    """Refine cameras that have a pose in the plan until they agree on where people walk; clocks are told on the way."""
    with told():
        _refine(tracks, plan, sure or [], focal, most_offset, dry_run)


def _refine(texts: list[str], path: Path, sure: list[str], focal: bool, most_offset: float, dry_run: bool) -> None:
    from cameras.calibration.parameters import angle_deg, view_with
    from cameras.calibration.saving import save_view
    from cameras.calibration.walk import refine_by_walking
    from cameras.geometry import CameraModel
    from store.plan import load_plan

    shop = load_plan(path)
    boxes = [_read(text) for text in texts]
    for name in sure:
        shop.view(name)
    models = {each.camera: CameraModel.of(shop.view(each.camera)) for each in boxes}

    def say(number: int, whole: int) -> None:
        typer.echo(f"round {number + 1} of {whole} ...", err=True)

    found = refine_by_walking(
        list(models.values()), boxes, sure=sure, focal=focal, most_offset_s=most_offset, on_round=say
    )
    typer.echo(
        f"{found.people} people in {found.moments} moments that two cameras or more saw; what cameras say of one "
        f"person's place lies {100 * found.before_m:.0f} cm apart before, {100 * found.after_m:.0f} cm after (median)"
    )
    for name, model in found.models.items():
        offset = found.clocks.offset_s.get(name)
        clock = "not known" if offset is None else f"{offset:+.3f} s +- {found.clocks.sigma_s[name]:.3f}"
        if name in found.untouched:
            typer.echo(f"  {name}: shared too little with others; left as it is")
            continue
        away = 100 * float(((model.position - models[name].position) ** 2).sum() ** 0.5)
        turn = angle_deg(model, models[name])
        typer.echo(f"  {name}: turned by {turn:.2f} degrees, moved by {away:.1f} cm; clock ahead by {clock}")
        if not dry_run:
            view = shop.view(name)
            view = view if name in sure else view_with(view, model)
            save_view(path, view.model_copy(update={"clock_offset_s": round(offset or 0.0, 4)}))
    typer.echo(f"{path}: {'not written (--dry-run)' if dry_run else 'written; older versions lie beside it'}")


def _read(text: str) -> CameraBoxes:
    """``CAMERA=FILE`` as boxes. Raises ``BadFileError``."""
    import numpy as np

    from cameras.calibration.errors import BadFileError
    from cameras.calibration.tracks import CameraBoxes

    camera, equals, name = text.partition("=")
    if not equals or not camera or not name:
        raise BadFileError(f"tracks {text!r}: expected CAMERA=FILE")
    path = Path(name)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise BadFileError(f"tracks {path} are no text; expected the columns {FORM}") from None
    times, tracks, rows = [], [], []
    for number, line in enumerate(lines, 1):
        parts = [part.strip() for part in line.split(",")]
        if not line.strip() or parts[0] == "time":
            continue
        try:
            if len(parts) != 6:
                raise ValueError
            times.append(float(parts[0]))
            tracks.append(parts[1])
            rows.append([float(part) for part in parts[2:]])
        except ValueError:
            raise BadFileError(f"tracks {path}, line {number}: expected {FORM}, found {line[:60]!r}") from None
    if not rows:
        raise BadFileError(f"tracks {path} hold nobody; expected the columns {FORM}")
    return CameraBoxes(camera, np.array(times), np.array(tracks), np.array(rows))
