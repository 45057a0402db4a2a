"""What the ways of calibrating share: errors in one line, numbers from the command line, saving, the proof."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cameras.geometry import CameraModel
    from store.layout import Plan
    from store.views import CameraView

Camera = Annotated[str, typer.Option("--camera", metavar="NAME", help="The camera, as in the plan.")]
PlanPath = Annotated[Path, typer.Option("--plan", metavar="FILE", help="The shop's plan; its entry is written.")]
Proof = Annotated[
    Path | None,
    typer.Option("--proof", metavar="FILE", help="Picture with the floor's grid over it, such as proof.jpg."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what came out and write nothing into the plan.")]


@contextmanager
def told() -> Iterator[None]:
    """Errors of calibration, cameras and plans as one line on stderr, with exit code 2."""
    from cameras.calibration.errors import CalibrationError
    from cameras.errors import CameraError
    from store.plan import PlanError

    try:
        yield
    except (CalibrationError, CameraError, PlanError) as error:
        typer.echo(f"aisle calibrate: {error}", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        typer.echo(f"aisle calibrate: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        raise typer.Exit(2) from None


def numbers(text: str, counts: tuple[int, ...], what: str) -> list[float]:
    """``1,2,3`` as numbers, as many as one of ``counts``. Raises ``BadFileError``."""
    import math

    from cameras.calibration.errors import BadFileError

    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) not in counts or not all(map(math.isfinite, found)):
        raise BadFileError(f"{what} {text!r}: expected {' or '.join(map(str, counts))} numbers between commas")
    return found


def view_of(plan: Plan, camera: str, size: tuple[int, int]) -> CameraView:
    """The plan's view of ``camera``; one of pictures of ``size`` where the plan does not have it yet."""
    from store.views import CameraView

    known = {view.camera: view for view in plan.cameras}
    return known.get(camera) or CameraView(camera=camera, size=size)


def save(path: Path, view: CameraView, dry_run: bool) -> None:
    """Write the camera's entry, and say where the old file is."""
    from cameras.calibration.saving import entry_text, save_view

    typer.echo(f"{view.camera}:\n{entry_text(view)}")
    if dry_run:
        typer.echo(f"{path}: not written (--dry-run)")
        return
    backup = save_view(path, view)
    typer.echo(f"{path}: written; as it was before: {backup}")


def write_proof(
    path: Path | None,
    model: CameraModel,
    picture: NDArray[np.uint8] | None,
    pixels: NDArray[np.float64],
    shop: NDArray[np.float64],
    plan: Plan,
    text: str,
) -> None:
    """Draw and write the proof, where one is asked for. Raises ``BadFileError`` for a format that is not written."""
    if path is None:
        return
    import cv2

    from cameras.calibration.errors import BadFileError
    from cameras.calibration.proof import outlines_of, prove

    image: Any = prove(model, picture, pixels, shop, outlines=outlines_of(plan), text=text)
    try:
        done, data = cv2.imencode(path.suffix.lower() or ".jpg", image)
    except cv2.error:
        done = False
    if not done:
        raise BadFileError(f"no picture is written as {path.suffix}; use .jpg or .png")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())
    typer.echo(
        f"proof: {path} (the floor's grid and furniture must lie on those of the picture; arrows are errors x 10)"
    )
