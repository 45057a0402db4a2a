"""`aisle datasets`: what a dataset holds and whether it is sound; splits, other formats, manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datasets.checking.findings import Finding

app = typer.Typer(no_args_is_help=True, help="Datasets of any format.")

_SHOWN = 10
DirArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="A dataset's folder, a COCO or data.yaml file.", show_default=False)
]
SplitOption = Annotated[
    Path | None,
    typer.Option("--split", metavar="FILE", help="Split file; otherwise DIR/split.jsonl, otherwise the dataset's own."),
]
SkipOption = Annotated[bool, typer.Option("--skip-broken", help="Leave out what is broken, and say so.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.command()
def info(
    directory: DirArgument, split: SplitOption = None, skip_broken: SkipOption = False, json: JsonOption = False
) -> None:
    """Print kind, licence, counts, classes, sizes, splits, and how tall objects are. No picture is decoded."""
    from datasets.formats.registry import open_dataset
    from datasets.overview import overview

    with _told(), _progress("Reading") as progress, _faults(skip_broken) as on_fault:
        found = overview(open_dataset(directory, split), on_fault, progress)
    if json:
        from json import dumps

        typer.echo(dumps(found.as_json(), indent=2, ensure_ascii=False))
        return
    for line in found.lines():
        typer.echo(line)


@app.command()
def convert(
    directory: DirArgument,
    to: Annotated[str, typer.Option(metavar="coco|yolo|mot|photos|reviews", help="The format to write.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The new dataset's folder; it must not be there yet.")],
    every: Annotated[int, typer.Option(min=1, help="Take each n-th frame of footage, or each n-th picture.")] = 1,
    split: SplitOption = None,
    licence: Annotated[str, typer.Option(help="Who may use it, where the dataset does not say.")] = "",
    skip_broken: SkipOption = False,
) -> None:
    """Write a dataset in another format, with splits, manifest and whatever the format has no place for beside it.

    Interrupted, it leaves nothing at --out.
    """
    from datasets.converting import convert as write
    from datasets.formats.registry import open_dataset

    with _told(), _progress("Converting") as progress, _faults(skip_broken) as on_fault:
        source = open_dataset(directory, split)
        made = write(source, to, out, every=every, licence=licence, on_fault=on_fault, on_picture=progress)
    splits = ", ".join(f"{name} {count}" for name, count in made.counts.get("splits", {}).items())
    typer.echo(
        f"{out}: {to}, {made.counts['pictures']} pictures, {made.counts['objects']} objects, {splits or 'no splits'}, "
        f"licence: {made.licence or 'not stated'}"
    )


@app.command()
def split(
    directory: DirArgument,
    by: Annotated[
        str, typer.Option(metavar="KEY", help="person, product, shop, seed, run, scenario, camera or picture.")
    ],
    ratios: Annotated[str, typer.Option(metavar="A:B[:C]", help="Parts of train, val and test.")] = "8:1:1",
    seed: Annotated[int, typer.Option(min=0, help="Chooses among equal groups.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Otherwise DIR/split.jsonl.", show_default=False)
    ] = None,
) -> None:
    """Split a dataset so that nothing leaks: what shares a KEY stays together. Writes one small file."""
    from datasets.formats.registry import open_dataset
    from datasets.manifest import SPLIT
    from datasets.splits import SplitDataset
    from datasets.splitting import divide

    with _told(), _progress("Reading") as progress:
        dataset = open_dataset(directory)
        source = dataset.source if isinstance(dataset, SplitDataset) else dataset
        total = len(source)

        def seen() -> Iterator[object]:
            for done, sample in enumerate(source.samples(), 1):
                progress(done, total)
                yield sample

        division = divide(seen(), source.classes, by, _ratios(ratios), seed)  # type: ignore[arg-type]
        path = out or source.folder / SPLIT
        division.file.write(path)
    for name, count in division.pictures.items():
        share = count / sum(division.pictures.values())
        typer.echo(f"{name:<6} {count:>7} pictures {share:>6.1%}  {division.groups[name]:>6} groups by {by}")
    typer.echo(path)


@app.command()
def check(
    directory: DirArgument,
    split: SplitOption = None,
    by: Annotated[
        str, typer.Option(metavar="KEY", help="No two splits may share one; otherwise what it was split by.")
    ] = "",
    near: Annotated[int, typer.Option(min=0, max=16, help="Bits of 64 in which near duplicates may differ.")] = 3,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The contact sheet; otherwise out/check/NAME.png.", show_default=False),
    ] = None,
) -> None:
    """Find what is empty, broken, missing, changed, labelled wrongly, there twice, or in two splits.

    Exits with 1 where there are errors; warnings are said only. What was found is also drawn as one picture.
    """
    from datasets.checking.check import check as find
    from datasets.formats.registry import open_dataset

    with _told(1), _progress("Checking") as progress:
        dataset = open_dataset(directory, split)
        found = find(dataset, by=by, near_bits=near, on_picture=progress)
    kinds = Counter(finding.kind for finding in found)
    for kind, count in kinds.items():
        for finding in [one for one in found if one.kind is kind][:_SHOWN]:
            typer.echo(str(finding))
        if count > _SHOWN:
            typer.echo(f"... and {count - _SHOWN} more: {kind.value}")
    errors = sum(finding.kind.is_error for finding in found)
    typer.echo(f"{directory}: {len(dataset)} pictures, errors: {errors}, warnings: {len(found) - errors}")
    if found:
        _draw(found, directory, sheet or Path("out/check") / f"{directory.resolve().stem}.png")
    if errors:
        raise typer.Exit(1)


@app.command()
def manifest(
    directory: DirArgument,
    licence: Annotated[str, typer.Option(help="Who may use it; otherwise what the dataset says.")] = "",
    skip_broken: SkipOption = False,
) -> None:
    """Write DIR/manifest.json: the sha256 of every file, counts, licence. `check` then finds what changed."""
    from datasets.formats.registry import open_dataset
    from datasets.manifest import NAME, Manifest, entries, write_manifest
    from datasets.overview import overview

    with _told(), _progress("Reading") as progress, _faults(skip_broken) as on_fault:
        if (directory / NAME).exists():
            raise typer.BadParameter(f"{directory / NAME} is there already; remove it to make it anew")
        dataset = open_dataset(directory)
        found = overview(dataset, on_fault, progress)
        counts = {"pictures": found.pictures, "objects": sum(found.classes.values())}
        if any(found.splits):
            counts["splits"] = found.splits  # type: ignore[assignment]
        files = entries(dataset.folder)
        made = {"by": "aisle datasets manifest", "format": found.kind}
        write_manifest(dataset.folder, Manifest(files, made, counts, licence or found.licence))
    typer.echo(f"{dataset.folder / NAME}: {len(files)} files, licence: {licence or found.licence or 'not stated'}")


def _ratios(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(":"))
    except ValueError:
        raise typer.BadParameter(f"--ratios are numbers as in 8:1:1, not {text!r}") from None


def _draw(found: list[Finding], directory: Path, path: Path) -> None:
    import cv2

    from datasets.checking.sheet import contact_sheet

    data = cv2.imencode(".png", contact_sheet(found, directory.resolve().name))[1]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        typer.echo(f"aisle datasets: {path} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"contact sheet: {path}")


@contextmanager
def _faults(skip: bool) -> Iterator[Callable[[str, object], None]]:
    """What to do with what is broken: refuse it, or tell it at the end in a line each, and leave it out."""
    from datasets.sample import refuse

    told: list[str] = []
    yield (lambda where, fault: told.append(f"{where}: {fault}")) if skip else refuse  # type: ignore[misc]
    for line in told[:_SHOWN]:
        typer.echo(f"left out: {line}", err=True)
    if len(told) > _SHOWN:
        typer.echo(f"left out: {len(told) - _SHOWN} more", err=True)


@contextmanager
def _told(code: int = 2) -> Iterator[None]:
    """Turn what a user can mend into one line on stderr and exit code ``code``; Ctrl-C into 130."""
    from datasets.formats.coco import CocoFileError
    from datasets.formats.mot import MotFileError
    from datasets.manifest import ManifestError
    from datasets.pictures import PictureError
    from datasets.sample import DatasetFileError
    from datasets.splitting import SplitError

    try:
        yield
    except (CocoFileError, DatasetFileError, ManifestError, MotFileError, PictureError, SplitError) as error:
        typer.echo(f"aisle datasets: {error}", err=True)
        raise typer.Exit(code) from None
    except OSError as error:
        typer.echo(f"aisle datasets: {f'{error.filename}: ' if error.filename else ''}{error.strerror}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        typer.echo("aisle datasets: interrupted; nothing was written", err=True)
        raise typer.Exit(130) from None


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr where there is a terminal, gone when it is done."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
