"""`aisle calibrate board` and `sheet`: from a printed board, carried about and laid on the floor."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.calibrate.shared import Camera, DryRun, PlanPath, Proof, numbers, save, told, view_of, write_proof

if TYPE_CHECKING:
    from cameras.calibration.boards import Board
    from cameras.calibration.sights import Sight
    from cameras.frame import Frame

BoardText = Annotated[
    str,
    typer.Option(
        "--board",
        metavar="BOARD",
        help="7x5:0.04:0.03[:4X4_50]: columns x rows : square : marker, metres; or apriltag:6x4:0.08:0.02: tag : gap.",
    ),
]


def sheet(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Picture to print, such as board.png.")],
    board: BoardText = "7x5:0.1:0.075",
    dpi: Annotated[int, typer.Option(min=50, max=600, help="Dots an inch; the file says so, too.")] = 150,
) -> None:
    """Draw a board to print at its true size; glue it on something flat and stiff."""
    from PIL import Image

    from cameras.calibration.boards import Board
    from cameras.calibration.errors import BadFileError

    with told():
        made = Board.parse(board)
        margin = made.pitch_m / 2
        try:
            Image.fromarray(made.draw(dpi / 0.0254, margin)).save(out, dpi=(dpi, dpi))
        except ValueError:
            raise BadFileError(f"no picture is written as {out.suffix or out}; use .png") from None
        width, height = (100 * (side + 2 * margin) for side in made.size_m)
        typer.echo(
            f"{out}: {made.said}, {width:.1f} x {height:.1f} cm with its white edge; measure a square after printing"
        )


def board(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Video or folder of pictures of the board.")],
    camera: Camera,
    plan: PlanPath,
    board: BoardText,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,DEG",
            help="Where the board lies still on the floor, once for each time, in their order: its printed upper left "
            "corner in metres, and where its upper edge points to (0 is +x, 90 is +y). Without: the lens alone.",
        ),
    ] = None,
    floor: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Other footage with the board lying still, or a picture a place."),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.5, help="Pictures a second of a video that are looked at.")] = 4.0,
    proof: Proof = None,
    dry_run: DryRun = False,
) -> None:
    """Lens from a board that is carried about, pose from where it lies still on the floor.

    Carry the board slowly through the whole picture, near and far, tilted to all sides; then lay it face up at two or
    three measured places and step aside for three seconds at each.
    """
    with told():
        _calibrate(source, camera, plan, board, at or [], floor, rate, proof, dry_run)


def _calibrate(
    source: str, camera: str, path: Path, text: str, at: list[str], floor: str | None, rate: float,
    proof: Path | None, dry_run: bool,
) -> None:  # fmt: skip
    import numpy as np

    from cameras.calibration.accuracy import PointErrors
    from cameras.calibration.boards import Board
    from cameras.calibration.lens import calibrate_lens
    from cameras.calibration.parameters import view_with
    from cameras.calibration.places import Place, place_camera
    from cameras.geometry import CameraModel
    from store.plan import load_plan

    shop = load_plan(path)
    places = [Place(*numbers(each, (3,), "--at")) for each in at]
    sights, size, made, last = _look(source, camera, Board.parse(text), rate)
    view = view_of(shop, camera, size)
    lens = calibrate_lens(sights, made, size)
    typer.echo(
        f"lens: {lens.rms_px:.2f} pixels off in {len(lens.views)} views ({len(lens.dropped)} bad ones left out); focal "
        f"length {lens.matrix[0, 0]:.1f} +- {lens.focal_share * lens.matrix[0, 0]:.1f} pixels; the board was in "
        f"{lens.coverage:.0%} of the picture"
    )
    blank = CameraModel(camera, size, lens.matrix, lens.distortion, np.eye(3), np.zeros(3))
    if not places:
        typer.echo(
            "no --at: the lens alone is written; give places, or go on with `aisle calibrate points --keep-lens`"
        )
        save(path, view_with(view, blank, lens_only=True), dry_run)
        return
    parts, last = _lying(floor, camera, made, rate, size, sights, last)
    placed = place_camera(camera, size, lens.matrix, lens.distortion, made, parts, places)
    found = view_with(view, placed.model)
    errors: PointErrors = placed.errors
    said = f"{camera}: {errors.rms_px:.1f} px, {errors.median_cm:.1f} cm on the floor (median)"
    typer.echo(
        f"pose: {errors.rms_px:.2f} pixels and {errors.median_cm:.1f} cm on the floor off where {len(places)} places "
        f"were "
        f"measured; they were moved by {', '.join(f'{each:.1f}' for each in placed.shift_cm)} cm to fit"
    )
    write_proof(proof, placed.model, None if last is None else last.image, placed.pixels, placed.shop, shop, said)
    save(path, found, dry_run)


def _look(
    source: str, camera: str, board: Board, rate: float
) -> tuple[list[Sight], tuple[int, int], Board, Frame | None]:
    """The sights of the board in a source, the pictures' size, the board as it is, and the last picture."""
    from cameras.calibration.sights import find_board
    from cameras.open import open_source

    last: list[Frame] = []
    with open_source(source, camera=camera) as footage:
        every = max(1, round(footage.frame_rate / rate))
        if Path(source).is_dir():
            every = 1
        with typer.progressbar(length=footage.frame_count or 0, label="looking for the board", file=sys.stderr) as bar:

            def frames() -> Iterator[Frame]:
                for frame in footage:
                    last[:] = [frame]
                    bar.update(1)
                    yield frame

            sights, made = find_board(frames(), board, every)
        size = footage.size
    return sights, size, made, last[0] if last else None


def _lying(
    floor: str | None, camera: str, board: Board, rate: float, size: tuple[int, int], sights: list[Sight],
    last: Frame | None,
) -> tuple[list[Sight], Frame | None]:  # fmt: skip
    from cameras.calibration.errors import PlacesError
    from cameras.calibration.places import still_parts

    if floor is None:
        return still_parts(sights, size), last
    found, other, _, last = _look(floor, camera, board, rate)
    if other != size:
        raise PlacesError(f"camera {camera}: {floor} has pictures of {other[0]}x{other[1]}, not {size[0]}x{size[1]}")
    path = Path(floor)
    single = path.is_dir() or path.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp", ".webp")
    return (found if single else still_parts(found, size)), last
