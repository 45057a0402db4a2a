"""How well people are known again, within a visit, in other cameras of a simulated shop.

The protocol. Boxes are the truth's, of what is seen of each person, every edge moved by a normal error of 4 % of the
box's side, as a detector's are (seeded). Pictures are all those of people of whom half or more is seen and whose box is
24 pixels high or more, at every moment that was filmed (``every`` n-th). Each picture is a query once. What it searches
are all pictures that the *other* cameras took of *all* visitors of the same run, at whatever moment:

- ``rank1``: the share of queries whose most alike picture shows the same visitor; ``map``: the mean average precision.
- ``rank1_apart``: the same, where what is searched was taken ``APART_S`` or more before or after: another pose.
- ``rank1_single``: the same with one picture of each visitor to search, drawn at random (seeded) from the other
  cameras, the mean of ``DRAWS`` draws.
- ``auroc``: of the likeness of pairs of pictures from different cameras of one run, one visitor's against two's;
  ``ece``: of the probability that two are one, in ``BINS`` bins, both kinds of pairs weighing the same.

Queries of visitors whom no other camera saw are left out. ``all`` has the same of every picture of which a tenth or
more of the body is seen, as queries and as what is searched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from datasets.formats.coco import CocoFileError
from training.evaluate.bootstrap import Comparison, compare_means
from training.evaluate.gallery import Mistake, Section, Shown, write_gallery
from training.evaluate.person_pictures import Embedder, Int, RunPictures, gather
from training.evaluate.reidentification import auroc, rank
from training.evaluate.reliability import Reliability, reliability
from training.evaluate.slices import ANGLE, HEIGHT, Slicing

if TYPE_CHECKING:
    from rich.table import Table

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

OURS: Final = "aisle"
AGAINST: Final = "against"
VISIBLE: Final = 0.5
APART_S: Final = 4.0
DRAWS: Final = 5
BINS: Final = 15
VISITORS: Final = Slicing("visitors", (0, 9, 1e9), ("to 8", "9 and more"))
SEEN: Final = Slicing("visible", (0, 0.5, 0.75, 0.95, 1.01), ("under .5", ".5-.75", ".75-.95", "whole"))
SLICINGS: Final = (VISITORS, ANGLE, SEEN, HEIGHT)


class Knows(Embedder, Protocol):
    """An embedder that also tells how probable one person is."""

    def same_person_probability(self, a: Any, b: Any, prior: float = 0.5, /) -> Any:
        """The probability (n, m) that vectors (n, d) and (m, d) are of one person."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Queries:
    """What became of n queries, those with something to find: ``first``, ``apart`` bool (n,), ``apart_found`` bool (n,)
    whether there was something to find apart; ``precision``, ``single`` (n,); ``sliced`` the value (n,) that each of
    ``SLICINGS`` sorts by; ``visit`` int (n,) counts visitors over all runs; ``run`` and ``row`` int (n,) are the
    query's place, ``taken`` int (n,) the row that was most alike.
    """

    first: Bool
    precision: Float
    apart: Bool
    apart_found: Bool
    single: Float
    sliced: Mapping[str, Float]
    visit: Int
    run: Int
    row: Int
    taken: Int

    def means(self) -> dict[str, float]:
        """The measures over all queries; NaN where there are none."""
        if not len(self.first):
            return dict.fromkeys(("rank1", "map", "rank1_apart", "rank1_single"), float("nan"))
        apart = self.apart[self.apart_found]
        return {
            "rank1": float(self.first.mean()),
            "map": float(self.precision.mean()),
            "rank1_apart": float(apart.mean()) if len(apart) else float("nan"),
            "rank1_single": float(self.single.mean()),
        }


def search(runs: Sequence[RunPictures], embedder: str, seed: int = 0) -> Queries:
    """Every picture of every run as a query, by the vectors of ``embedder``."""
    parts: list[dict[str, Any]] = []
    visits = 0
    for number, run in enumerate(runs):
        vectors = run.vectors[embedder]
        likeness = vectors @ vectors.T
        same = run.person[:, None] == run.person[None]
        other = run.camera[:, None] != run.camera[None]
        apart = other & (np.abs(run.time_s[:, None] - run.time_s[None]) >= APART_S)
        whole, later = rank(likeness, same, other), rank(likeness, same, apart)
        rows = np.flatnonzero(whole.found)
        rng = np.random.default_rng([seed, number, 92])
        single = np.mean([_single(likeness, run, rng) for _ in range(DRAWS)], axis=0)
        parts.append(
            {
                "first": whole.first[rows],
                "precision": whole.precision[rows],
                "apart": later.first[rows],
                "apart_found": later.found[rows],
                "single": single[rows],
                "visitors": np.full(len(rows), run.visitors, np.float64),
                "angle": run.angle_deg[rows],
                "visible": run.visible[rows],
                "height": run.height_px[rows],
                "visit": visits + run.person[rows],
                "run": np.full(len(rows), number),
                "row": rows,
                "taken": whole.taken[rows],
            }
        )
        visits += run.visitors
    merged = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    sliced = {slicing.name: merged.pop(slicing.name) for slicing in SLICINGS}
    return Queries(**merged, sliced=sliced)


def _single(likeness: Float, run: RunPictures, rng: np.random.Generator) -> Float:
    """Whether (n,) each query's visitor is the most alike of one picture a visitor, drawn anew for each camera."""
    right = np.zeros(len(run))
    for camera in np.unique(run.camera).tolist():
        queries = np.flatnonzero(run.camera == camera)
        others = rng.permutation(np.flatnonzero(run.camera != camera))
        if not len(others):
            continue
        _, first = np.unique(run.person[others], return_index=True)
        chosen = others[first]
        best = chosen[likeness[np.ix_(queries, chosen)].argmax(axis=1)]
        right[queries] = run.person[best] == run.person[queries]
    return right


def likenesses(runs: Sequence[RunPictures], embedder: str) -> tuple[Float, Float]:
    """The scalar products of all pairs of pictures from different cameras of one run: one visitor's, and two's."""
    of_one, of_two = [np.zeros(0)], [np.zeros(0)]
    for run in runs:
        vectors = run.vectors[embedder]
        likeness = vectors @ vectors.T
        meets = np.triu(run.camera[:, None] != run.camera[None], 1)
        same = run.person[:, None] == run.person[None]
        of_one.append(likeness[meets & same])
        of_two.append(likeness[meets & ~same])
    return np.concatenate(of_one), np.concatenate(of_two)


def told_reliably(knows: Knows, runs: Sequence[RunPictures], embedder: str, seed: int = 0) -> Reliability:
    """How reliable the probability of one visitor is, of as many pairs of one visitor as of two."""
    told: list[NDArray[np.floating[Any]]] = []
    right: list[Bool] = []
    for number, run in enumerate(runs):
        vectors = run.vectors[embedder]
        probability = knows.same_person_probability(vectors, vectors)
        meets = np.triu(run.camera[:, None] != run.camera[None], 1)
        same = run.person[:, None] == run.person[None]
        of_one, of_two = probability[meets & same], probability[meets & ~same]
        rng = np.random.default_rng([seed, number, 94])
        count = min(len(of_one), len(of_two))
        told += [rng.choice(of_one, count, replace=False), rng.choice(of_two, count, replace=False)]
        right += [np.ones(count, np.bool_), np.zeros(count, np.bool_)]
    return reliability(np.concatenate(told), np.concatenate(right), bins=BINS)


@dataclass(frozen=True, slots=True, eq=False)
class PersonsReport:
    """The measures of each embedder by name, ours first; ``sliced`` has ours by slice; ``everybody`` those of ``all``.

    ``calibration`` is of our probabilities; ``comparison`` of ours with another's rank-1, drawn by visits.
    """

    runs: int
    visits: int
    pictures: int
    queries: int
    measures: Mapping[str, Mapping[str, float]]
    everybody: Mapping[str, Mapping[str, float]]
    sliced: Mapping[str, Mapping[str, tuple[float, int]]]
    calibration: Reliability
    comparison: Comparison | None = None

    def as_json(self) -> str:
        """One JSON object: our measures, ``slices``, ``all``, ``peers`` and ``against``."""
        ours, *peers = self.measures
        document: dict[str, Any] = {
            **_rounded(self.measures[ours]),
            "ece": self.calibration.as_dict()["ece"],
            "runs": self.runs,
            "visits": self.visits,
            "pictures": self.pictures,
            "queries": self.queries,
            "slices": {
                name: {label: {"rank1": _round(value), "queries": count} for label, (value, count) in parts.items()}
                for name, parts in self.sliced.items()
            },
            "all": _rounded(self.everybody[ours]),
            "reliability": self.calibration.as_dict()["bins"],
            "peers": {name: {**_rounded(self.measures[name]), "all": _rounded(self.everybody[name])} for name in peers},
        }
        if self.comparison is not None:
            document["against"] = self.comparison.as_dict()
        return json.dumps(document, indent=2)

    def as_table(self) -> Table:
        """A row an embedder; below them, rank-1 by slices."""
        from rich import box
        from rich.table import Table

        table = Table(
            title=f"{self.queries} queries of {self.visits} visits in {self.runs} runs",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        for title in ("", "rank-1", "apart", "one each", "mAP", "AUROC", "rank-1 of all"):
            table.add_column(title, justify="right" if title else "left", no_wrap=True)
        keys = ("rank1", "rank1_apart", "rank1_single", "map", "auroc")
        for name, found in self.measures.items():
            table.add_row(name, *(f"{found[key]:.3f}" for key in keys), f"{self.everybody[name]['rank1']:.3f}")
        for name, parts in self.sliced.items():
            table.add_section()
            for label, (value, count) in parts.items():
                table.add_row(f"{name} {label}", f"{value:.3f}" if count else "-", *[""] * 4, f"{count} queries")
        table.caption = f"ECE of the probability of one visitor: {self.calibration.ece:.3f}"
        if self.comparison is not None:
            table.caption += f"; rank-1 {self.comparison}"
        return table


def evaluate_persons(
    folder: Path,
    embedder: Knows,
    *,
    against: Embedder | None = None,
    peers: Mapping[str, Embedder] | None = None,
    visible: float = VISIBLE,
    every: int = 1,
    seed: int = 0,
    page: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PersonsReport:
    """Measure ``embedder``, and ``peers`` by their names, on a dataset of ``aisle simulate``.

    ``against`` is another embedder to compare with. ``page`` is written with the worst mistakes. Raises
    ``CocoFileError`` where ``folder`` holds no run with two cameras or more, or nobody who is seen by two, and
    ``CameraError``.
    """
    everyone: dict[str, Embedder] = {OURS: embedder, **(peers or {})}
    if against is not None:
        everyone[AGAINST] = against
    runs = list(gather(folder, everyone, every=every, seed=seed, progress=progress))
    seen = [run[run.visible >= visible] for run in runs]
    found = {name: search(seen, name, seed) for name in everyone}
    ours = found[OURS]
    if not len(ours.first):
        raise CocoFileError(f"{folder}: nobody is seen by two cameras of one run")
    if page is not None:
        write_mistakes(page, seen, ours)
    comparison = None
    if against is not None:
        groups = [str(visit) for visit in ours.visit.tolist()]
        comparison = compare_means(groups, ours.first.astype(np.float64), found[AGAINST].first.astype(np.float64))
    return PersonsReport(
        runs=len(runs),
        visits=len(np.unique(ours.visit)),
        pictures=sum(map(len, seen)),
        queries=len(ours.first),
        measures={name: found[name].means() | {"auroc": auroc(*likenesses(seen, name))} for name in everyone},
        everybody={
            name: search(runs, name, seed).means() | {"auroc": auroc(*likenesses(runs, name))} for name in everyone
        },
        sliced={slicing.name: _by_part(ours, slicing) for slicing in SLICINGS},
        calibration=told_reliably(embedder, seen, OURS, seed),
        comparison=comparison,
    )


def _by_part(queries: Queries, slicing: Slicing) -> dict[str, tuple[float, int]]:
    place = slicing.of(queries.sliced[slicing.name])
    parts = {label: queries.first[place == k] for k, label in enumerate(slicing.labels)}
    return {label: (float(first.mean()) if len(first) else float("nan"), len(first)) for label, first in parts.items()}


def write_mistakes(page: Path, runs: Sequence[RunPictures], queries: Queries) -> None:
    """A page of queries whose most alike picture shows another visitor, the surest first."""
    mistakes = []
    for n in np.flatnonzero(~queries.first).tolist():
        run, row, taken = runs[int(queries.run[n])], int(queries.row[n]), int(queries.taken[n])
        likeness = run.vectors[OURS][row] @ run.vectors[OURS].T
        right = np.flatnonzero((run.person == run.person[row]) & (run.camera != run.camera[row]))
        best = int(right[likeness[right].argmax()])
        shown = [(row, "looked for"), (taken, f"found, {likeness[taken]:.2f}"), (best, f"right, {likeness[best]:.2f}")]
        pictures = tuple(
            Shown(np.ascontiguousarray(run.thumbnail[k][..., ::-1]), f"{what}; {run.cameras[int(run.camera[k])]}")
            for k, what in shown
        )
        what = f"{run.run}: visitor {run.person[row] + 1} taken for {run.person[taken] + 1}"
        mistakes.append(Mistake(what, pictures, float(likeness[taken] - likeness[best])))
    text = "The most alike picture of another camera shows another visitor. Beside it, the most alike right one."
    figures = {"queries": str(len(queries.first)), "rank-1": f"{queries.first.mean():.3f}"}
    section = Section("Another visitor", text, mistakes)
    write_gallery(
        page, "Visitors taken for others", "Simulated visitors, surest mistakes first.", [section], figures=figures
    )


def _rounded(found: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _round(value) for name, value in found.items()}


def _round(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
