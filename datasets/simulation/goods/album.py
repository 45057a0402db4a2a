"""A catalogue as a folder: what each product is, and photos of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import yaml

from datasets.simulation.furnishing.furniture import set_meshes
from datasets.simulation.goods.kept_labels import kept_label_atlas
from datasets.simulation.goods.photos import View, catalogue_photo
from datasets.simulation.render import Photographer
from store.catalogue import Catalogue

VIEWS: Final[tuple[View, ...]] = ("front", "corner")
_QUALITY: Final = 92


def write_album(folder: Path, catalogue: Catalogue, seed: int, size: int = 256) -> Iterator[Path]:
    """Write ``catalogue.yaml`` and, for each product, ``GTIN/front.jpg`` and ``GTIN/corner.jpg`` of ``size`` pixels.

    Gives each product's folder when its photos are written. ``seed`` chooses the labels' artwork. Raises ``OSError``
    and ``RendererError``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(catalogue.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    (folder / "catalogue.yaml").write_text(text, encoding="utf-8")
    with Photographer(set_meshes(), kept_label_atlas(catalogue, seed)) as photographer:
        for product in catalogue.products:
            place = folder / product.gtin
            place.mkdir(exist_ok=True)
            for view in VIEWS:
                photo = catalogue_photo(photographer, catalogue, product.id, view, size)
                _, data = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
                (place / f"{view}.jpg").write_bytes(data.tobytes())
            yield place
