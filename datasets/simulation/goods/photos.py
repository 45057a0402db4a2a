"""Catalogue photos: one package before a white ground, from the front or over a corner."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel, look_at
from datasets.simulation.furnishing.furniture import package_instances
from store.catalogue import Catalogue, Package, Product

if TYPE_CHECKING:
    from datasets.simulation.render import Photographer

View = Literal["front", "corner"]
_AWAY_M = 1.5
_MARGIN = 0.08  # of the picture, on each side of the package
# Where the camera stands: degrees to the package's right from its front, and above the horizon.
_VIEWS: dict[View, tuple[float, float]] = {"front": (0.0, 6.0), "corner": (38.0, 24.0)}


def catalogue_photo(
    photographer: Photographer, catalogue: Catalogue, product: str, view: View = "front", size: int = 256
) -> NDArray[np.uint8]:
    """A photo of the product called ``product``: uint8 (size, size, 3), blue, green, red, on white.

    ``photographer`` has the meshes of ``furniture.set_meshes`` and the catalogue's labels. The package fills the
    picture but for a margin. Raises ``PlanError`` for a product that is not in the catalogue.
    """
    camera = photo_camera(catalogue.product(product), view, size)
    return photographer.photo(package_instances(catalogue, [product], np.eye(4)[None]), camera)


def photo_camera(product: Product, view: View, size: int) -> CameraModel:
    """A camera with a picture of ``size`` x ``size`` that ``product`` fills as it stands at the origin."""
    flat = product.package is Package.TRAY and view == "front"  # its print is on top
    aside, above = (math.radians(angle) for angle in ((0.0, 55.0) if flat else _VIEWS[view]))
    width, depth, height = product.size_m
    middle = np.array([0.0, 0.0, height / 2])
    towards = np.array([math.sin(aside) * math.cos(above), -math.cos(aside) * math.cos(above), math.sin(above)])
    position = middle + _AWAY_M * towards
    rotation = look_at(position, middle)
    half = width / 2, depth / 2
    corners = np.array([(x, y, z) for x in (-half[0], half[0]) for y in (-half[1], half[1]) for z in (0.0, height)])
    local = (corners - position) @ rotation.T
    plane = local[:, :2] / local[:, 2:]
    low, high = plane.min(axis=0), plane.max(axis=0)
    focal = size * (1 - 2 * _MARGIN) / float((high - low).max())
    centre = size / 2 - focal * (low + high) / 2
    matrix = np.array([[focal, 0.0, centre[0]], [0.0, focal, centre[1]], [0.0, 0.0, 1.0]])
    return CameraModel("photo", (size, size), matrix, np.zeros(5), rotation, position)
