"""Batches of people cut out: who is in them, and how their pictures are varied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from datasets.simulation.lineup import Crops
from datasets.simulation.lineup.crops import ROUND
from training.person_network import SIZE

_INNER = 1 / (1 + 2 * ROUND)  # the box's share of a cut-out
_AT_ONCE = 64  # pictures through the kept part


@dataclass(frozen=True, slots=True)
class Variation:
    """How much pictures are varied: ``jitter`` of a box's sides by a detector (a standard deviation, of its size),
    factors of light, ``tint`` and colour (standard deviations), shares of pictures that are ``hidden`` in part, and
    ``blurred``.
    """

    jitter: float = 0.05
    light: float = 0.12
    tint: float = 0.03
    colour: float = 0.15
    hidden: float = 0.4
    blurred: float = 0.3


class PersonBatches:
    """Draws batches from line-ups: ``acts`` acts, from each ``people`` who wore their clothes in that act together, and
    of each ``views`` pictures. People of one act are the hardest to tell apart: some share cloth, all share the light.

    What a network's kept part makes of a picture never changes, so that it is worked out once, for ``variants``
    variations of each picture, by ``maps`` (pictures float32 (n, 128, 64, 3) to maps (n, ...)). Calling it with a
    step's number gives ``maps`` float32 (b, ...) and ``person`` int64 (b,).
    """

    def __init__(
        self,
        line_ups: Sequence[Crops],
        bodies: int,
        maps: Callable[[Tensor], Tensor],
        *,
        acts: int,
        people: int,
        views: int,
        variants: int,
        variation: Variation,
        seed: int,
        least_share: float = 0.35,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._acts_of_step, self._people_of_act, self._views = acts, people, views
        self._seed, self.people = seed, 0
        self._acts: list[list[tuple[int, NDArray[np.int64]]]] = []
        self._camera = np.concatenate([crops.camera for crops in line_ups])
        first = 0
        for crops in line_ups:
            seen = np.flatnonzero(crops.share >= least_share)
            for act in np.unique(crops.person[seen] // bodies).tolist():
                rows = seen[crops.person[seen] // bodies == act]
                members = [rows[crops.person[rows] == one] for one in np.unique(crops.person[rows])]
                # One picture, or two of one camera, teach little.
                members = [first + one for one in members if len(np.unique(crops.camera[one])) > 1]
                if len(members) > 1:
                    self._acts.append([(self.people + k, one) for k, one in enumerate(members)])
                    self.people += len(members)
            first += len(crops)
        self._made: Tensor | None = None
        self._make = partial(self._maps_of, line_ups, maps, variants, variation, progress)

    def _maps_of(
        self,
        line_ups: Sequence[Crops],
        maps: Callable[[Tensor], Tensor],
        variants: int,
        variation: Variation,
        progress: Callable[[int, int], None],
    ) -> Tensor:
        """Maps float16 (variants, pictures, ...)."""
        rng = np.random.default_rng([self._seed, 93])
        rounds: list[Tensor] = []
        total = variants * sum(map(len, line_ups))
        done = 0
        for _ in range(variants):
            parts = []
            for crops in line_ups:
                for start in range(0, len(crops), _AT_ONCE):
                    cut_outs = torch.from_numpy(np.array(crops.image[start : start + _AT_ONCE]))
                    with torch.inference_mode():
                        parts.append(maps(varied(cut_outs, variation, rng)).half())
                    done += len(cut_outs)
                    progress(done, total)
            rounds.append(torch.cat(parts))
        return torch.stack(rounds).clone()

    def __call__(self, step: int) -> dict[str, Tensor]:
        """The batch of a step."""
        rng = np.random.default_rng([self._seed, 91, step])
        rows, names = [], []
        for act in rng.choice(len(self._acts), self._acts_of_step, replace=len(self._acts) < self._acts_of_step):
            members = self._acts[int(act)]
            for one in rng.choice(len(members), min(self._people_of_act, len(members)), replace=False):
                name, pictures = members[int(one)]
                rows += [int(pictures[row]) for row in _spread(self._camera[pictures], self._views, rng)]
                names += [name] * self._views
        # A run that is finished, and goes on only to be measured, needs none.
        maps = self._made = self._make() if self._made is None else self._made
        variant = torch.from_numpy(rng.integers(len(maps), size=len(rows)))
        return {"maps": maps[variant, torch.tensor(rows)].float(), "person": torch.tensor(names)}


def _spread(camera: NDArray[np.int64], count: int, rng: np.random.Generator) -> list[int]:
    """``count`` places of ``camera`` (n,), of as many cameras as there are; some twice where there are fewer."""
    order = rng.permutation(len(camera))
    first = np.unique(camera[order], return_index=True)[1]
    chosen = [*order[rng.permutation(first)], *np.delete(order, first)][:count]
    again: list[int] = rng.choice(order, max(count - len(chosen), 0)).tolist()
    return [int(place) for place in chosen] + again


def varied(cut_outs: Tensor, variation: Variation, rng: np.random.Generator) -> Tensor:
    """Cut-outs uint8 (b, 160, 80, 3) as float32 (b, 128, 64, 3) in 0..255: as detected, lit and hidden at random."""
    b = len(cut_outs)

    def normal(deviation: float, *shape: int) -> Tensor:
        return torch.from_numpy(rng.normal(0.0, deviation, (b, *shape)).astype(np.float32))

    # Where the box's edges are, in -1..1 over the cut-out; a mirrored picture has left and right exchanged.
    edges = torch.tensor([-_INNER, -_INNER, _INNER, _INNER]) + 2 * _INNER * normal(variation.jitter, 4)
    edges = edges.clamp(-1.0, 1.0)
    mirrored = torch.from_numpy(rng.random(b) < 0.5)
    left, right = edges[:, 0], edges[:, 2]
    left, right = torch.where(mirrored, right, left), torch.where(mirrored, left, right)
    turn = torch.zeros(b, 2, 3)
    turn[:, 0, 0], turn[:, 0, 2] = (right - left) / 2, (right + left) / 2
    turn[:, 1, 1], turn[:, 1, 2] = (edges[:, 3] - edges[:, 1]) / 2, (edges[:, 3] + edges[:, 1]) / 2
    x = cut_outs.permute(0, 3, 1, 2).float()
    grid = functional.affine_grid(turn, [b, 3, SIZE[1], SIZE[0]], align_corners=False)
    x = functional.grid_sample(x, grid, align_corners=False, padding_mode="border")

    blurred = torch.from_numpy(rng.random(b) < variation.blurred)
    if bool(blurred.any()):
        small = functional.interpolate(x[blurred], scale_factor=float(rng.uniform(0.3, 0.7)), mode="area")
        x[blurred] = functional.interpolate(small, size=(SIZE[1], SIZE[0]), mode="bilinear", align_corners=False)
    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * (1 + normal(variation.colour, 1, 1, 1)).clamp(0.4, 1.6)
    x = x * (1 + normal(variation.light, 1, 1, 1)) * (1 + normal(variation.tint, 3, 1, 1))
    return _hidden(x.clamp(0.0, 255.0), variation.hidden, rng).permute(0, 2, 3, 1)


def _hidden(x: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Some pictures with a rectangle of another picture, or of one colour, before them (Zhong et al., 2020)."""
    given = x.clone()
    width, height = SIZE
    for n in np.flatnonzero(rng.random(len(x)) < share).tolist():
        area, aspect = rng.uniform(0.08, 0.35), rng.uniform(0.4, 2.5)
        wide = min(int(width * (area * aspect) ** 0.5), width - 4)
        high = min(int(height * (area / aspect) ** 0.5), height - 4)
        left, top = int(rng.integers(width - wide)), int(rng.integers(height - high))
        place = (slice(None), slice(top, top + high), slice(left, left + wide))
        other = int(rng.integers(len(x)))
        colour = torch.from_numpy(rng.uniform(0, 255, (3, 1, 1)).astype(np.float32))
        x[n][place] = given[other][place] if rng.random() < 0.6 else colour
    return x


def plain(cut_outs: NDArray[np.uint8]) -> Tensor:
    """Cut-outs uint8 (n, 160, 80, 3) as the network's input uint8 (n, 128, 64, 3): what is in the box, as it is."""
    top, left = round(cut_outs.shape[1] * (1 - _INNER) / 2), round(cut_outs.shape[2] * (1 - _INNER) / 2)
    return torch.from_numpy(np.ascontiguousarray(cut_outs[:, top : top + SIZE[1], left : left + SIZE[0]]))
