"""`aisle calibrate points`: from places that are known in the picture and on the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.calibrate.shared import Camera, DryRun, PlanPath, Proof, numbers, save, told, view_of, write_proof

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def points(
    camera: Camera,
    plan: PlanPath,
    point: Annotated[
        list[str] | None,
        typer.Option(
            metavar="U,V=X,Y[,Z]", help="A pixel and its place in the shop, metres; four or more, eight are good."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The same, one a line, or as CSV with the columns u,v,x,y[,z].")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Picture of the camera, for the proof and for --tag.")
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=X,Y", help="The middle of an AprilTag (36h11) that lies on the floor in --picture."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Size of the pictures that the pixels are of; the view's unless told."),
    ] = None,
    keep_lens: Annotated[
        bool, typer.Option("--keep-lens", help="Hold the plan's lens as it is: it was calibrated.")
    ] = False,
    proof: Proof = None,
    dry_run: DryRun = False,
) -> None:
    """Pose, and a lens that is not known, from four points or more (the page /calibrate/CAMERA clicks them)."""
    with told():
        _calibrate(camera, plan, point or [], file, picture, tag or [], size, keep_lens, proof, dry_run)


def _calibrate(
    camera: str, path: Path, given: list[str], file: Path | None, picture: Path | None, tags: list[str],
    size: str | None, keep_lens: bool, proof: Path | None, dry_run: bool,
) -> None:  # fmt: skip
    import cv2
    import numpy as np

    from cameras.calibration.errors import BadFileError
    from cameras.calibration.parameters import view_with
    from cameras.calibration.points import calibrate_points
    from cameras.images import PictureFolder
    from store.plan import load_plan

    shop = load_plan(path)
    image = None
    if picture is not None:
        with PictureFolder(picture, camera=camera) as folder:
            image = next(iter(folder)).image
    pairs = [_pair(text, "--point") for text in given]
    if file is not None:
        pairs += [_pair(line, f"{file}, line {n}") for n, line in _lines(file)]
    if tags and image is None:
        raise BadFileError("--tag needs --picture FILE, in which the tags are looked for")
    if tags and image is not None:
        pairs += _tags(tags, image)
    known = {view.camera: view for view in shop.cameras}.get(camera)
    shown = _size(size) if size else (known.size if known else None)
    if image is not None and size is None:
        shown = image.shape[1], image.shape[0]
    if shown is None:
        raise BadFileError(f"camera {camera} is not in the plan: tell the pictures' --size WxH, or give a --picture")
    view = view_of(shop, camera, shown)
    pixels = np.array([pixel for pixel, _ in pairs], np.float64).reshape(-1, 2)
    places = np.array([place for _, place in pairs], np.float64).reshape(-1, 3)
    found = calibrate_points(view.at_size(shown), pixels, places, keep_lens=keep_lens)
    for (pixel, place), px, cm, used in zip(pairs, found.errors.pixels, found.errors.floor_cm, found.used, strict=True):
        said = "" if used else "   left out: it does not fit the others"
        typer.echo(f"  {_said(pixel)} = {_said(place)}: {px:.1f} pixels, {cm:.1f} cm{said}")
    focal = "kept" if keep_lens else f"{found.model.matrix[0, 0]:.0f} pixels"
    typer.echo(
        f"{camera}: {int(found.used.sum())} of {len(pairs)} points, {found.errors.rms_px:.1f} pixels off; focal length "
        f"{focal}; error to expect on the floor: {found.expected_cm:.1f} cm (median)"
    )
    if image is not None and (image.shape[1], image.shape[0]) != shown:
        image = np.asarray(cv2.resize(image, shown), np.uint8)
    text = f"{camera}: {found.expected_cm:.1f} cm expected on the floor"
    write_proof(proof, found.model, image, pixels, places, shop, text)
    save(path, view_with(view, found.model), dry_run)


def _pair(text: str, what: str) -> tuple[list[float], list[float]]:
    from cameras.calibration.errors import BadFileError

    pixel, equals, place = text.partition("=")
    if not equals:
        values = numbers(text, (4, 5), what)
        pixel_xy, place_xyz = values[:2], values[2:]
    else:
        pixel_xy, place_xyz = numbers(pixel, (2,), what), numbers(place, (2, 3), what)
    if len(pixel_xy) != 2:
        raise BadFileError(f"{what} {text!r}: expected U,V=X,Y or U,V=X,Y,Z")
    return pixel_xy, [*place_xyz, 0.0][:3]


def _lines(file: Path) -> list[tuple[int, str]]:
    from cameras.calibration.errors import BadFileError

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise BadFileError(f"{file} is no text of points") from None
    kept = [(n, line.strip()) for n, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]
    return [(n, line) for n, line in kept if not line.lower().startswith("u,")]


def _tags(texts: list[str], image: NDArray[np.uint8]) -> list[tuple[list[float], list[float]]]:
    """The middles of tags in a picture, where their diagonals cross, with the places given."""
    import cv2
    import numpy as np

    from cameras.calibration.errors import BadFileError, BoardNotFoundError

    places = {}
    for text in texts:
        number, equals, place = text.partition("=")
        if not equals or not number.strip().isdecimal():
            raise BadFileError(f"--tag {text!r}: expected ID=X,Y")
        places[int(number)] = numbers(place, (2, 3), "--tag")
    refined = cv2.aruco.DetectorParameters()
    refined.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    words = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36H11)
    corners, ids, _ = cv2.aruco.ArucoDetector(words, refined).detectMarkers(image)
    seen = (
        {}
        if ids is None
        else {int(n): np.asarray(c).reshape(4, 2) for n, c in zip(np.ravel(ids), corners, strict=True)}
    )
    missing = sorted(places.keys() - seen.keys())
    if missing:
        there = ", ".join(map(str, sorted(seen))) or "none"
        raise BoardNotFoundError(f"the picture shows no tag {', '.join(map(str, missing))}; tags found: {there}")
    found = []
    for tag, at in places.items():
        a, b, c, d = (np.append(corner, 1.0) for corner in seen[tag].astype(np.float64))
        middle = np.cross(np.cross(a, c), np.cross(b, d))
        found.append(((middle[:2] / middle[2]).tolist(), [*at, 0.0][:3]))
    return found


def _size(text: str) -> tuple[int, int]:
    from cameras.calibration.errors import BadFileError

    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise BadFileError(f"--size {text!r}: expected WIDTHxHEIGHT, as in 1920x1080")
    return int(parts[0]), int(parts[1])


def _said(values: list[float]) -> str:
    return ",".join(f"{value:g}" for value in values)
