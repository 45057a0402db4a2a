"""Trains the joints network: where the 17 joints of a person in a box are, for pictures from ceiling cameras.

python -m training.pose --data DIR --out RUN           as shipped
python -m training.pose --smoke --data DIR --out RUN   everything, in seconds

What is learned from is simulated: the films of the recipe, made in ``--data`` where they are missing. With ``--dataset
DIR``, which may be given several times, it is a shop's own footage in their place: any dataset with boxes and keypoints
that `aisle datasets info` reads; ``--tune DIR`` then is what the trained network is evaluated on.

Every person is cut out, one to a square crop, and kept beside the run. The network begins with EfficientNet-Lite0's
ImageNet weights. A recipe with ``reaching`` goes on with films of the moments in which hands
touch shelves, which are rare in others. A run that was stopped goes on when the same command is given again. At the end
the network is evaluated in the boxes that the active people network finds, exported and registered as a candidate for
the role joints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import torch
import typer
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from datasets.formats.registry import open_dataset
from models.joints import KEYPOINTS, OUTPUTS, SIZE, JointFinder, PosedDetector
from models.joints_network import JointsNetwork
from models.people import open_person_detector
from training.candidate import submit
from training.evaluate.people_pictures import Question
from training.evaluate.pose import evaluate_poses
from training.export import export_onnx, exportable
from training.faults import check_room, checkpoint_bytes
from training.films import Film
from training.footage import DatasetsOption, FilmsOption, Footage, TuneOption
from training.joint_crops import JointCrops, Person, Variation, made, plain
from training.joint_losses import losses
from training.loop import fit
from training.parallel import Parallel, launch
from training.run import Run
from training.script import (
    DeviceOption,
    OutOption,
    ProcessesOption,
    RecipeOption,
    ScriptRecipe,
    SmokeOption,
    order,
    say,
    told,
    warm_then_cosine,
    weights_file,
)

REACHING: Final = "reaching"
RECIPE: Final = Path(__file__).parent / "recipes" / "pose.yaml"
INPUT: Final = f"uint8 RGB {SIZE}x{SIZE}, a person in the middle whose box's larger side is four fifths of it"
DYNAMIC: Final = {"pictures": {0: "people"}}
SMOKE: Final[dict[str, Any]] = {
    "name": "joints-smoke",
    "batch": 4,
    "steps": 3,
    "every": 4,
    "reaching": {
        "films": [
            {
                "name": "smoke-reaching",
                "scenarios": ["single_pick"],
                "first": 2,
                "end": 3,
                "cameras": ["aisle-south"],
                "rate": 2.0,
                "near_reaches_s": 0.6,
            }
        ],
        "share": 0.5,
        "steps": 2,
        "rate": 1.0e-3,
        "average": 0.9,
        "hidden": 1.0,
        "arms": 2.0,
    },
    "films": [{"name": "smoke", "scenarios": ["single_pick"], "first": 1, "end": 2, "cameras": ["aisle-south"]}],
    "tune": [{"name": "smoke", "scenarios": ["single_pick"], "first": 1, "end": 2, "cameras": ["aisle-south"]}],
}


class Reaching(BaseModel):
    """The second part of a run on films: ``share`` of the people drawn are from these ``films``; ``hidden`` and
    ``arms`` are what joints count that are not seen, and those of arms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    films: tuple[Film, ...]
    share: Annotated[float, Field(ge=0, le=1)]
    steps: Annotated[int, Field(ge=1)]
    rate: float
    average: float
    hidden: Annotated[float, Field(ge=0)]
    arms: Annotated[float, Field(gt=0)]


class Recipe(ScriptRecipe):
    """What the run learns, and how."""

    SMOKE = SMOKE
    name: str
    seed: int
    warm: str
    width: Annotated[int, Field(ge=8)]
    detector: str
    batch: Annotated[int, Field(ge=1)]
    steps: int
    rate: float
    trunk_rate: float
    weight_decay: float
    average: float
    clip: float
    reaching: Reaching | None = None
    variation: dict[str, float]
    every: Annotated[int, Field(ge=1)]
    films: tuple[Film, ...]
    tune: tuple[Film, ...]


def main(
    out: OutOption,
    data: FilmsOption = None,
    dataset: DatasetsOption = None,
    tune: TuneOption = None,
    recipe: RecipeOption = RECIPE,
    smoke: SmokeOption = False,
    device: DeviceOption = "cpu",
    processes: ProcessesOption = 1,
) -> None:
    """Train, evaluate, export, register."""
    how = Recipe.read(recipe, smoke)
    found = Footage.asked(how.films, how.tune, data, dataset, tune)
    check_room(out, checkpoint_bytes(JointsNetwork(weights_file(how.warm), how.width)))
    # The crops are made before there are several processes, which then share them.
    crops = cut_out(found.learn, out / "crops")
    say(f"{len(crops)} people to learn from")
    if how.reaching is not None and data is not None:
        crops = cut_out([film.made(data) for film in how.reaching.films], out / REACHING)
        say(f"{len(crops)} people around reaches")
        found = replace(found, used=(*found.used, *(film.used(data) for film in how.reaching.films)))
    launch(partial(train, how, found, out), processes, device)


def cut_out(learn: Sequence[Path], folder: Path) -> JointCrops:
    """The people that are learned from."""
    datasets = [open_dataset(path) for path in learn]
    key: dict[str, object] = {"data": list(map(str, learn)), "pictures": list(map(len, datasets))}
    return made(folder, datasets, key=key, progress=told("cutting out people"))


def train(how: Recipe, data: Footage, out: Path, parallel: Parallel) -> None:
    """One process's part of the training; the first evaluates and registers."""
    torch.manual_seed(how.seed)
    network = JointsNetwork(weights_file(how.warm), how.width).to(memory_format=torch.channels_last)
    everybody = JointCrops.open(out / "crops")
    share = parallel.share(how.batch)
    said = how.model_dump(mode="json") | {"learned from": data.said}

    def anybody(step: int) -> list[Person]:
        return [everybody.person(n) for n in np.sort(order(len(everybody), how.seed, step * share, share))]

    with Run.open(out, said) as run:
        taught(how, network, run, parallel, anybody, losses, how.steps, how.rate, how.average)
        if how.reaching is None or not (out / REACHING).is_dir():
            if parallel.leads:
                finish(how, data, network.cpu().eval(), everybody, run)
            return
    part = how.reaching
    crops = JointCrops.open(out / REACHING)

    def reaching(step: int) -> list[Person]:
        rng = np.random.default_rng([how.seed, step, 1])
        chosen = np.where(rng.random(share) < part.share, 0, 1)
        return [(crops, everybody)[n].drawn(rng) for n in chosen]

    counted = partial(losses, hidden=part.hidden, arms=part.arms)
    with Run.open(out / REACHING / "run", said) as run:
        taught(how, network, run, parallel, reaching, counted, part.steps, part.rate, part.average)
        if parallel.leads:
            finish(how, data, network.cpu().eval(), everybody, run)


def taught(
    how: Recipe,
    network: JointsNetwork,
    run: Run,
    parallel: Parallel,
    people: Callable[[int], Sequence[Person]],
    count: Callable[[Tensor, Tensor], dict[str, Tensor]],
    steps: int,
    rate: float,
    average: float,
) -> None:
    """One part of the training: ``people`` are shown at a step, ``count`` is what the answer costs."""
    variation = Variation(**how.variation)

    def batch_of(step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([how.seed, step])
        pictures, joints = zip(*(variation.draw(*person, rng) for person in people(step)), strict=True)
        return torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(joints))

    def loss_of(network: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        pictures, joints = batch
        return count(network(pictures), joints)

    trunk = list(network.trunk.parameters())
    known = {id(value) for value in [*network.stem.parameters(), *trunk]}
    head = [value for value in network.parameters() if id(value) not in known]
    groups = [{"params": trunk, "lr": rate * how.trunk_rate}, {"params": head, "lr": rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=how.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(warm_then_cosine, steps=steps))
    fit(
        run,
        network,
        loss_of,
        batch_of,
        steps=steps,
        optimizer=optimizer,
        schedule=schedule,
        average=average,
        clip=how.clip,
        seed=how.seed,
        parallel=parallel,
        amp=True,
    )


def finish(how: Recipe, data: Footage, network: JointsNetwork, crops: JointCrops, run: Run) -> None:
    """Evaluate, export, register."""
    people = [plain(*crops.person(n))[0] for n in range(min(len(crops), 8))]
    pictures = torch.from_numpy(np.stack(people))
    export_onnx(exportable(network, pictures, OUTPUTS, DYNAMIC), run.folder / "network.onnx")
    detector = PosedDetector(open_person_detector(how.detector), JointFinder(run.folder / "network.onnx"))
    metrics: dict[str, float] = {}
    for tuning in data.tune:
        (report,) = evaluate_poses(Question(tuning, every=how.every), {how.name: detector}, told("evaluating"))
        metrics |= {f"{tuning.name}_{name}": round(value, 4) for name, value in report.measures().items()}
    run.log(how.steps if how.reaching is None else how.reaching.steps, metrics)
    say(", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
    candidate = submit(
        name=how.name,
        role="joints",
        network=network,
        example=pictures,
        input=INPUT,
        output_names=OUTPUTS,
        metrics=metrics,
        recipe=how.model_dump(mode="json"),
        data=data.used,
        card=card(how, data, len(crops), metrics),
        dynamic=DYNAMIC,
    )
    say(f"registered {candidate.id}")


def card(how: Recipe, data: Footage, people: int, metrics: dict[str, float]) -> str:
    """What a stranger must know of a candidate; the shipped file's card says more."""
    learned = "".join(f"- {each.name}: {each.counts.get('pictures', '?')} pictures\n" for each in data.used)
    figures = "".join(f"- {name} {value:.4f}\n" for name, value in metrics.items())
    more = f" and {how.reaching.steps} around reaches" if how.reaching is not None else ""
    return f"""# {how.name}

## What for

To place COCO's {KEYPOINTS} joints of a person whose box is known.

## Input and output

{INPUT}. Out come logits of a map for each joint: `models.joints` makes places and confidences of them.

## Trained on

{people} people, {how.steps} steps of {how.batch}{more}, beginning with
{how.warm} (Google, Apache-2.0), from
{learned}
## Figures

In the boxes of {how.detector}, on pictures that nothing was learned from:
{figures}
`aisle evaluate pose DATASET --joints FILE` measures it on other data.

## Where it fails

On what it was not shown: nobody measured it on other footage yet.

## Reproduce

`python -m training.pose --data DIR --out RUN`, with the recipe in `training/recipes/pose.yaml`.
"""


if __name__ == "__main__":
    typer.run(main)
