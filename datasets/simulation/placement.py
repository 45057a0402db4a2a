"""Where packages stand in a slot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from store.catalogue import Product
from store.layout import PlacedSlot

GAP_M = 0.008  # between packages
FRONT_M = 0.015  # between a board's front edge and the front row


def capacity(slot: PlacedSlot, product: Product) -> tuple[int, int, int]:
    """Facings, rows and layers of ``product`` that the slot asks for and that fit into its width, depth and
    headroom.
    """
    width, depth, height = product.size_m
    across = int((slot.width_m + 1e-6) // (width + GAP_M))
    deep = int((slot.depth_m - FRONT_M + GAP_M + 1e-6) // (depth + GAP_M))
    high = int((min(slot.headroom_m, 100.0) - 0.02) // height)
    return min(slot.slot.facings, across), min(slot.slot.rows, deep), min(slot.slot.layers, high)


def standing_poses(slot: PlacedSlot, product: Product) -> NDArray[np.float64]:
    """Poses (facings, rows, layers, 4, 4) of the packages of a full slot, front row first, lowest layer first.

    A package's own frame has its origin in the middle of its base, x along its width, y from its front to its back, z
    up. Its front looks along the slot's normal.
    """
    facings, rows, layers = capacity(slot, product)
    _, depth, height = product.size_m
    along, normal = np.array(slot.along), np.array(slot.normal)
    column = (np.arange(facings) + 0.5) * (slot.width_m / max(facings, 1))
    row = FRONT_M + depth / 2 + np.arange(rows) * (depth + GAP_M)
    poses = np.zeros((facings, rows, layers, 4, 4))
    poses[..., 0:2, 0] = along
    poses[..., 0:2, 1] = -normal
    poses[..., 2, 2] = poses[..., 3, 3] = 1.0
    ground = np.array(slot.corner[:2]) + column[:, None, None] * along - row[None, :, None] * normal
    poses[..., 0:2, 3] = ground[:, :, None, :]
    poses[..., 2, 3] = slot.corner[2] + np.arange(layers) * height
    return poses


def grip_point(pose: NDArray[np.float64], product: Product) -> NDArray[np.float64]:
    """Where the palm goes to take a package at ``pose`` (4, 4) from its front: (3,), 3 cm before its front face's
    middle.
    """
    _, depth, height = product.size_m
    return np.asarray((pose @ [0.0, -depth / 2 - 0.03, 0.5 * height, 1.0])[:3])
