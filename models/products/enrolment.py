"""The products of a shop, enrolled from photos, and how they are recognised."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import EnrolmentError
from models.products import evidence
from models.products.classes import linear_classes
from models.products.embedder import ProductEmbedder, parts, unit
from models.products.evidence import Described, describe
from models.products.fusion import fused, known
from models.products.keypoints import SIDE
from models.products.pictures import Image, trimmed
from models.products.references import References, choose, refer

Float = NDArray[np.float32]

VERSION: Final = 1
_SHORT: Final = 12  # products whose print is looked for, of more candidates
_LONG: Final = 40  # reference photos up to which all candidates are looked for
_SMALL_PX, _LARGE_PX = 120, 240  # longer sides of pictures up to which the coarse part counts in full, and at all
_PRINT_FADES: Final = 0.8
_MANY: Final = 3.0  # photos a product from which on what varies in them is learnt


@dataclass(frozen=True, eq=False)
class Recognition:
    """``probability`` float32 (n, k) of each candidate, given that it is one of them, rows sum to 1; ``known`` (n,)
    in 0..1 is how likely the product is one of the candidates at all; ``evidence`` (n, k, 7) is what it rests on.
    """

    gtins: tuple[str, ...]
    probability: Float
    known: Float
    evidence: Float

    def best(self) -> list[str]:
        """The likeliest candidate of each picture."""
        return [self.gtins[place] for place in self.probability.argmax(axis=1)]


@dataclass(frozen=True, eq=False)
class Enrolment:
    """k products. ``vectors`` float16 (r, d) are their photos' by ``embedder`` and ``owner`` int (r,) whose each is;
    ``weights`` (1280, k) and ``offsets`` (k,) score the first part of a vector; ``learnt`` says that they know what
    varies within products. ``height_m`` (k,) is NaN where it is not known.
    """

    embedder: ProductEmbedder
    gtins: tuple[str, ...]
    vectors: NDArray[np.float16]
    owner: NDArray[np.int64]
    weights: Float
    offsets: Float
    learnt: bool
    height_m: Float
    references: References

    def recognise(
        self,
        images: Sequence[Image],
        candidates: Sequence[str] | None = None,
        *,
        pixels_per_metre: Sequence[float] | None = None,
    ) -> Recognition:
        """Which of ``candidates`` (all products by default) each uint8 (H, W, 3) BGR picture shows.

        ``pixels_per_metre`` (n,) is what a metre measures in each picture where the package is, which tells packages
        that differ in size alone. Raises ``EnrolmentError`` for a candidate that is not enrolled.
        """
        return self.recognise_described(self.describe(images), candidates, pixels_per_metre=pixels_per_metre)

    def describe(self, images: Sequence[Image]) -> Described:
        """What ``recognise`` works out of pictures before it compares them, for those that are asked about twice."""
        return describe(images, self.embedder.embed(images))

    def recognise_described(
        self, described: Described, candidates: Sequence[str] | None = None, *,
        pixels_per_metre: Sequence[float] | None = None,
    ) -> Recognition:  # fmt: skip
        """As ``recognise`` for pictures that ``describe`` has seen, also another enrolment's by the same embedder."""
        chosen = self._places(candidates)
        values = self._evidence(described, chosen, pixels_per_metre)
        logits = fused(values, self.learnt)
        logits -= logits.max(axis=1, keepdims=True, initial=-np.inf)
        probability = np.exp(logits)
        probability /= probability.sum(axis=1, keepdims=True)
        gtins = tuple(self.gtins[place] for place in chosen)
        return Recognition(gtins, probability.astype(np.float32), known(values, probability, self.learnt), values)

    def only(self, gtins: Sequence[str]) -> Enrolment:
        """The enrolment of some of its products. Raises ``EnrolmentError`` for one that is not enrolled."""
        chosen = self._places(gtins)
        new = np.full(len(self.gtins), -1, np.int64)
        new[chosen] = np.arange(len(chosen))
        kept = new[self.owner] >= 0
        vectors, owner = self.vectors[kept], new[self.owner[kept]]
        detail, _ = parts(vectors.astype(np.float32))
        weights, offsets, learnt = _classes(detail, owner, len(chosen))
        return Enrolment(
            self.embedder, tuple(gtins), vectors, owner, weights, offsets, learnt, self.height_m[chosen],
            self.references.only(new),
        )  # fmt: skip

    def _evidence(
        self, described: Described, products: NDArray[np.int64], pixels_per_metre: Sequence[float] | None
    ) -> Float:
        """What speaks for each of ``products`` (k,), by place: float32 (n, k, 7), see ``evidence.NAMES``."""
        values = np.zeros((len(described), len(products), len(evidence.NAMES)), np.float32)
        if not len(described):
            return values
        detail, coarse = parts(described.vectors)
        values[..., evidence.DETAIL] = self._looks(detail)[:, products]
        # The trained network sees few pixels: in a large picture, print and detail say all that it does, and more.
        small = np.clip((_LARGE_PX - SIDE / described.unit) / (_LARGE_PX - _SMALL_PX), 0.0, 1.0)
        values[..., evidence.COARSE] = self._coarse(coarse)[:, products] * small[:, None]
        # What few pixels share with a print is mostly chance.
        print_counts = 1 - _PRINT_FADES * small
        photos = int(np.isin(self.references.owner, products).sum())
        for row in range(len(described)):
            short = np.arange(len(products))
            if len(products) > _SHORT and photos > _LONG:
                short = np.argsort(-fused(values[row : row + 1], self.learnt)[0], kind="stable")[:_SHORT]
            scale = None if pixels_per_metre is None else float(pixels_per_metre[row])
            values[row, short, evidence.PRINT :] = evidence.print_evidence(
                described, row, self.references, products[short].tolist(), self.height_m[products[short]], scale
            )
            values[row, :, evidence.PRINT : evidence.SIZE] *= print_counts[row]
        return values

    def _looks(self, detail: Float) -> Float:
        """Scores of the vectors' first part, with mean 0 and deviation 1 over all products."""
        scores = detail @ self.weights + self.offsets
        scores -= scores.mean(axis=1, keepdims=True)
        return np.asarray(scores / np.maximum(scores.std(axis=1, keepdims=True), 1e-6), np.float32)

    def _coarse(self, coarse: Float) -> Float:
        """The nearest photo's scalar product with the vectors' second part, for each product."""
        _, photos = parts(self.vectors.astype(np.float32))
        alike = coarse @ photos.T
        best = np.full((len(coarse), len(self.gtins)), -1.0, np.float32)
        np.maximum.at(best.T, self.owner, alike.T)
        return best

    def _places(self, candidates: Sequence[str] | None) -> NDArray[np.int64]:
        if candidates is None:
            return np.arange(len(self.gtins))
        place = {gtin: number for number, gtin in enumerate(self.gtins)}
        lacking = [gtin for gtin in candidates if gtin not in place]
        if lacking or not candidates:
            what = f"not enrolled: {', '.join(lacking[:5])}" if lacking else "no candidates"
            raise EnrolmentError(f"{what}; {len(self.gtins)} products are enrolled: enrol a photo of each first")
        return np.array([place[gtin] for gtin in candidates], np.int64)

    def save(self, path: Path) -> None:
        """Write one .npz file, whole or not at all."""
        values = {
            f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("references", "gtins", "embedder")
        }
        values |= {f"reference_{f.name}": getattr(self.references, f.name) for f in fields(References)}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, version=VERSION, gtins=np.array(self.gtins), **values)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        part.write_bytes(buffer.getvalue())
        part.replace(path)

    @classmethod
    def load(cls, path: Path, embedder: ProductEmbedder) -> Enrolment:
        """Read what ``save`` wrote, made with the same ``embedder``. Raises ``EnrolmentError`` for any other file."""
        try:
            with np.load(path, allow_pickle=False) as file:
                values = {name: file[name] for name in file.files}
            if int(values.pop("version")) != VERSION:
                raise EnrolmentError(f"{path} is an enrolment of another version: enrol the photos again")
            of_photos = {f.name: values.pop(f"reference_{f.name}") for f in fields(References)}
            gtins, learnt = tuple(values.pop("gtins").tolist()), bool(values.pop("learnt"))
            return cls(embedder=embedder, gtins=gtins, learnt=learnt, references=References(**of_photos), **values)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EnrolmentError(f"{path} is no enrolment ({error}): enrol the photos again") from None


def enrol(
    photos: Mapping[str, Sequence[Image]], embedder: ProductEmbedder, *, height_m: Mapping[str, float] | None = None
) -> Enrolment:
    """Enrol products by GTIN from uint8 (H, W, 3) BGR photos: one of a catalogue each, or several from the shop.

    With three photos a product or more, what varies within products is learnt from them. ``height_m`` are the
    packages' heights. Takes about a tenth of a second a photo. Raises ``EnrolmentError`` where a product has no photo.
    """
    without = [gtin for gtin, images in photos.items() if not len(images)]
    if without or len(photos) < 1:
        raise EnrolmentError(f"no photo of {', '.join(without[:5]) or 'any product'}: each product needs one")
    gtins = tuple(photos)
    images = [trimmed(image) for several in photos.values() for image in several]
    detail, coarse = (
        embedder.detail([image for several in photos.values() for image in several]),
        embedder.coarse(images),
    )
    owner = np.repeat(np.arange(len(gtins)), [len(several) for several in photos.values()])
    weights, offsets, learnt = _classes(detail, owner, len(gtins))
    chosen = {}
    for place, several in enumerate(photos.values()):
        rows = np.flatnonzero(owner == place)
        chosen[place] = [several[number] for number in choose(detail[rows])]
    heights = np.array([(height_m or {}).get(gtin, np.nan) for gtin in gtins], np.float32)
    both = np.concatenate([detail, coarse], axis=1).astype(np.float16)
    return Enrolment(embedder, gtins, both, owner, weights, offsets, learnt, heights, refer(chosen))


def _classes(detail: Float, owner: NDArray[np.int64], count: int) -> tuple[Float, Float, bool]:
    """Weights (1280, k) and offsets (k,) from photos' vectors, and whether what varies within products was learnt."""
    if len(detail) >= _MANY * count and count > 1:
        return *linear_classes(detail, owner, count), True
    mean = unit(np.stack([detail[owner == place].mean(axis=0) for place in range(count)]))
    centred = unit(mean - mean.mean(axis=0)) if count > 1 else mean
    return centred.T.copy(), (-centred @ mean.mean(axis=0)).astype(np.float32), False
