"""`aisle calibrate check`: is a camera still where it was when it was calibrated?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.calibrate.shared import Camera, Proof, told, write_proof


def check(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Picture, folder or video of the camera as it is now.")
    ],
    camera: Camera,
    plan: Annotated[Path, typer.Option("--plan", metavar="FILE", help="The shop's plan.")],
    reference: Annotated[
        Path, typer.Option(metavar="FILE", help="What stood still when it was calibrated (.npz): no picture.")
    ],
    remember: Annotated[bool, typer.Option("--remember", help="Write the reference from SOURCE instead.")] = False,
    limit: Annotated[float, typer.Option(min=0.1, help="Degrees from which a camera counts as bumped.")] = 0.6,
    proof: Proof = None,
) -> None:
    """Compare a camera's picture with its reference; exit code 1 where it was turned, covered or is out of focus."""
    with told():
        bumped = _check(source, camera, plan, reference, remember, limit, proof)
    if bumped:
        raise typer.Exit(1)


def _check(
    source: str, camera: str, path: Path, reference: Path, remember: bool, limit: float, proof: Path | None
) -> bool:
    import numpy as np

    from cameras.calibration.parameters import turned
    from cameras.calibration.scenery import Scenery
    from cameras.geometry import CameraModel
    from cameras.open import open_source
    from store.plan import load_plan

    shop = load_plan(path)
    model = CameraModel.of(shop.view(camera))
    pictures = []
    with open_source(source, camera=camera) as footage:
        count = footage.frame_count or 1
        wanted = {round(n * (count - 1) / 4) for n in range(5)}
        pictures = [frame.image for number, frame in enumerate(footage) if number in wanted]
    if remember:
        scenery = Scenery.of(model, pictures)
        reference.parent.mkdir(parents=True, exist_ok=True)
        scenery.save(reference)
        typer.echo(
            f"{reference}: {len(scenery.xy)} corners that stand still, from {len(pictures)} pictures, none of them kept"
        )
        write_proof(proof, model, pictures[0], np.zeros((0, 2)), np.zeros((0, 3)), shop, camera)
        return False
    turns = [Scenery.load(reference, model).compare(picture) for picture in pictures]
    told_turns = [turn for turn in turns if not turn.lost]
    if len(told_turns) * 2 <= len(turns):
        typer.echo(f"{camera}: the reference is not found in its picture: covered, out of focus or turned away")
        return True
    turn = sorted(told_turns, key=lambda each: each.angle_deg)[len(told_turns) // 2]
    bumped = turn.angle_deg >= limit
    advice = "; calibrate it anew" if bumped else ""
    typer.echo(
        f"{camera}: turned by {turn.angle_deg:.2f} degrees ({turn.matches} corners of {turn.tried} agree){advice}"
    )
    now = turned(model, np.radians(turn.vector_deg))
    write_proof(proof, now, pictures[0], np.zeros((0, 2)), np.zeros((0, 3)), shop, f"{camera}: as it hangs now")
    return bumped
