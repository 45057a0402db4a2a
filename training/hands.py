"""Trains the network for hands: whether a hand that is seen by a shop's camera holds a product.

python -m training.hands --data DIR --out RUN           as shipped
python -m training.hands --smoke --data DIR --out RUN   everything, in seconds

What is learned from is simulated: the films of the recipe, made in ``--data`` where they are missing. Only the
simulator says what hands hold, so that another dataset (``--dataset DIR`` and ``--tune DIR``) must be its runs too.

The surroundings of every wrist are cut out, turned so that the forearm points upwards, and kept beside the run. The
network begins with EfficientNet-Lite0's ImageNet weights. A run that was stopped goes on when the same command is given
again. At the end the network is evaluated at the joints that the active joints network finds, exported and registered
as a candidate for the role hands.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import torch
import typer
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from models.hands import OUTPUTS, SIZE, HandReader
from models.hands_network import HandsNetwork
from models.joints import open_joint_finder
from training.candidate import submit
from training.evaluate.hands import evaluate_hands
from training.export import export_onnx, exportable
from training.faults import check_room, checkpoint_bytes
from training.films import Film
from training.footage import DatasetsOption, FilmsOption, Footage, TuneOption
from training.hand_crops import HandCrops, Variation, made, plain
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
    say,
    told,
    warm_then_cosine,
    weights_file,
)

RECIPE: Final = Path(__file__).parent / "recipes" / "hands.yaml"
INPUT: Final = f"uint8 RGB {SIZE}x{SIZE}, a hand whose forearm points upwards, 0.45 m across (models.hands)"
DYNAMIC: Final = {"pictures": {0: "hands"}}
SMOKE: Final[dict[str, Any]] = {
    "name": "hands-smoke",
    "batch": 4,
    "steps": 3,
    "every": 4,
    "films": [{"name": "smoke", "scenarios": ["single_pick"], "first": 1, "end": 2, "cameras": ["aisle-south"]}],
    "tune": [{"name": "smoke", "scenarios": ["single_pick"], "first": 1, "end": 2, "cameras": ["aisle-south"]}],
}


class Recipe(ScriptRecipe):
    """What the run learns, and how."""

    SMOKE = SMOKE
    name: str
    seed: int
    warm: str
    width: Annotated[int, Field(ge=8)]
    drop: Annotated[float, Field(ge=0, lt=1)]
    joints: str
    batch: Annotated[int, Field(ge=2)]
    steps: int
    rate: float
    trunk_rate: float
    weight_decay: float
    average: float
    clip: float
    variation: dict[str, float]
    every: Annotated[int, Field(ge=1)]
    films: tuple[Film, ...]
    tune: tuple[Film, ...]

    def network(self) -> HandsNetwork:
        """The network before it has learned anything."""
        return HandsNetwork(weights_file(self.warm), self.width, self.drop)


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
    check_room(out, checkpoint_bytes(how.network()))
    # The crops are made before there are several processes, which then share them.
    crops = made(out / "crops", found.learn, key={"data": found.said}, progress=told("cutting out hands"))
    say(f"{len(crops)} hands to learn from, {int(crops.held.sum())} of which hold something")
    launch(partial(train, how, found, out), processes, device)


def train(how: Recipe, data: Footage, out: Path, parallel: Parallel) -> None:
    """One process's part of the training; the first evaluates and registers."""
    torch.manual_seed(how.seed)
    network = how.network().to(memory_format=torch.channels_last)
    crops, variation = HandCrops.open(out / "crops"), Variation(**how.variation)
    share = parallel.share(how.batch)

    def batch_of(step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([how.seed, step])
        chosen = np.sort(crops.drawn(share, rng))
        pictures = [variation.draw(np.asarray(crops.pictures[n]), float(crops.forearm[n]), rng) for n in chosen]
        return torch.from_numpy(np.stack(pictures)), torch.from_numpy(crops.held[chosen].astype(np.float32))

    def loss_of(network: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        pictures, held = batch
        return {"held": functional.binary_cross_entropy_with_logits(network(pictures)[:, 0], held)}

    trunk = list(network.trunk.parameters())
    known = {id(value) for value in [*network.stem.parameters(), *trunk]}
    head = [value for value in network.parameters() if id(value) not in known]
    groups = [{"params": trunk, "lr": how.rate * how.trunk_rate}, {"params": head, "lr": how.rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=how.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(warm_then_cosine, steps=how.steps))
    with Run.open(out, how.model_dump(mode="json") | {"learned from": data.said}) as run:
        fit(
            run,
            network,
            loss_of,
            batch_of,
            steps=how.steps,
            optimizer=optimizer,
            schedule=schedule,
            average=how.average,
            clip=how.clip,
            seed=how.seed,
            parallel=parallel,
            amp=True,
        )
        if parallel.leads:
            finish(how, data, network.cpu().eval(), crops, run)


def finish(how: Recipe, data: Footage, network: HandsNetwork, crops: HandCrops, run: Run) -> None:
    """Evaluate, export, register."""
    chosen = crops.drawn(8, np.random.default_rng(how.seed))
    pictures = torch.from_numpy(np.stack([plain(np.asarray(crops.pictures[n])) for n in chosen]))
    export_onnx(exportable(network, pictures, OUTPUTS, DYNAMIC), run.folder / "network.onnx")
    reader, joints = HandReader(run.folder / "network.onnx"), open_joint_finder(how.joints)
    metrics: dict[str, float] = {}
    for tuning in data.tune:
        report = evaluate_hands(tuning, reader, joints, every=how.every, progress=told("evaluating"))
        metrics |= {f"{tuning.name}_{name}": round(value, 4) for name, value in report.measures().items()}
    run.log(how.steps, metrics)
    say(", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
    candidate = submit(
        name=how.name,
        role="hands",
        network=network,
        example=pictures,
        input=INPUT,
        output_names=OUTPUTS,
        metrics=metrics,
        recipe=how.model_dump(mode="json"),
        data=data.used,
        card=card(how, data, crops, metrics),
        dynamic=DYNAMIC,
    )
    say(f"registered {candidate.id}")


def card(how: Recipe, data: Footage, crops: HandCrops, metrics: dict[str, float]) -> str:
    """What a stranger must know of a candidate; the shipped file's card says more."""
    learned = "".join(f"- {each.name}: {each.counts.get('pictures', '?')} pictures\n" for each in data.used)
    figures = "".join(f"- {name} {value:.4f}\n" for name, value in metrics.items())
    return f"""# {how.name}

## What for

To tell whether a hand holds a product, where the wrist and the elbow are known.

## Input and output

{INPUT}. Out come logits: the logarithm of how much likelier the picture is of a hand that holds something.

## Trained on

{len(crops)} simulated hands, {int(crops.held.sum())} of which hold something, {how.steps} steps of {how.batch},
beginning with {how.warm} (Google, Apache-2.0), from
{learned}
## Figures

At the joints that {how.joints} finds, on pictures that nothing was learned from:
{figures}
`aisle evaluate hands DATASET --weights FILE` measures it on other data.

## Where it fails

On what it was not shown: nobody measured it on real footage yet.

## Reproduce

`python -m training.hands --data DIR --out RUN`, with the recipe in `training/recipes/hands.yaml`.
"""


if __name__ == "__main__":
    typer.run(main)
