"""Retrains a detector of people, or of people with their joints, on any dataset that `aisle datasets` reads.

python -m training.detector --data DIR --out RUN                   as the recipe says
python -m training.detector --data DIR --out RUN --device cuda --processes 4
python -m training.detector --smoke --data DIR --out RUN           everything, in seconds; makes its own pictures

The data is looked through for faults, split where it is not split yet, and converted to YOLO's format in ``--out``. The
trainer of ultralytics trains YOLO26 on it. A run that was stopped goes on from its last epoch when the same command is
given again. At the end the network is evaluated on the split val as `aisle evaluate detector` does, exported, and
registered as a candidate for the role ``people``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import torch
import typer
from pydantic import Field
from torch import Tensor

from datasets.converting import convert
from datasets.formats.registry import open_dataset
from datasets.formats.yolo import YAML
from datasets.manifest import NAME as MANIFEST
from datasets.manifest import read_manifest, sha256
from datasets.sample import Dataset
from datasets.splits import SplitDataset
from datasets.splitting import SplitError, divide
from models.errors import ModelError, UnknownWeightsError
from models.pictures import fit
from models.registry import fetch
from models.ultralytics_home import load_unsorted_network
from models.ultralytics_training import train_ultralytics
from models.yolo import open_yolo
from training.candidate import DataUsed, submit
from training.errors import LossNotFiniteError, TrainingError
from training.evaluate.detector import DetectorReport, evaluate_detectors
from training.evaluate.people_pictures import Question
from training.evaluate.pose import evaluate_poses
from training.faults import check_data, check_room
from training.run import Run, disk_full_named
from training.script import (
    DeviceOption,
    OutOption,
    Part,
    ProcessesOption,
    RecipeOption,
    ScriptRecipe,
    SmokeOption,
    say,
    told,
)

RECIPE: Final = Path(__file__).parent / "recipes" / "detector.yaml"
INPUT: Final = "uint8 RGB {width}x{height}, scaled into the upper left corner, the rest grey (models.yolo)"
CHECKPOINT_BYTES: Final = 150_000_000  # of a YOLO26m: the average and the optimizer, both in float16
SMOKE: Final[dict[str, Any]] = {
    "name": "detector-smoke",
    "size": 96,
    "use": (128, 96),
    "epochs": 2,
    "batch": 8,
    "every": 2,
    "settings": {"warmup_epochs": 0, "mosaic": 0.0, "val": False},
}
SMOKE_SEEDS: Final = (170, 171)


class Split(Part):
    """How data without splits is split; ``by`` a key of `aisle datasets split`, or auto."""

    by: str = "auto"
    ratios: tuple[float, float] = (0.85, 0.15)
    seed: int = 0


class Recipe(ScriptRecipe):
    """All that decides what a run learns."""

    SMOKE = SMOKE
    name: str
    task: Literal["detect", "pose"]
    model: str
    weights: str | None
    size: int = Field(multiple_of=32)
    use: tuple[int, int]
    classes: tuple[str, ...]
    backgrounds: bool
    split: Split
    every: int = Field(ge=1)
    epochs: int = Field(ge=1)
    batch: int = Field(ge=1)
    seed: int
    settings: dict[str, Any] = Field(default_factory=dict)


def main(
    out: OutOption,
    data: Annotated[Path, typer.Option(help="A dataset with people, of any format; with --smoke it is made.")],
    recipe: RecipeOption = RECIPE,
    smoke: SmokeOption = False,
    device: DeviceOption = "cpu",
    processes: ProcessesOption = 1,
) -> None:
    """Train, evaluate, export, register."""
    try:
        if device not in ("cpu", "cuda"):
            raise TrainingError(f"the trainer of ultralytics uses the cpu or the GPUs of one machine, not {device!r}")
        how = Recipe.read(recipe, smoke)
        if smoke:
            film(data)
        train(how, data, out, device, processes)
    except (TrainingError, ModelError, ValueError) as error:
        say(f"error: {error}")
        raise typer.Exit(2) from None


def train(how: Recipe, data: Path, out: Path, device: str, processes: int) -> None:
    """The whole run."""
    said = how.model_dump(mode="json")
    with Run.open(out, said) as run:
        check_room(out, CHECKPOINT_BYTES)
        yolo = converted(how, data, out / "data")
        best = learnt(how, yolo, run, device, processes)
        network, names, posed = load_unsorted_network(best)
        metrics = measured(how, yolo, best, out, posed)
    counts = read_manifest(yolo).counts
    licence = read_manifest(yolo).licence
    candidate = submit(
        name=how.name,
        role="people",
        network=network,
        example=example(yolo, how.use),
        input=INPUT.format(width=how.use[0], height=how.use[1]),
        output_names=("boxes", "scores", "keypoints")[: 3 if posed else 2],
        metrics=metrics,
        recipe=said,
        data=[DataUsed(data.resolve().name, sha256(yolo / MANIFEST), licence or "not stated", counts)],
        card=card(how, data, counts, metrics),
        dynamic={"pictures": {0: "pictures"}},
        metadata={"names": str(names)},
    )
    say(f"registered {candidate.id}")


def converted(how: Recipe, data: Path, folder: Path) -> Path:
    """The data in YOLO's format at ``folder``, looked through and split; made where it is not there yet."""
    if (folder / MANIFEST).exists():
        return folder
    dataset = split(open_dataset(data), how.split)
    found = check_data(dataset, classes=len(how.classes), backgrounds=how.backgrounds, progress=told("looked at"))
    say(f"data: {found.pictures} pictures, {found.objects} people")
    with disk_full_named(folder):
        convert(dataset, "yolo", folder, every=how.every)
    return folder


def split(dataset: Dataset, how: Split) -> Dataset:
    """``dataset`` as it is split, else split so that nothing leaks."""
    if any(sample.split for sample in dataset.samples()):
        return dataset
    keys = ("shop", "run", "camera", "picture") if how.by == "auto" else (how.by,)
    for key in keys:
        try:
            division = divide(dataset.samples(), dataset.classes, key, how.ratios, how.seed)
        except SplitError:
            if key == keys[-1]:
                raise
        else:
            say(f"split by {key}: {division.pictures}")
            return SplitDataset(dataset, division.file)
    return dataset


def learnt(how: Recipe, yolo: Path, run: Run, device: str, processes: int) -> Path:
    """The best weights, trained or trained on."""
    begun = False

    def on_epoch(done: int, total: int, scalars: dict[str, float]) -> None:
        nonlocal begun
        if not all(np.isfinite(value) for name, value in scalars.items() if name.startswith("train")):
            raise LossNotFiniteError(
                f"{run.folder}: a loss of epoch {done} is not finite. The last checkpoint is kept: lower lr0 in the "
                "recipe's settings, and begin in another folder"
            )
        if not begun:
            begun = True
            run.begin_after(done - 1)
        run.log(done, scalars)
        losses = ", ".join(f"{name} {value:.3f}" for name, value in scalars.items() if "rate" not in name)
        say(f"epoch {done}/{total}: {losses}")

    gpu = device.startswith("cuda")
    settings = {"epochs": how.epochs, "imgsz": how.size, "batch": how.batch, "seed": how.seed, **how.settings}
    # ultralytics' own check of float16 would fetch a network; bfloat16 needs none.
    settings |= {"amp": "bf16" if gpu else False}
    with disk_full_named(run.folder):
        return train_ultralytics(
            how.task,
            model=how.model,
            weights=None if how.weights is None else warm(how.weights),
            data=yolo / YAML,
            folder=run.folder / "ultralytics",
            device=",".join(map(str, range(processes))) if gpu else "cpu",
            settings=settings,
            on_epoch=on_epoch,
        )


def warm(weights: str) -> Path:
    """The .pt file that a recipe names, by its path or by its name in the registry."""
    path = Path(weights)
    found = path if path.suffix == ".pt" else fetch(weights)
    if not found.exists():
        raise UnknownWeightsError(f"there is no weights file {found}")
    return found


def measured(how: Recipe, yolo: Path, best: Path, out: Path, posed: bool) -> dict[str, float]:
    """The numbers of `aisle evaluate detector` on the split val, and of `aisle evaluate pose` for joints."""
    detector = open_yolo(best, size=how.use, device="torch")
    question = Question(yolo, split="val")
    report: DetectorReport = evaluate_detectors(question, {how.name: detector}, told("evaluated"))[0]
    report.write_page(out / "mistakes.html")
    scores, (recall, precision) = report.matches.scores(), report.matches.at(report.matches.best())
    found = {"ap": scores.ap, "ap50": scores.ap50, "ar": scores.ar, "recall": recall, "precision": precision}
    found |= {"ece": report.reliability.ece}
    if posed:
        poses = evaluate_poses(question, {how.name: detector}, told("joints evaluated"))[0]
        found |= {name: value for name, value in poses.measures().items() if name not in ("box_ap50", "people_found")}
    found = {f"val_{name}": round(value, 4) for name, value in found.items() if np.isfinite(value)}
    say(", ".join(f"{name} {value:.3f}" for name, value in found.items()))
    return found


def example(yolo: Path, size: tuple[int, int], most: int = 4) -> Tensor:
    """Real inputs: pictures of the split val, uint8 (n, height, width, 3) RGB."""
    pictures = (sample.picture.read() for sample in open_dataset(yolo).samples() if sample.split == "val")
    fitted = [fit(image, size, padding=114).image for _, image in zip(range(most), pictures, strict=False)]
    return torch.from_numpy(np.stack(fitted))


def card(how: Recipe, data: Path, counts: dict[str, Any], metrics: dict[str, float]) -> str:
    """What a stranger must know of a candidate."""
    numbers = ", ".join(f"{name.removeprefix('val_')} {value:.3f}" for name, value in metrics.items())
    return f"""# {how.name}

Finds people{" and their joints" if how.task == "pose" else ""}, by {how.model} at {how.use[0]}x{how.use[1]}.

Trained on {data.resolve().name}: {counts["pictures"]} pictures with {counts["objects"]} people, splits
{counts.get("splits", {})}, {how.epochs} epochs, starting from {how.weights or "random weights"}. On the split val:
{numbers}.

It was seen to work on pictures like these alone. Measure it on others with `aisle evaluate detector DATASET --weights
FILE`; `mistakes.html` in the folder of the run shows where it fails.
"""


def film(folder: Path) -> None:
    """Some simulated pictures with people in ``folder``, made where they are missing."""
    from datasets.simulation.filming.dataset import write_dataset
    from datasets.simulation.filming.recipes import Filming
    from datasets.simulation.filming.recipes import Recipe as Film
    from store.plan import example_plan

    filming = Filming(rate_hz=0.5, size=(160, 96), cameras=("corner-ne",), format="frames")
    films = [Film("two_hands", seed, example_plan("nano"), filming) for seed in SMOKE_SEEDS]
    write_dataset(folder, films, workers=len(films))


if __name__ == "__main__":
    typer.run(main)
