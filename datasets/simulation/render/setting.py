"""What a shop is made of for the renderer: meshes, furniture and printed labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.furnishing.furniture import package_instances, set_meshes, shop_set
from datasets.simulation.furnishing.props import prop_colour, prop_name
from datasets.simulation.goods.kept_labels import kept_label_atlas
from datasets.simulation.meshes import PLAIN, Instances, Mesh
from datasets.simulation.performance import Carrier
from store.catalogue import Catalogue
from store.layout import Plan


@dataclass(frozen=True, eq=False)
class Setting:
    """``meshes`` by the names that ``Instances`` use; ``fixed`` is the furniture; ``labels`` uint8 (k, size, size, 4)
    are the packages' prints, one a product of ``catalogue``.
    """

    catalogue: Catalogue
    meshes: Mapping[str, Mesh]
    fixed: tuple[Instances, ...]
    labels: NDArray[np.uint8]

    def packages(self, products: Mapping[str, NDArray[np.float32]]) -> list[Instances]:
        """Packages at poses (n, 4, 4) of the package frame, by product id."""
        if not products:
            return []
        names = [product for product, poses in products.items() for _ in poses]
        return package_instances(self.catalogue, names, np.concatenate(list(products.values())))

    def carrier(self, kind: Carrier, pose: NDArray[np.float32]) -> Instances:
        """A basket, trolley or bag at ``pose`` (4, 4)."""
        colour = np.array([prop_colour(kind)], np.float32)
        return Instances(prop_name(kind), pose[None], colour, np.full(1, PLAIN, np.int32), np.ones(1, np.float32))


def shop_setting(plan: Plan, catalogue: Catalogue, seed: int) -> Setting:
    """The setting of ``plan``, its furniture and labels by ``seed``."""
    return Setting(
        catalogue=catalogue,
        meshes=set_meshes(),
        fixed=shop_set(plan, seed, catalogue),
        labels=kept_label_atlas(catalogue, seed),
    )
