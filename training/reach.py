"""Trains the reach model: what a hand does at a shelf over some pictures: nothing, take or return.

python -m training.reach --data DIR --out RUN           as shipped
python -m training.reach --smoke --data DIR --out RUN   everything, in seconds

The clips are filmed of the simulated store by cameras that see just the hand (``datasets.simulation.reaching``); no
real hand is in them. Each run of the simulator is filmed once and kept in ``--data``. A training that was stopped goes
on when the same command is given again. At the end the network is evaluated on clips of other shops, people and
products beside a plain rule, its temperature is fitted there, and it is exported and registered as a candidate for the
role ``reach``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from datasets.manifest import NAME as MANIFEST
from datasets.manifest import Manifest, read_manifest, sha256
from datasets.reach_clips import read_clips
from datasets.simulation.filming.recording import LICENCE
from datasets.simulation.reaching.film import Take, takes_of, write_clips
from models.reach import CLASSES
from training.candidate import DataUsed, submit
from training.evaluate.reach import ReachReport
from training.evaluate.reach_looks import look
from training.evaluate.reach_parts import Looked
from training.evaluate.reach_rule import DifferenceRule
from training.loop import fit
from training.parallel import Parallel, launch
from training.reach_batches import Faults, ReachBatches
from training.reach_network import ReachNetwork, fit_calibration
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
from vision.reach_spotter import Classifier

ACCEPTANCE: Final = 9000  # simulator seeds from here on are for acceptance alone
RECIPE: Final = Path(__file__).parent / "recipes" / "reach.yaml"
INPUT: Final = (
    "uint8 (10, 64, 64, 4): ten pictures around a moment, blue, green, red and the wrist's mark (models.reach)"
)
SMOKE: Final[dict[str, Any]] = {
    "name": "reach-smoke",
    "data": {
        "train": [{"families": ["put_back"], "seeds": [160], "views": 1}],
        "tune": [{"families": ["put_back"], "seeds": [161], "views": 1}],
    },
    "network": {"look": 4, "widths": [8, 16, 24]},
    "batch": 8,
    "steps": 4,
}


class Films(Part):
    """Runs to film: every family by every seed; see ``datasets.simulation.reaching.film.Take``."""

    families: tuple[str, ...]
    seeds: tuple[Annotated[int, Field(ge=0, lt=ACCEPTANCE)], ...]
    store: Literal["nano", "shop"] = "nano"
    views: int = 2

    def takes(self) -> list[Take]:
        """The runs, those of one seed together."""
        return takes_of(self.families, self.seeds, self.store, self.views)


class Data(Part):
    """What is learnt from, and what is held out for choosing."""

    train: tuple[Films, ...]
    tune: tuple[Films, ...]


class NetworkShape(Part):
    """See ``training.reach_network.ReachNetwork``."""

    look: int
    widths: tuple[int, int, int]
    drop: float = 0.2


class Recipe(ScriptRecipe):
    """All that decides what a run learns; see ``training.reach_batches`` for the batches."""

    SMOKE = SMOKE
    name: str
    seed: int
    data: Data
    network: NetworkShape
    batch: int
    by_slot: float
    active: float
    backwards: float
    faults: dict[str, Any] = Field(default_factory=dict)
    steps: int
    rate: float
    weight_decay: float
    average: float
    smoothing: float


def main(
    out: OutOption,
    data: Annotated[Path, typer.Option(help="Folder of clips; those that are missing are filmed.")],
    recipe: RecipeOption = RECIPE,
    smoke: SmokeOption = False,
    device: DeviceOption = "cpu",
    processes: ProcessesOption = 1,
) -> None:
    """Train, evaluate, export, register."""
    how = Recipe.read(recipe, smoke)
    for part, films in (("train", how.data.train), ("tune", how.data.tune)):
        made = filmed(data / part, films)
        say(f"{part}: {made.counts['clips']} clips of {made.counts['takes']} runs")
    launch(partial(train, how, out, data), processes, device)


def train(how: Recipe, out: Path, data: Path, parallel: Parallel) -> None:
    """One process's part of the training; the first evaluates and registers."""
    torch.manual_seed(how.seed)
    batches = ReachBatches(
        [(data / "train", read_clips(data / "train"))],
        size=how.batch,
        seed=how.seed,
        by_slot=how.by_slot,
        active=how.active,
        backwards=how.backwards,
        faults=Faults(**how.faults),
    )
    network = ReachNetwork(how.network.look, how.network.widths, how.network.drop)
    network.to(memory_format=torch.channels_last)
    if parallel.leads:
        say(f"{len(batches)} clips to learn from; {sum(v.numel() for v in network.parameters()):,} weights")

    def losses(learner: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        logits = learner.logits(batch["clips"])
        return {"class": functional.cross_entropy(logits, batch["label"], label_smoothing=how.smoothing)}

    optimizer = torch.optim.AdamW(network.parameters(), lr=how.rate, weight_decay=how.weight_decay)
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
            checkpoint_every=100,
            parallel=parallel,
            clip=5.0,
            amp=True,
            seed=how.seed,
        )
        if not parallel.leads:
            return
        judged = Judged(network.cpu().eval())
        calibrate(judged, data / "tune")
        tuned = measures(data / "tune", judged)
        rule = DifferenceRule.of_folder(data / "train", size=how.batch)
        plain = measures(data / "tune", rule)
        run.log(how.steps, tuned)
    say(f"network on tune: {listed(tuned)}")
    say(f"plain rule on tune: {listed(plain)}")
    candidate = submit(
        name=how.name,
        role="reach",
        network=network,
        example=judged.example(data / "tune"),
        input=INPUT,
        output_names=("log_probabilities",),
        metrics=tuned,
        recipe=how.model_dump(mode="json"),
        data=[used(data / "train", how.data.train)],
        card=card(how, len(batches), tuned, plain),
        dynamic={"clips": {0: "hands"}},
    )
    say(f"registered {candidate.id}")


def filmed(folder: Path, films: tuple[Films, ...]) -> Manifest:
    """The clips of ``films`` in ``folder``, filmed where they are not there yet."""
    last = ""

    def tell(name: str, done: int, total: int) -> None:
        nonlocal last
        if name != last:
            say(f"filming {name}: {total} moments")
            last = name

    return write_clips(folder, [take for each in films for take in each.takes()], tell)


class Judged:
    """The network as the evaluations want it."""

    def __init__(self, network: ReachNetwork) -> None:
        self.network = network

    @torch.inference_mode()
    def classify(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Log-probabilities (n, 3)."""
        return np.asarray(self.network(torch.from_numpy(clips)).numpy(), np.float32)

    @torch.inference_mode()
    def logits(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's numbers before they are calibrated."""
        return np.asarray(self.network.logits(torch.from_numpy(clips)).numpy(), np.float32)

    def example(self, folder: Path, most: int = 16) -> Tensor:
        """Real inputs: windows of different clips."""
        batches = ReachBatches([(folder, read_clips(folder))], size=most, seed=0)
        return batches(0)["clips"]


class _Raw:
    """The network without its calibration."""

    def __init__(self, judged: Judged) -> None:
        self.classify = judged.logits


def calibrate(judged: Judged, folder: Path) -> None:
    """Fit temperature and prior on the windows of ``folder``, by wrist and by slot."""
    looks = Looked.of([part for by_slot in (False, True) for part in look(folder, _Raw(judged), by_slot=by_slot)])
    logits, label = torch.from_numpy(looks.log_p.astype(np.float32)), torch.from_numpy(looks.label)
    temperature, prior = fit_calibration(logits, label)
    judged.network.temperature.copy_(temperature)
    judged.network.prior.copy_(prior)


def measures(folder: Path, model: Classifier) -> dict[str, float]:
    """Events at +-0.5 s and log loss and calibration error of windows by wrist; log loss of windows by slot."""
    report = ReachReport(tuple(look(folder, model)))
    looked, scores = report.looked(), report.events
    return {
        "tune_event_f1": scores.f1,
        "tune_event_precision": scores.precision,
        "tune_event_recall": scores.recall,
        "tune_log_loss": looked.log_loss(),
        "tune_ece": report.reliability()[0].ece,
        "tune_slot_log_loss": Looked.of(tuple(look(folder, model, by_slot=True))).log_loss(),
    }


def used(folder: Path, films: tuple[Films, ...]) -> DataUsed:
    """The clips as a candidate's facts name them."""
    manifest = read_manifest(folder)
    seeds = sorted({seed for each in films for seed in each.seeds})
    return DataUsed("reach clips, simulated", sha256(folder / MANIFEST), LICENCE, manifest.counts, seeds)


def card(how: Recipe, clips: int, tuned: dict[str, float], plain: dict[str, float]) -> str:
    """What a stranger must know of a candidate; the shipped file's card says more."""
    seeds = " ".join(str(seed) for each in how.data.train for seed in each.seeds)
    held = " ".join(str(seed) for each in how.data.tune for seed in each.seeds)
    return f"""# {how.name}

Reach model: {INPUT}, to the logarithms of the probabilities of {", ".join(CLASSES)}.

Trained on {clips} simulated clips of 4.6 s (seeds {seeds}), {how.steps} steps of {how.batch} windows. On clips of other
shops, people and products (simulated, seeds {held}, which the calibration was fitted on): {listed(tuned)}. A plain rule
on the slot before and after, there: {listed(plain)}.

Measure it on other data with `aisle evaluate reach DATASET --weights FILE`.
"""


def listed(measured: dict[str, float]) -> str:
    """Numbers with their names, in a line."""
    return ", ".join(f"{name} {value:.4f}" for name, value in measured.items())


if __name__ == "__main__":
    typer.run(main)
