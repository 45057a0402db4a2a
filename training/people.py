"""Trains the people network: where people are, in pictures from ceiling cameras.

python -m training.people --data DIR --out RUN           as shipped
python -m training.people --smoke --data DIR --out RUN   everything, in seconds

What is learned from is simulated: the films of the recipe, made in ``--data`` where they are missing. With ``--dataset
DIR``, which may be given several times, it is a shop's own footage in their place: any dataset with boxes that
`aisle datasets info` reads; ``--tune DIR`` then is what the trained network is evaluated on.

The network is EfficientDet-Lite0 with its COCO weights. Its trunk, up to the features of stride 8, stays as it is: it
is computed once for every view and kept beside the run, so that a processor without a GPU learns some seven views a
second. A run that was stopped goes on when the same command is given again. At the end the network is evaluated,
exported and registered as a candidate for the role people. `training.pose` trains what finds their joints.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import torch
import typer
from pydantic import Field
from torch import Tensor, nn

from datasets.formats.registry import open_dataset
from models.efficientdet import STRETCH, anchors
from models.people_detector import OUTPUTS, PeopleDetector
from models.people_network import PeopleNetwork, open_people_network
from models.pictures import fit as fitted
from models.runtimes import OpenVinoRuntime, torch_to_openvino
from training.candidate import submit
from training.evaluate.detector import evaluate_detectors
from training.evaluate.people_pictures import Question
from training.export import export_onnx, exportable
from training.faults import check_room, checkpoint_bytes
from training.films import Film
from training.footage import DatasetsOption, FilmsOption, Footage, TuneOption
from training.loop import fit
from training.parallel import Parallel, launch
from training.people_losses import Teacher, losses
from training.people_store import FeatureStore, made
from training.people_views import PADDING, Views
from training.run import Run
from training.script import (
    DeviceOption,
    OutOption,
    Part,
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

RECIPE: Final = Path(__file__).parent / "recipes" / "people.yaml"
INPUT: Final = "uint8 RGB 640x384, or any other multiples of 128; what of it a picture leaves free is 127"
SMOKE: Final[dict[str, Any]] = {
    "name": "people-smoke",
    "warm": "efficientdet-lite0",
    "size": (256, 128),
    "use": (256, 128),
    "each": 1,
    "batch": 4,
    "steps": 3,
    "films": [{"name": "smoke", "scenarios": ["single_pick"], "first": 1, "end": 2, "cameras": ["aisle-south"]}],
    "tune": [{"name": "smoke", "scenarios": ["single_pick"], "first": 1, "end": 2, "cameras": ["aisle-south"]}],
}


class ViewShape(Part):
    """See ``training.people_views.Views``."""

    scales: tuple[float, float]
    light: float


class Recipe(ScriptRecipe):
    """What the run learns, and how."""

    SMOKE = SMOKE
    name: str
    seed: int
    warm: str
    size: tuple[int, int]
    use: tuple[int, int]
    views: ViewShape
    each: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)]
    steps: int
    rate: float
    weight_decay: float
    average: float
    clip: float
    empty: Annotated[float, Field(ge=0, le=1)]
    every: Annotated[int, Field(ge=1)]
    films: tuple[Film, ...]
    tune: tuple[Film, ...]


def main(
    out: OutOption,
    data: FilmsOption = None,
    dataset: DatasetsOption = None,
    tune: TuneOption = None,
    recipe: RecipeOption = RECIPE,
    warm: Annotated[
        str | None, typer.Option(help="Begin with this network in place of the recipe's: a name, or an .onnx file.")
    ] = None,
    smoke: SmokeOption = False,
    device: DeviceOption = "cpu",
    processes: ProcessesOption = 1,
) -> None:
    """Train, evaluate, export, register."""
    how = Recipe.read(recipe, smoke)
    if warm is not None:
        how = how.model_copy(update={"warm": warm})
    found = Footage.asked(how.films, how.tune, data, dataset, tune)
    # The views are made before there are several processes, which then share them.
    network = open_people_network(weights_file(how.warm), how.size)
    check_room(out, checkpoint_bytes(network.head))
    store = features(how, found.learn, network, out / "views")
    say(f"{len(store)} views, {sum(int((~each.ignored).sum()) for each in store.people)} people in them")
    launch(partial(train, how, found, out), processes, device)


def train(how: Recipe, data: Footage, out: Path, parallel: Parallel) -> None:
    """One process's part of the training; the first evaluates and registers."""
    network = open_people_network(weights_file(how.warm), how.size)
    store = FeatureStore.open(out / "views")
    teacher = Teacher(anchors(*how.size))
    places = torch.from_numpy(teacher.anchors).to(parallel.device or "cpu")
    share = parallel.share(how.batch)

    def batch_of(step: int) -> Any:
        chosen = np.sort(order(len(store), how.seed, step * share, share))
        maps = torch.from_numpy(store.features[chosen].astype(np.float32))
        return maps.contiguous(memory_format=torch.channels_last), teacher.lesson([store.people[n] for n in chosen])

    def loss_of(head: nn.Module, batch: Any) -> dict[str, Tensor]:
        maps, lesson = batch
        return losses(head(maps), lesson, places)

    head = network.head
    optimizer = torch.optim.AdamW(head.parameters(), how.rate, weight_decay=how.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(warm_then_cosine, steps=how.steps))
    with Run.open(out, how.model_dump(mode="json") | {"learned from": data.said}) as run:
        fit(
            run,
            head,
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
            finish(how, data, network.cpu().eval(), run)


def finish(how: Recipe, data: Footage, network: PeopleNetwork, run: Run) -> None:
    """Evaluate, export, register."""
    pictures = examples(data.tune[0], how.use, 1)
    export_onnx(exportable(network, pictures, OUTPUTS), run.folder / "network.onnx")
    detector = PeopleDetector(run.folder / "network.onnx", size=how.use)
    metrics: dict[str, float] = {}
    for tuning in data.tune:
        (report,) = evaluate_detectors(Question(tuning, every=how.every), {how.name: detector}, told("evaluating"))
        scores = report.matches.scores()
        measures = {"ap": scores.ap, "ap50": scores.ap50, "ar": scores.ar}
        metrics |= {f"{tuning.name}_{name}": round(value, 4) for name, value in measures.items()}
    run.log(how.steps, metrics)
    say(", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
    candidate = submit(
        name=how.name,
        role="people",
        network=network,
        example=pictures,
        input=INPUT,
        output_names=OUTPUTS,
        metrics=metrics,
        recipe=how.model_dump(mode="json"),
        data=data.used,
        card=card(how, data, metrics),
    )
    say(f"registered {candidate.id}")


def examples(dataset: Path, size: tuple[int, int], count: int) -> Tensor:
    """The first pictures of a dataset as the network takes them, uint8 (count, height, width, 3)."""
    samples = zip(range(count), open_dataset(dataset).samples(), strict=False)
    pictures = [fitted(sample.picture.read(), size, padding=PADDING, stretch=STRETCH).image for _, sample in samples]
    return torch.from_numpy(np.stack(pictures))


def features(how: Recipe, learn: Sequence[Path], network: PeopleNetwork, folder: Path) -> FeatureStore:
    """What the trunk makes of the views that are learned from."""
    width, height = how.size
    blank = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    datasets = [open_dataset(path) for path in learn]
    return made(
        folder,
        datasets,
        OpenVinoRuntime(torch_to_openvino(network.trunk, blank), exact=True),
        Views(how.use, **how.views.model_dump()),
        size=how.size,
        each=how.each,
        empty=how.empty,
        seed=how.seed,
        key={
            "data": list(map(str, learn)),
            "pictures": list(map(len, datasets)),
            **how.model_dump(mode="json", include={"seed", "warm", "size", "use", "views", "each", "empty"}),
        },
        progress=told("looking at pictures"),
    )


def card(how: Recipe, data: Footage, metrics: dict[str, float]) -> str:
    """What a stranger must know of a candidate; the shipped file's card says more."""
    learned = "".join(f"- {each.name}: {each.counts.get('pictures', '?')} pictures\n" for each in data.used)
    figures = "".join(f"- {name} {value:.4f}\n" for name, value in metrics.items())
    return f"""# {how.name}

People in pictures of shop cameras: {INPUT}.

Trained {how.steps} steps of {how.batch} views, beginning with {how.warm}, from
{learned}
On pictures that nothing was learned from:
{figures}
Measure it on other data with `aisle evaluate detector DATASET --weights FILE`.
"""


if __name__ == "__main__":
    typer.run(main)
