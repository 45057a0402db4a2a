"""Trains the person embedder: cut-outs of people to vectors that are alike for one visitor, whatever the camera.

python -m training.person_embedder --data DIR --out RUN           as shipped; minutes, after the filming
python -m training.person_embedder --smoke --data DIR --out RUN   everything, in seconds

The pictures are line-ups of the simulated store (``datasets.simulation.lineup``): bodies in ever new clothes, filmed
from all sides at once. No real person is in them. Each line-up is made once and kept in ``--data``. A run that was
stopped goes on when the same command is given again. At the end the network is evaluated on line-ups of other shops,
bodies and clothes, calibrated on them, exported and registered as a candidate for the role ``persons``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from datasets.manifest import NAME as MANIFEST
from datasets.manifest import sha256
from datasets.simulation.filming.recording import LICENCE
from datasets.simulation.lineup import Crops, LineUp, folder_of, written
from models.persons import pictures_of
from models.registry import fetch
from models.runtimes import OpenVinoRuntime, torch_to_openvino
from training.candidate import DataUsed, submit
from training.evaluate.person_pictures import gather
from training.evaluate.persons import OURS, VISIBLE, likenesses, search
from training.evaluate.reidentification import auroc, fit_logistic, pairs, rank
from training.loop import fit
from training.parallel import Parallel, launch
from training.person_batches import PersonBatches, Variation, plain
from training.person_card import card
from training.person_losses import CosineNames, supervised_contrast
from training.person_network import SIZE, PersonNetwork, halves, kept_on_cpu
from training.run import Run
from training.script import (
    DeviceOption,
    OutOption,
    Part,
    ProcessesOption,
    RecipeOption,
    ScriptRecipe,
    SmokeOption,
    cosine_after_rise,
    say,
)

ACCEPTANCE: Final = 9000  # simulator seeds from here on are for acceptance alone
RECIPE: Final = Path(__file__).parent / "recipes" / "persons.yaml"
INPUT: Final = f"uint8 RGB {SIZE[0]}x{SIZE[1]}, what is seen of one person, stretched"
# One small line-up, for learning and for measuring: what it finds means nothing, but every step is gone through.
SMOKE: Final[dict[str, Any]] = {
    "name": "persons-smoke",
    "line_ups": {"seeds": [660], "tune_seeds": [660], "costumes": 2, "tune_costumes": 2, "bodies": 3, "cameras": 2,
                 "moments": 2, "size": (320, 180)},
    "batch": {"acts": 1, "people": 3, "views": 2, "variants": 1},
    "steps": 4,
}  # fmt: skip


class LineUps(Part):
    """What is filmed; see ``datasets.simulation.lineup.LineUp``."""

    seeds: tuple[Annotated[int, Field(ge=0, lt=ACCEPTANCE)], ...]
    tune_seeds: tuple[Annotated[int, Field(ge=0, lt=ACCEPTANCE)], ...]
    costumes: int
    tune_costumes: int
    bodies: int
    cameras: int
    moments: int
    size: tuple[int, int] = (640, 360)


class NetworkShape(Part):
    """See ``training.person_network``: EfficientNet-Lite0 is kept before its convolution ``kept``, trained from there,
    and cut before ``cut``.
    """

    kept: int
    cut: int
    dims: int
    stripes: int
    stripe_dims: int


class Batch(Part):
    """See ``training.person_batches.PersonBatches``."""

    acts: int
    people: int
    views: int
    variants: int


class Recipe(ScriptRecipe):
    """All that decides what a run learns."""

    SMOKE = SMOKE
    name: str
    seed: int
    line_ups: LineUps
    network: NetworkShape
    batch: Batch
    variation: dict[str, float] = Field(default_factory=dict)
    steps: int
    rate: float
    backbone_rate: float
    weight_decay: float
    average: float
    scale: float
    margin: float
    temperature: float


def main(
    out: OutOption,
    data: Annotated[Path, typer.Option(help="Folder of line-ups; those that are missing are made.")],
    recipe: RecipeOption = RECIPE,
    tune: Annotated[
        Path | None,
        typer.Option(help="A dataset of `aisle simulate` to measure and calibrate on, in place of line-ups."),
    ] = None,
    smoke: SmokeOption = False,
    device: DeviceOption = "cpu",
    processes: ProcessesOption = 1,
) -> None:
    """Train, evaluate, export, register."""
    how = Recipe.read(recipe, smoke)
    films = [*how.line_ups.seeds, *(how.line_ups.tune_seeds if tune is None else ())]
    taken(data, how.line_ups, films)
    launch(partial(train, how, out, data, tune), processes, device)


def train(how: Recipe, out: Path, data: Path, tune: Path | None, parallel: Parallel) -> None:
    """One process's part of the training; the first evaluates and registers."""
    torch.manual_seed(how.seed)
    network = person_network(how.network).to(parallel.device or "cpu")
    learnt = {seed: line_up(data, how.line_ups, seed) for seed in how.line_ups.seeds}
    batches = PersonBatches(
        list(learnt.values()),
        how.line_ups.bodies,
        kept_part(network, how.network, parallel.device or "cpu"),
        **how.batch.model_dump(),
        variation=Variation(**how.variation),
        seed=how.seed,
        progress=Counted("pictures through the kept part"),
    )
    learner = nn.ModuleDict(
        {"network": network, "names": CosineNames(how.network.dims, batches.people, how.scale, how.margin)}
    )
    if parallel.leads:
        trained = sum(value.numel() for value in network.parameters() if value.requires_grad)
        say(f"{batches.people} people to learn from; {trained:,} weights are trained")

    def losses(learner: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        vectors = learner["network"].vectors(batch["maps"])
        return {
            "names": learner["names"](vectors, batch["person"]),
            "contrast": supervised_contrast(vectors, batch["person"], how.temperature),
        }

    slow = list(network.second.parameters())
    backbone = {id(value) for value in [*network.first.parameters(), *slow]}
    fast = [value for value in learner.parameters() if id(value) not in backbone]
    optimizer = torch.optim.AdamW(
        [{"params": fast, "lr": how.rate}, {"params": slow, "lr": how.rate * how.backbone_rate}],
        weight_decay=how.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(cosine_after_rise, steps=how.steps))
    with Run.open(out, how.model_dump(mode="json")) as run:
        fit(
            run,
            learner,
            losses,
            batches,
            steps=how.steps,
            optimizer=optimizer,
            schedule=schedule,
            average=how.average,
            parallel=parallel,
            clip=5.0,
            amp=True,
            seed=how.seed,
        )
        if not parallel.leads:
            return
        if tune is None:
            tuning = [line_up(data, how.line_ups, seed) for seed in how.line_ups.tune_seeds]
            metrics = evaluate(network.cpu(), tuning, how.line_ups.bodies)
        else:
            metrics = evaluate_on(network.cpu(), tune)
        run.log(how.steps, metrics)
    say(", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
    candidate = submit(
        name=how.name,
        role="persons",
        network=network,
        example=plain(next(iter(learnt.values())).image[:16]),
        input=INPUT,
        output_names=("vectors", "calibration"),
        metrics=metrics,
        recipe=how.model_dump(mode="json"),
        data=[used(data, seed, crops) for seed, crops in learnt.items()],
        card=card(
            name=how.name,
            input=INPUT,
            dims=how.network.dims,
            kept=how.network.kept,
            cut=how.network.cut,
            steps=how.steps,
            seeds=how.line_ups.seeds,
            people=batches.people,
            pictures=sum(map(len, learnt.values())),
            tuned=f"line-ups of seeds {' '.join(map(str, how.line_ups.tune_seeds))}" if tune is None else tune.name,
            tune_option="" if tune is None else f" --tune {tune.name}",
            metrics=metrics,
        ),
        dynamic={"pictures": {0: "people"}},
    )
    say(f"registered {candidate.id}")


def taken(data: Path, shape: LineUps, seeds: Sequence[int]) -> None:
    """Makes the line-ups that are missing."""
    for number, seed in enumerate(seeds, 1):
        crops = line_up(data, shape, seed)
        say(f"line-up {number} of {len(seeds)}: seed {seed}, {len(crops)} cut-outs, {people_in(crops)} people")


def line_up(data: Path, shape: LineUps, seed: int) -> Crops:
    """The line-up of ``seed``, made where it is not yet in ``data``."""
    costumes = shape.tune_costumes if seed in shape.tune_seeds else shape.costumes
    plan = LineUp(
        plan="shop" if seed % 2 else "nano",
        bodies=shape.bodies,
        costumes=costumes,
        cameras=shape.cameras,
        moments=shape.moments,
        size=shape.size,
    )
    return written(data, seed, plan)


def people_in(crops: Crops) -> int:
    """How many bodies in costumes are seen."""
    return len(np.unique(crops.person))


def person_network(shape: NetworkShape) -> PersonNetwork:
    """The network, with the weights of EfficientNet-Lite0 but for the head."""
    first, second = halves(fetch("efficientnet-lite0"), shape.kept, shape.cut)
    return PersonNetwork(first, second, shape.dims, shape.stripes, shape.stripe_dims)


def kept_part(network: PersonNetwork, shape: NetworkShape, device: str) -> Callable[[Tensor], Tensor]:
    """What makes maps of pictures, the fastest way there is."""
    if device == "cpu":
        return kept_on_cpu(fetch("efficientnet-lite0"), shape.kept)
    return lambda pictures: network.maps(pictures.to(device)).cpu()


@torch.inference_mode()
def vectors_of(network: PersonNetwork, crops: Crops, rows: np.ndarray, at_once: int = 64) -> np.ndarray:
    """Unit vectors float64 (k, dims) of the cut-outs ``rows`` (k,)."""
    network.eval()
    parts = [rows[start : start + at_once] for start in range(0, len(rows), at_once)]
    return np.concatenate([network(plain(crops.image[part]))[0].double().numpy() for part in parts])


def evaluate(
    network: PersonNetwork, line_ups: Sequence[Crops], bodies: int, least_share: float = 0.5
) -> dict[str, float]:
    """Measures on line-ups that nothing was learnt from; sets the network's calibration by them.

    Every cut-out of ``least_share`` or more of a body searches all those that the other cameras made of the same act:
    of ``bodies`` people, of whom some share cloth.
    """
    first, precision, one, two = [], [], [], []
    for crops in line_ups:
        rows = np.flatnonzero(crops.share >= least_share)
        vectors = vectors_of(network, crops, rows)
        person, camera, act = crops.person[rows], crops.camera[rows], crops.person[rows] // bodies
        searched = (camera[:, None] != camera[None]) & (act[:, None] == act[None])
        found = rank(vectors @ vectors.T, person[:, None] == person[None], searched)
        first.append(found.first[found.found])
        precision.append(found.precision[found.found])
        of_one, of_two = pairs(vectors, person, camera, act)
        one.append(of_one)
        two.append(of_two)
    positive, negative = np.concatenate(one), np.concatenate(two)
    network.calibration.copy_(torch.tensor(fit_logistic(positive, negative)))
    return {
        "tune_rank1": float(np.concatenate(first).mean()),
        "tune_map": float(np.concatenate(precision).mean()),
        "tune_auroc": auroc(positive, negative),
    }


class AsEmbedder:
    """A network that still is torch's, where an embedder is asked for."""

    def __init__(self, network: PersonNetwork) -> None:
        blank = torch.zeros((1, SIZE[1], SIZE[0], 3), dtype=torch.uint8)
        self._runtime = OpenVinoRuntime(torch_to_openvino(network, blank), threads=torch.get_num_threads())

    def embed(self, image: NDArray[np.uint8], xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``models.persons.PersonEmbedder.embed``."""
        return self._runtime.run(pictures_of(image, xyxy, SIZE))[0]


def evaluate_on(network: PersonNetwork, tune: Path) -> dict[str, float]:
    """The measures of ``aisle evaluate persons`` on a simulated dataset; sets the network's calibration by them."""
    runs = [run[run.visible >= VISIBLE] for run in gather(tune, {OURS: AsEmbedder(network)})]
    of_one, of_two = likenesses(runs, OURS)
    network.calibration.copy_(torch.tensor(fit_logistic(of_one, of_two)))
    found = {**search(runs, OURS).means(), "auroc": auroc(of_one, of_two)}
    return {f"tune_{name}": value for name, value in found.items()}


def used(data: Path, seed: int, crops: Crops) -> DataUsed:
    """A line-up as a candidate's facts name it."""
    counts = {"cut-outs": len(crops), "people": people_in(crops)}
    return DataUsed(f"line-up {seed}", sha256(folder_of(data, seed) / MANIFEST), LICENCE, counts, [seed])


class Counted:
    """Says every some seconds how far something is."""

    def __init__(self, what: str, every_s: float = 10.0) -> None:
        self._what, self._every_s, self._told = what, every_s, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """``done`` of ``total``."""
        if done == total or time.monotonic() - self._told > self._every_s:
            self._told = time.monotonic()
            say(f"{self._what}: {done:,} of {total:,}")


if __name__ == "__main__":
    typer.run(main)
