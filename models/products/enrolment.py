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
from models.products.classes import Classes, learnt_classes, plain_classes
from models.products.embedder import ProductEmbedder, parts
from models.products.evidence import Described, describe
from models.products.fusion import fused, known, together
from models.products.keypoints import SIDE
from models.products.measures import Measured, box_evidence
from models.products.pictures import Image, trimmed
from models.products.references import References, choose, refer
from models.products.variations import varied

Float = NDArray[np.float32]

VERSION: Final = 2
# Candidates whose print is looked for, of more: with few photos a product, and with many.
_SHORT, _SHORT_OF_MANY = 12, 6
_LONG: Final = 40  # reference photos up to which all candidates are looked for
_SMALL_PX, _LARGE_PX = 120, 240  # longer sides of pictures up to which the coarse part counts in full, and at all
_PRINT_FADES: Final = 0.8
_SEED: Final = 1
_MANY: Final = 3.0  # photos a product from which on what varies in them is learnt


@dataclass(frozen=True, eq=False)
class Recognition:
    """``probability`` float32 (n, k) of each candidate, given that it is one of them, rows sum to 1; ``known`` (n,)
    in 0..1 is how likely the product is one of the candidates at all; ``evidence`` (n, k, 10) is what it rests on.
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
    """k products. ``vectors`` float16 (r, d) are by ``embedder``, of their photos and, where there are many, of
    variations of these; ``owner`` int (r,) is whose each is. ``classes`` judge the first part of a vector. ``size_m``
    (k, 3) are the packages' widths, depths and heights, NaN where they are not known.
    """

    embedder: ProductEmbedder
    gtins: tuple[str, ...]
    vectors: NDArray[np.float16]
    owner: NDArray[np.int64]
    classes: Classes
    size_m: Float
    references: References

    def recognise(
        self,
        images: Sequence[Image],
        candidates: Sequence[str] | None = None,
        *,
        measured: Sequence[Measured] | None = None,
    ) -> Recognition:
        """Which of ``candidates`` (all products by default) each uint8 (H, W, 3) BGR picture shows.

        ``measured`` (n,) is what is known of sizes, which tells packages that differ in size alone. Raises
        ``EnrolmentError`` for a candidate that is not enrolled.
        """
        return self.recognise_described(self.describe(images), candidates, measured=measured)

    def describe(self, images: Sequence[Image]) -> Described:
        """What ``recognise`` works out of pictures before it compares them, for those that are asked about twice."""
        return describe(images, self.embedder.embed(images))

    def recognise_described(
        self, described: Described, candidates: Sequence[str] | None = None, *,
        measured: Sequence[Measured] | None = None,
    ) -> Recognition:  # fmt: skip
        """As ``recognise`` for pictures that ``describe`` has seen, also another enrolment's by the same embedder."""
        chosen = self._places(candidates)
        return self._judged(chosen, self._evidence(described, chosen, measured))

    def recognise_together(self, separate: Recognition, pixels: Sequence[float]) -> Recognition:
        """What several pictures of one package say together, of what each says (n of them, of the same candidates): one
        row. ``pixels`` (n,) are the packages' longer sides in the pictures.
        """
        values = together(separate.evidence, np.asarray(pixels, np.float32))
        return self._judged(self._places(separate.gtins), values)

    def _judged(self, chosen: NDArray[np.int64], values: Float) -> Recognition:
        logits = fused(values, self.classes.learnt)
        logits -= logits.max(axis=1, keepdims=True, initial=-np.inf)
        probability = np.exp(logits)
        probability /= probability.sum(axis=1, keepdims=True)
        gtins = tuple(self.gtins[place] for place in chosen)
        found = known(values, probability, self.classes.learnt)
        return Recognition(gtins, probability.astype(np.float32), found, values)

    def only(self, gtins: Sequence[str]) -> Enrolment:
        """The enrolment of some of its products. Raises ``EnrolmentError`` for one that is not enrolled."""
        chosen = self._places(gtins)
        new = np.full(len(self.gtins), -1, np.int64)
        new[chosen] = np.arange(len(chosen))
        kept = new[self.owner] >= 0
        vectors, owner = self.vectors[kept], new[self.owner[kept]]
        detail, _ = parts(vectors.astype(np.float32))
        return Enrolment(
            self.embedder, tuple(gtins), vectors, owner, _classes(detail, owner, len(chosen)), self.size_m[chosen],
            self.references.only(new),
        )  # fmt: skip

    def _evidence(
        self, described: Described, products: NDArray[np.int64], measured: Sequence[Measured] | None
    ) -> Float:
        """What speaks for each of ``products`` (k,), by place: float32 (n, k, 10), see ``evidence.NAMES``."""
        values = np.zeros((len(described), len(products), len(evidence.NAMES)), np.float32)
        if not len(described):
            return values
        detail, coarse = parts(described.vectors)
        apart = self.classes.distances(detail)
        values[..., evidence.DETAIL] = _standard(-apart)[:, products]
        values[..., evidence.NEAR] = -np.log(np.maximum(apart[:, products], 1e-6))
        # The trained network sees few pixels: in a large picture, print and detail say all that it does, and more.
        small = np.clip((_LARGE_PX - SIDE / described.unit) / (_LARGE_PX - _SMALL_PX), 0.0, 1.0)
        values[..., evidence.COARSE] = self._coarse(coarse)[:, products] * small[:, None]
        # What few pixels share with a print is mostly chance.
        print_counts = 1 - _PRINT_FADES * small
        photos = int(np.isin(self.references.owner, products).sum())
        most = _SHORT_OF_MANY if self.classes.learnt else _SHORT
        for row in range(len(described)):
            short = np.arange(len(products))
            if len(products) > most and photos > _LONG:
                short = np.argsort(-fused(values[row : row + 1], self.classes.learnt)[0], kind="stable")[:most]
            scale = None if measured is None else measured[row].pixels_per_metre
            values[row, short, evidence.PRINT : evidence.BOX] = evidence.print_evidence(
                described, row, self.references, products[short].tolist(), self.size_m[products[short], 2], scale
            )
            values[row, :, evidence.PRINT : evidence.SIZE] *= print_counts[row]
            if measured is not None:
                values[row, :, evidence.BOX] = box_evidence(measured[row], self.size_m[products])
        return values

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
        values = {name: getattr(self, name) for name in ("vectors", "owner", "size_m")}
        values |= {f"classes_{f.name}": getattr(self.classes, f.name) for f in fields(Classes)}
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
            of_classes = {f.name: values.pop(f"classes_{f.name}") for f in fields(Classes)}
            classes = Classes(**of_classes | {"learnt": bool(of_classes["learnt"])})
            gtins = tuple(values.pop("gtins").tolist())
            return cls(embedder=embedder, gtins=gtins, classes=classes, references=References(**of_photos), **values)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EnrolmentError(f"{path} is no enrolment ({error}): enrol the photos again") from None


def enrol(
    photos: Mapping[str, Sequence[Image]],
    embedder: ProductEmbedder,
    *,
    size_m: Mapping[str, tuple[float, float, float]] | None = None,
) -> Enrolment:
    """Enrol products by GTIN from uint8 (H, W, 3) BGR photos: one of a catalogue each, or several from the shop.

    With three photos a product or more, what varies within products is learnt from them and from variations of them.
    ``size_m`` are the packages' widths, depths and heights. Takes about a fifth of a second a photo. Raises
    ``EnrolmentError`` where a product has no photo.
    """
    without = [gtin for gtin, images in photos.items() if not len(images)]
    if without or len(photos) < 1:
        raise EnrolmentError(f"no photo of {', '.join(without[:5]) or 'any product'}: each product needs one")
    gtins = tuple(photos)
    images = [image for several in photos.values() for image in several]
    owner = np.repeat(np.arange(len(gtins)), [len(several) for several in photos.values()])
    detail = embedder.detail(images)
    chosen = {}
    for place, several in enumerate(photos.values()):
        rows = np.flatnonzero(owner == place)
        chosen[place] = [several[number] for number in choose(detail[rows])]
    sizes = np.array([(size_m or {}).get(gtin, (np.nan,) * 3) for gtin in gtins], np.float32)
    vectors = np.concatenate([detail, embedder.coarse([trimmed(image) for image in images])], axis=1)
    if _many(len(images), len(gtins)):
        rng = np.random.default_rng(_SEED)
        others = [varied(image, rng) for image in images]
        vectors = np.concatenate([vectors, np.concatenate([embedder.detail(others), embedder.coarse(others)], axis=1)])
        owner = np.tile(owner, 2)
    vectors = vectors.astype(np.float16)
    first, _ = parts(vectors.astype(np.float32))
    return Enrolment(embedder, gtins, vectors, owner, _classes(first, owner, len(gtins)), sizes, refer(chosen))


def _classes(detail: Float, owner: NDArray[np.int64], count: int) -> Classes:
    return (learnt_classes if _many(len(detail), count) else plain_classes)(detail, owner, count)


def _many(photos: int, products: int) -> bool:
    """Whether there are enough photos to learn from."""
    return photos >= _MANY * products and products > 1


def _standard(scores: Float) -> Float:
    """Scores (n, k) with mean 0 and deviation 1 over the products."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-6), np.float32)
