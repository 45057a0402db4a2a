"""Packages of one simulated shop for learning and measuring: crops of footage, catalogue photos, who stands by whom."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.simulation.filming.recipes import Recipe
from datasets.simulation.furnishing.furniture import set_meshes
from datasets.simulation.goods.kept_labels import kept_label_atlas
from datasets.simulation.goods.photos import View, catalogue_photo
from datasets.simulation.render import Photographer
from datasets.simulation.shop import load_shop
from datasets.simulation.truth.packages import slot_neighbours
from store.catalogue import Catalogue, Product
from training.package_crops import PackageCrop, film_crops

Image = NDArray[np.uint8]

VIEWS: Final[tuple[View, ...]] = ("front", "corner")
_NET: Final = re.compile(r"\s+\d+(\.\d+)? (ml|l|g|kg)$")


@dataclass(frozen=True, eq=False)
class PackageSet:
    """n crops of a shop's k products.

    ``crops`` and ``photos`` hold PNG files: n, and ``len(VIEWS)`` a product. ``xyxy`` float32 (n, 4) is the package in
    its crop; ``product`` int (n,); ``held`` bool (n,) is it in a hand, basket or trolley; ``visible_share``,
    ``turned_deg``, ``pixels_per_metre`` float32 (n,); ``axes`` float32 (n, 2, 3) the pixels right and down of a metre
    along its width, depth and height; ``picture`` int (n,) numbers the pictures, ``event`` int (n,) what shows one
    package or one row of a shelf (``PackageCrop``). Of products:
    ``gtins`` and ``names`` (k,), ``look`` int (k,) the same for those that differ in size alone, ``size_m`` float32
    (k, 3), ``neighbours`` int (k, m) products nearest first, itself among them, -1 where there are no more.
    """

    crops: tuple[bytes, ...]
    photos: tuple[bytes, ...]
    xyxy: NDArray[np.float32]
    product: NDArray[np.int64]
    held: NDArray[np.bool_]
    visible_share: NDArray[np.float32]
    turned_deg: NDArray[np.float32]
    pixels_per_metre: NDArray[np.float32]
    axes: NDArray[np.float32]
    picture: NDArray[np.int64]
    event: NDArray[np.int64]
    gtins: tuple[str, ...]
    names: tuple[str, ...]
    look: NDArray[np.int64]
    size_m: NDArray[np.float32]
    neighbours: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.crops)

    @property
    def size_px(self) -> NDArray[np.float32]:
        """The longer side of each package in its picture, (n,)."""
        return np.asarray((self.xyxy[:, 2:] - self.xyxy[:, :2]).max(axis=1), np.float32)

    def cut(self, row: int, margin: float = 0.15, shift: tuple[float, float] = (0.0, 0.0)) -> Image:
        """Crop ``row`` with ``margin`` of its longer side around it, moved by ``shift`` of that side."""
        image = _decoded(self.crops[row])
        x1, y1, x2, y2 = self.xyxy[row].tolist()
        side = max(x2 - x1, y2 - y1)
        left, top = max(int(x1 + (shift[0] - margin) * side), 0), max(int(y1 + (shift[1] - margin) * side), 0)
        right, bottom = int(x2 + (shift[0] + margin) * side) + 1, int(y2 + (shift[1] + margin) * side) + 1
        return image[top : max(bottom, top + 2), left : max(right, left + 2)]

    def photo(self, product: int, view: int) -> Image:
        """The catalogue photo of a product from ``VIEWS[view]``, on white."""
        return _decoded(self.photos[product * len(VIEWS) + view])

    def save(self, path: Path) -> None:
        """Write one .npz file, whole or not at all."""
        texts: dict[str, Any] = {"gtins": np.array(self.gtins), "names": np.array(self.names)}
        numbers = {
            name: getattr(self, name)
            for name in ("xyxy", "product", "held", "visible_share", "turned_deg", "pixels_per_metre", "axes")
        }
        numbers |= {name: getattr(self, name) for name in ("picture", "event", "look", "size_m", "neighbours")}
        files: dict[str, Any] = {}
        for name, several in (("crops", self.crops), ("photos", self.photos)):
            files[name] = np.frombuffer(b"".join(several), np.uint8)
            files[f"{name}_ends"] = np.cumsum([len(each) for each in several])
        buffer = io.BytesIO()
        np.savez(buffer, **texts, **numbers, **files)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        part.write_bytes(buffer.getvalue())
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> PackageSet:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
        for name in ("crops", "photos"):
            whole, ends = values.pop(name).tobytes(), values.pop(f"{name}_ends").tolist()
            values[name] = tuple(whole[a:b] for a, b in zip([0, *ends], ends, strict=False))
        for name in ("gtins", "names"):
            values[name] = tuple(values[name].tolist())
        return cls(**values)


def film_set(recipe: Recipe, *, cameras: int, held: int, by_event: bool = False) -> PackageSet:
    """Film a recipe's shop (``film_crops``) and take its catalogue photos."""
    timeline = recipe.play()
    crops = list(film_crops(recipe, cameras=cameras, held=held, seed=recipe.seed, by_event=by_event))
    _, catalogue = load_shop(recipe.plan, recipe.seed)
    return _packed(crops, catalogue, slot_neighbours(timeline.plan.slots()), recipe.seed)


def filmed(recipe: Recipe, path: Path, *, cameras: int, held: int, by_event: bool = False) -> PackageSet:
    """``film_set``, kept at ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    film_set(recipe, cameras=cameras, held=held, by_event=by_event).save(path)
    return PackageSet.load(path)


def _packed(
    crops: Sequence[PackageCrop], catalogue: Catalogue, beside: dict[str, tuple[str, ...]], seed: int
) -> PackageSet:
    place = {product.id: number for number, product in enumerate(catalogue.products)}
    widest = max(map(len, beside.values()), default=1)
    neighbours = np.full((len(place), widest), -1, np.int64)
    for name, near in beside.items():
        neighbours[place[name], : len(near)] = [place[each] for each in near]
    looks: dict[tuple[str, str], int] = {}
    look = [looks.setdefault(_look(product), len(looks)) for product in catalogue.products]
    with Photographer(set_meshes(), kept_label_atlas(catalogue, seed)) as photographer:
        photos = [
            catalogue_photo(photographer, catalogue, product.id, view)
            for product in catalogue.products
            for view in VIEWS
        ]
    pictures: dict[tuple[str, int], int] = {}
    events: dict[str, int] = {}
    picture = [pictures.setdefault((crop.camera, crop.moment), len(pictures)) for crop in crops]
    return PackageSet(
        crops=tuple(_encoded(crop.image) for crop in crops),
        photos=tuple(map(_encoded, photos)),
        xyxy=np.array([crop.xyxy for crop in crops], np.float32).reshape(-1, 4),
        product=np.array([place[crop.seen.product] for crop in crops], np.int64),
        held=np.array([crop.seen.where == "hand" for crop in crops], np.bool_),
        visible_share=np.array([crop.seen.visible_share for crop in crops], np.float32),
        turned_deg=np.array([crop.seen.turned_deg for crop in crops], np.float32),
        pixels_per_metre=np.array([crop.seen.pixels_per_metre for crop in crops], np.float32),
        axes=np.array([crop.seen.axes for crop in crops], np.float32).reshape(-1, 2, 3),
        picture=np.array(picture, np.int64),
        event=np.array([events.setdefault(crop.event, len(events)) for crop in crops], np.int64),
        gtins=tuple(product.gtin for product in catalogue.products),
        names=tuple(product.name for product in catalogue.products),
        look=np.array(look, np.int64),
        size_m=np.array([product.size_m for product in catalogue.products], np.float32),
        neighbours=neighbours,
    )


def _look(product: Product) -> tuple[str, str]:
    """What a label shows but for the net content: the same for products that differ in size alone."""
    return (product.family or product.id, _NET.sub("", product.name))


def _encoded(image: Image) -> bytes:
    _, data = cv2.imencode(".png", image)
    return data.tobytes()


def _decoded(data: bytes) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
