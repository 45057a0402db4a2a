"""How well products are recognised, and unknown ones refused.

The protocol. Of a folder of photos: products are enrolled from their catalogue photo, from the photos of the split
"train", or both, and the photos of another split are recognised among all products. Of a simulated dataset: products
are enrolled from two catalogue photos each, and packages cut out of the pictures, on shelves and in hands, are
recognised among the products whose slots are near (``slot_neighbours``), with what the calibrated camera says of their
size: the box around a package as a detector might find it, and how it stands, on a shelf, but not in a hand.

- ``top1``, ``top5``: the share of pictures whose product is the likeliest candidate, or among the five likeliest.
- ``event_top1``, ``event_look``: of events instead of pictures, where it is known which pictures show the same: a
  package in a hand, some times and by all cameras, or a row of a shelf at one time by all cameras.
- ``look``: the same as ``top1``, where products that differ in size alone count as one.
- ``auroc``: the chance that a picture of an enrolled product has a higher known-ness than one of a product that is not
  (ties count half); the area under the curve of true against false acceptance. Photos: ``DRAWS`` fixed draws leave
  ``LEFT_OUT`` of the products out, the mean over the draws. Simulated: the same crops with their product taken from the
  candidates.
- ``fpr95``: the share of unknown pictures that are accepted where 95 % of the known ones are.
- ``cpu_ms``: processor time of a picture's recognition, all cores together, without the reading of its file.
- ``ece``: sum over bins of the share of pictures times |mean probability - share right| (``reliability``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.products.embedder import ProductEmbedder
from models.products.enrolment import Enrolment, Recognition, enrol
from training.evaluate.bootstrap import Comparison, compare_means
from training.evaluate.gallery import Mistake, Section, Shown, Worst, write_gallery
from training.evaluate.product_data import Enrol, Trial, is_simulated, left_out, photo_trial, simulated_trials
from training.evaluate.reidentification import auroc
from training.evaluate.reliability import Reliability, reliability

if TYPE_CHECKING:
    from rich.table import Table

    from models.products.evidence import Described

Float = NDArray[np.float64]
Progress = Callable[[int, int], None]

DRAWS: Final = 5
LEFT_OUT: Final = 0.25
_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Of n pictures: whether right, right among five, right but for the size, and the probability of the best.

    ``known`` (m,) are the known-ness of pictures of enrolled products and ``unknown`` (u,) of products that are not,
    each with the draw of the products left out. ``event`` and ``event_look`` (e,) are right and look of events,
    ``event_held`` whether they are of hands. ``cpu_ms`` (n,) is what each picture's recognition took of all cores.
    """

    right: NDArray[np.bool_]
    right5: NDArray[np.bool_]
    look: NDArray[np.bool_]
    probability: Float
    known: Float
    unknown: Float
    known_draw: NDArray[np.int64]
    unknown_draw: NDArray[np.int64]
    event: NDArray[np.bool_]
    event_look: NDArray[np.bool_]
    event_held: NDArray[np.bool_]
    cpu_ms: Float


@dataclass(frozen=True, slots=True)
class ProductReport:
    """The scores of ``data``; ``slices`` hold (pictures, top1, look) by axis and part."""

    data: str
    pictures: int
    products: int
    scores: dict[str, float]
    reliability: Reliability
    slices: dict[str, dict[str, tuple[int, float, float]]]
    against: Comparison | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """One JSON object."""
        slices = {
            axis: {part: {"pictures": n, "top1": round(a, 4), "look": round(b, 4)} for part, (n, a, b) in parts.items()}
            for axis, parts in self.slices.items()
        }
        document: dict[str, Any] = {
            "data": self.data,
            "pictures": self.pictures,
            "products": self.products,
            **{name: round(value, 4) for name, value in self.scores.items()},
            "reliability": self.reliability.as_dict(),
            "slices": slices,
            **self.notes,
        }
        if self.against is not None:
            document["against"] = self.against.as_dict()
        return json.dumps(document, indent=2)

    def as_table(self) -> Table:
        """A table for people: all, then each slice."""
        from rich import box
        from rich.table import Table

        said = ", ".join(f"{name} {value:.3f}" for name, value in self.scores.items())
        title = f"{self.data}: {self.pictures} pictures, {self.products} products\n{said}"
        if self.against is not None:
            title += f"\nagainst: top1 {self.against}"
        table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
        for heading in ("slice", "pictures", "top1", "look"):
            table.add_column(heading, justify="left" if heading == "slice" else "right", no_wrap=True)
        for axis, parts in self.slices.items():
            for part, (count, right, look) in parts.items():
                table.add_row(f"{axis}: {part}", str(count), f"{right:.3f}", f"{look:.3f}")
        return table


def evaluate_products(
    data: Path, embedder: ProductEmbedder, *, enrolled: Enrol = "catalogue", split: str = "val", sizes: bool = True,
    against: ProductEmbedder | None = None, page: Path | None = None, progress: Progress = lambda done, total: None,
) -> ProductReport:  # fmt: skip
    """Score recognition on a folder of photos or a simulated dataset.

    ``sizes`` False withholds what a metre measures in each picture. ``page`` is where to write the worst mistakes.
    Raises ``DatasetFileError``, ``PictureError`` and what playing a simulation raises.
    """
    trials = simulated_trials(data) if is_simulated(data) else [photo_trial(data, enrolled, split)]
    return score_trials(data.name, trials, embedder, sizes=sizes, against=against, page=page, progress=progress)


def score_trials(
    name: str, trials: Sequence[Trial], embedder: ProductEmbedder, *, sizes: bool = True,
    against: ProductEmbedder | None = None, page: Path | None = None, progress: Progress = lambda done, total: None,
) -> ProductReport:  # fmt: skip
    """As ``evaluate_products`` for trials that are made."""
    worst = Worst()
    total = sum(len(trial.truth) for trial in trials) * (2 if against else 1)
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    answers = _joined([answer(trial, embedder, sizes=sizes, worst=worst, step=step) for trial in trials])
    comparison = None
    if against is not None:
        others = _joined([answer(trial, against, sizes=sizes, step=step) for trial in trials])
        groups = [group for trial in trials for group in trial.groups]
        comparison = compare_means(groups, answers.right.astype(float), others.right.astype(float))
    told = reliability(answers.probability, answers.right)
    scores = {
        "top1": float(answers.right.mean()),
        "top5": float(answers.right5.mean()),
        "look": float(answers.look.mean()),
        "auroc": _over_draws(auroc, answers),
        "fpr95": _over_draws(fpr95, answers),
        "ece": told.ece,
        "cpu_ms": float(answers.cpu_ms.mean()),
    }
    if len(answers.event):
        scores |= {"event_top1": float(answers.event.mean()), "event_look": float(answers.event_look.mean())}
    slices = _slices(trials, answers)
    if len(answers.event):
        slices["event"] = {
            name: (int(mask.sum()), float(answers.event[mask].mean()), float(answers.event_look[mask].mean()))
            for name, mask in (("hand", answers.event_held), ("shelf", ~answers.event_held))
            if mask.any()
        }
    report = ProductReport(
        name,
        len(answers.right),
        sum(len(trial.enrolled) for trial in trials),
        scores,
        told,
        slices,
        comparison,
    )
    if page is not None:
        text = f"{report.pictures} pictures of {report.products} products, {worst.count} of them recognised wrongly."
        section = Section("Taken for another", "The picture, then what it was taken for.", worst.mistakes, worst.count)
        write_gallery(page, f"Products: {name}", text, [section], figures={k: f"{v:.3f}" for k, v in scores.items()})
    return report


def answer(
    trial: Trial, embedder: ProductEmbedder, *, sizes: bool = True, worst: Worst | None = None,
    step: Callable[[int], None] = lambda count: None,
) -> Answers:  # fmt: skip
    """Recognise the pictures of one trial."""
    shop = enrol(trial.enrolled, embedder, size_m=trial.size_m)
    smaller = [] if trial.candidates else [shop.only(left_out(shop.gtins, d, LEFT_OUT)) for d in range(DRAWS)]
    rows: list[tuple[bool, bool, bool, float]] = []
    events: dict[str, list[tuple[int, Recognition]]] = {}
    cpu_ms: list[float] = []
    known: list[tuple[float, int]] = []
    unknown: list[tuple[float, int]] = []
    for start in range(0, len(trial.truth), _AT_ONCE):
        span = range(start, min(start + _AT_ONCE, len(trial.truth)))
        images = [trial.queries[row]() for row in span]
        begun = process_time()
        seen = shop.describe(images)
        describing = process_time() - begun
        for place, row in enumerate(span):
            truth, one = trial.truth[row], _one(seen, place)
            measured = None if trial.measured is None or not sizes else [trial.measured[row]]
            candidates = None if trial.candidates is None else trial.candidates[row]
            begun = process_time()
            found = shop.recognise_described(one, candidates, measured=measured)
            cpu_ms.append(1000 * (process_time() - begun + describing / len(span)))
            rows.append(_judged(found, truth, trial.alike))
            if trial.events is not None:
                events.setdefault(trial.events[row], []).append((row, found))
            if candidates is not None:
                known.append((float(found.known[0]), 0))
                others = [gtin for gtin in candidates if gtin != truth]
                if others:
                    without = shop.recognise_described(one, others, measured=measured)
                    unknown.append((float(without.known[0]), 0))
            for draw, fewer in enumerate(smaller):
                score = float(fewer.recognise_described(one).known[0])
                (known if truth in fewer.gtins else unknown).append((score, draw))
            if worst is not None and not rows[-1][0]:
                image, best = images[place], found.best()[0]

                def shown(image: Any = image, truth: str = truth, best: str = best, p: float = rows[-1][3]) -> Mistake:
                    pictures = (Shown(image, truth), Shown(trial.enrolled[best][0], best))
                    return Mistake(f"{truth} taken for {best} ({p:.2f})", pictures)

                worst.add(rows[-1][3], shown)
        step(len(span))
    right, right5, look, probability = (np.array(column) for column in zip(*rows, strict=True))
    of_events = [_event(trial, shop, several) for several in events.values()]
    event, event_look, event_held = np.array(of_events, np.bool_).reshape(-1, 3).T
    (knowns, known_draw), (unknowns, unknown_draw) = (np.array(each).reshape(-1, 2).T for each in (known, unknown))
    return Answers(
        right, right5, look, probability, knowns, unknowns, known_draw.astype(int), unknown_draw.astype(int),
        event, event_look, event_held, np.array(cpu_ms),
    )  # fmt: skip


def _over_draws(score: Callable[[Float, Float], float], answers: Answers) -> float:
    """The mean of a score over the draws of products left out; NaN without any."""
    draws = np.intersect1d(answers.known_draw, answers.unknown_draw)
    parts = [
        score(answers.known[answers.known_draw == draw], answers.unknown[answers.unknown_draw == draw])
        for draw in draws
    ]
    return float(np.mean(parts)) if parts else float("nan")


def _event(trial: Trial, shop: Enrolment, several: Sequence[tuple[int, Recognition]]) -> tuple[bool, bool, bool]:
    """Whether the pictures of an event together are recognised, whether but for the size; whether it is a hand's."""
    assert trial.pixels is not None
    rows = [row for row, _ in several]
    first = several[0][1]
    separate = replace(first, evidence=np.concatenate([found.evidence for _, found in several]))
    found = shop.recognise_together(separate, [trial.pixels[row] for row in rows])
    right, _, look, _ = _judged(found, trial.truth[rows[0]], trial.alike)
    return right, look, "where" in trial.slices and trial.slices["where"][rows[0]] == "hand"


def fpr95(known: Float, unknown: Float) -> float:
    """The share of ``unknown`` scores (m,) that are at least what 95 % of ``known`` (n,) reach; NaN without either."""
    if not len(known) or not len(unknown):
        return float("nan")
    return float((unknown >= np.quantile(known, 0.05)).mean())


def _one(seen: Described, row: int) -> Described:
    from models.products.evidence import Described

    span = slice(row, row + 1)
    return Described(seen.vectors[span], seen.points[span], seen.pictures[span], seen.unit[span])


def _judged(found: Recognition, truth: str, alike: dict[str, str]) -> tuple[bool, bool, bool, float]:
    order = np.argsort(-found.probability[0], kind="stable")
    names = [found.gtins[place] for place in order[:5]]
    look = alike[names[0]] == alike[truth]
    return names[0] == truth, truth in names, look, float(found.probability[0, order[0]])


def _joined(parts: Sequence[Answers]) -> Answers:
    names = [each.name for each in fields(Answers)]
    return Answers(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _slices(trials: Sequence[Trial], answers: Answers) -> dict[str, dict[str, tuple[int, float, float]]]:
    found: dict[str, dict[str, tuple[int, float, float]]] = {}
    for axis in dict.fromkeys(axis for trial in trials for axis in trial.slices):
        parts = np.array([part for trial in trials for part in trial.slices[axis]])
        found[axis] = {
            part: (int(mask.sum()), float(answers.right[mask].mean()), float(answers.look[mask].mean()))
            for part in dict.fromkeys(parts.tolist())
            if (mask := parts == part).any() and part
        }
    return found


__all__ = ["Answers", "Enrolment", "ProductReport", "answer", "evaluate_products", "fpr95", "score_trials"]
