"""Trains the product embedder: a few pixels of a package and its catalogue photo to vectors that are alike.

python -m training.product_embedder --data DIR --out RUN           as shipped, about 6 minutes of one core
python -m training.product_embedder --smoke --data DIR --out RUN   everything, in seconds

The crops are cut out of films of the simulated store: packages on shelves and in hands. Each film is made once and kept
in ``--data``. Every crop is to find the catalogue photo of its product among those of the products that stand beside
it. A run that was stopped goes on when the same command is given again. At the end the network is evaluated on the
goods of other seeds, exported and registered as a candidate for the role ``products``.
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
from torch import Tensor
from torch.nn import functional

from datasets.manifest import sha256
from datasets.simulation.filming.recipes import Filming
from datasets.simulation.filming.recipes import Recipe as FilmRecipe
from datasets.simulation.filming.recording import LICENCE
from models.products.pictures import squared, trimmed
from models.registry import fetch
from store.plan import example_plan
from training import package_sets
from training.candidate import DataUsed, submit
from training.loop import fit
from training.package_sets import VIEWS, PackageSet
from training.parallel import Parallel, launch
from training.product_batches import ProductBatches, Variation
from training.product_network import ProductNetwork, body_of
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
RECIPE: Final = Path(__file__).parent / "recipes" / "products.yaml"
INPUT: Final = "uint8 RGB {size}x{size}, one package, its longer side filling the square, grey beside it"
FAMILIES: Final = (
    "multi_pick", "two_hands", "lookalikes", "exchange", "hold_then_take", "rapid_many", "put_back", "crossing_arms",
)  # fmt: skip
SMOKE: Final[dict[str, Any]] = {
    "name": "products-smoke",
    "films": {"seeds": [670], "tune_seeds": [670], "size": (640, 360), "cameras": 1, "held": 1, "tune_cameras": 1,
              "tune_held": 1},
    "batch": {"places": 1, "near": 6},
    "steps": 3,
}  # fmt: skip
Seed = Annotated[int, Field(ge=0, lt=ACCEPTANCE)]


class Films(Part):
    """What is filmed; see ``training.package_crops.film_crops``."""

    seeds: tuple[Seed, ...]
    tune_seeds: tuple[Seed, ...]
    size: tuple[int, int]
    cameras: int
    held: int
    tune_cameras: int
    tune_held: int


class NetworkShape(Part):
    """See ``training.product_network``."""

    size: int
    cut: int
    frozen: int
    dims: int


class Batch(Part):
    """See ``training.product_batches.ProductBatches``."""

    places: int
    near: int


class Recipe(ScriptRecipe):
    """All that decides what a run learns."""

    SMOKE = SMOKE
    name: str
    seed: int
    films: Films
    network: NetworkShape
    batch: Batch
    variation: dict[str, float] = Field(default_factory=dict)
    steps: int
    rate: float
    body_rate: float
    weight_decay: float
    average: float
    temperature: float


def main(
    out: OutOption,
    data: Annotated[Path, typer.Option(help="Folder of films' crops; those that are missing are made.")],
    recipe: RecipeOption = RECIPE,
    smoke: SmokeOption = False,
    device: DeviceOption = "cpu",
    processes: ProcessesOption = 1,
) -> None:
    """Train, evaluate, export, register."""
    how = Recipe.read(recipe, smoke)
    films = [*how.films.seeds, *how.films.tune_seeds]
    for number, seed in enumerate(films, 1):
        shop = filmed(data, how.films, seed)
        say(f"film {number} of {len(films)}: seed {seed}, {len(shop)} crops, {int(shop.held.sum())} of them in hands")
    launch(partial(train, how, out, data), processes, device)


def train(how: Recipe, out: Path, data: Path, parallel: Parallel) -> None:
    """One process's part of the training; the first evaluates and registers."""
    torch.manual_seed(how.seed)
    shops = {seed: filmed(data, how.films, seed) for seed in how.films.seeds}
    batches = ProductBatches(
        list(shops.values()),
        **how.batch.model_dump(),
        size=how.network.size,
        variation=Variation(**how.variation),
        seed=how.seed,
    )
    network = product_network(how.network)
    if parallel.leads:
        trained = sum(value.numel() for value in network.parameters() if value.requires_grad)
        say(f"{sum(map(len, shops.values()))} crops to learn from; {trained:,} weights are trained")

    def losses(network: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        count = len(batch["crops"])
        vectors = network(torch.cat([batch["crops"], batch["photos"]]))
        return {"find": finding(vectors[:count], vectors[count:], batch["product"], batch["look"], how.temperature)}

    slow = [value for value in network.body.parameters() if value.requires_grad]
    fast = [value for name, value in network.named_parameters() if not name.startswith("body.")]
    optimizer = torch.optim.AdamW(
        [{"params": fast, "lr": how.rate}, {"params": slow, "lr": how.rate * how.body_rate}],
        weight_decay=how.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(cosine_after_rise, steps=how.steps))
    with Run.open(out, how.model_dump(mode="json")) as run:
        fit(
            run,
            network,
            losses,
            batches,
            steps=how.steps,
            optimizer=optimizer,
            schedule=schedule,
            average=how.average,
            checkpoint_every=60,
            parallel=parallel,
            clip=5.0,
            amp=True,
            seed=how.seed,
        )
        if not parallel.leads:
            return
        tuning = [filmed(data, how.films, seed) for seed in how.films.tune_seeds]
        metrics = evaluate(network.cpu().eval(), tuning)
        run.log(how.steps, metrics)
    say(", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
    example = [squared(tuning[0].cut(row), how.network.size) for row in range(min(len(tuning[0]), 16))]
    candidate = submit(
        name=how.name,
        role="products",
        network=network,
        example=torch.from_numpy(np.stack(example)),
        input=INPUT.format(size=how.network.size),
        output_names=("vectors",),
        metrics=metrics,
        recipe=how.model_dump(mode="json"),
        data=[used(data, how.films, seed, shop) for seed, shop in shops.items()],
        card=card(how, sum(map(len, shops.values())), metrics),
        dynamic={"pictures": {0: "packages"}},
    )
    say(f"registered {candidate.id}")


def finding(crops: Tensor, photos: Tensor, product: Tensor, look: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of each crop (n, d) finding its product's photo (n, d) among the batch's, and the other way round.

    Photos of products that differ from a crop's in size alone, and second photos of the product, do not count against
    it (Radford et al., Learning Transferable Visual Models, 2021, for the loss).
    """
    alike = crops @ photos.T / temperature
    same = look[:, None] == look[None]
    own = torch.eye(len(alike), dtype=torch.bool, device=alike.device)
    alike = alike.masked_fill((same | (product[:, None] == product[None])) & ~own, -1e4)
    target = torch.arange(len(alike), device=alike.device)
    return (functional.cross_entropy(alike, target) + functional.cross_entropy(alike.T, target)) / 2


def filmed(data: Path, films: Films, seed: int) -> PackageSet:
    """The crops of ``seed``, made where they are not yet in ``data``."""
    path = film_path(data, films, seed)
    if path.exists():
        return PackageSet.load(path)
    recipe = FilmRecipe(FAMILIES[seed % len(FAMILIES)], seed, example_plan("nano"), Filming(size=films.size), vary=True)
    tuning = seed in films.tune_seeds
    cameras, held = (films.tune_cameras, films.tune_held) if tuning else (films.cameras, films.held)
    return package_sets.filmed(recipe, path, cameras=cameras, held=held)


def film_path(data: Path, films: Films, seed: int) -> Path:
    """Where a film's crops are kept."""
    return data / f"crops-{seed:04d}-{films.size[0]}x{films.size[1]}.npz"


def product_network(shape: NetworkShape) -> ProductNetwork:
    """The network, its body with the weights of EfficientNet-Lite0."""
    return ProductNetwork(body_of(fetch("efficientnet-lite0"), shape.cut, shape.frozen), shape.size, shape.dims)


@torch.inference_mode()
def evaluate(network: ProductNetwork, shops: Sequence[PackageSet]) -> dict[str, float]:
    """How often a crop's nearest photo among its slot neighbours' is its product's, or one of the same look."""
    right, alike, large = [], [], []
    for shop in shops:
        photos = [
            squared(trimmed(shop.photo(p, v)), network.size) for p in range(len(shop.gtins)) for v in range(len(VIEWS))
        ]
        known = vectors_of(network, photos).reshape(len(shop.gtins), len(VIEWS), -1)
        crops = vectors_of(network, [squared(shop.cut(row), network.size) for row in range(len(shop))])
        for row, vector in enumerate(crops):
            near = shop.neighbours[shop.product[row]]
            near = near[near >= 0]
            found = int(near[(known[near] @ vector).max(axis=1).argmax()])
            right.append(found == shop.product[row])
            alike.append(shop.look[found] == shop.look[shop.product[row]])
            large.append(shop.size_px[row] >= 40)
    kept = np.array(large) if any(large) else np.ones(len(large), np.bool_)
    return {
        "tune_top1": float(np.mean(right)),
        "tune_look": float(np.mean(alike)),
        "tune_look_40px": float(np.mean(np.array(alike)[kept])),
    }


@torch.inference_mode()
def vectors_of(network: ProductNetwork, pictures: Sequence[np.ndarray], at_once: int = 64) -> np.ndarray:
    """Unit vectors float32 (n, dims) of square RGB pictures."""
    network.eval()
    parts = [np.stack(pictures[start : start + at_once]) for start in range(0, len(pictures), at_once)]
    return np.concatenate([network(torch.from_numpy(part)).numpy() for part in parts])


def used(data: Path, films: Films, seed: int, shop: PackageSet) -> DataUsed:
    """A film as a candidate's facts name it."""
    counts = {"crops": len(shop), "products": len(shop.gtins)}
    return DataUsed(f"packages {seed}", sha256(film_path(data, films, seed)), LICENCE, counts, [seed])


def card(how: Recipe, crops: int, metrics: dict[str, float]) -> str:
    """What a stranger must know of a candidate; the shipped file's card says more."""
    seeds, others = (" ".join(map(str, each)) for each in (how.films.seeds, how.films.tune_seeds))
    return f"""# {how.name}

## What for

To find the product that a small picture shows, a few dozen pixels of a shelf or a hand, among a handful of candidates,
by their catalogue photos. One of several kinds of evidence that `models.products` weighs together.

## Input and output

{INPUT.format(size=how.network.size)}; any number of them. Out come vectors of length 1 ({how.network.dims} numbers)
that are alike for pictures of one product.

## Trained on

{crops} crops of {len(how.films.seeds)} simulated shops (seeds {seeds}; varied nano stores, generated goods),
{how.steps} steps of {how.batch.places} neighbourhoods. No real picture. Starts from Google's EfficientNet-Lite0
(ImageNet, Apache-2.0).

## Figures

Simulated, on the goods of other shops (seeds {others}), among the products of the neighbouring slots, by this network
alone: {", ".join(f"{name} {value:.3f}" for name, value in metrics.items())}. `look` counts products that differ in size
alone as one, `40px` are crops of 40 pixels and more. `aisle evaluate products DATA --weights FILE` prints the figures
of the whole recognition.

## Where it fails

Products of one family that differ in size alone; packages of which a lid or a side is seen that no photo shows; crops
of less than 20 pixels; real photos, which it has never seen: there its part is small.

## Reproduce

`python -m training.product_embedder --data DIR --out RUN`, with the recipe in `training/recipes/products.yaml`.
"""


if __name__ == "__main__":
    typer.run(main)
