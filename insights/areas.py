"""The areas of a camera's picture in which people are counted: the whole picture, and its zones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from insights.sightings import Bool, Float
from store.plan import Zone

WHOLE_PICTURE = ""


class Areas:
    """The whole picture, named ``''``, and the zones that are not for staff, in the plan's order.

    A position in a staff zone is in no area at all.
    """

    def __init__(self, zones: Sequence[Zone]) -> None:
        self.zones = tuple(zone for zone in zones if not zone.staff)
        self.names = (WHOLE_PICTURE, *(zone.name for zone in self.zones))
        self._polygons = [shapely.Polygon(zone.polygon) for zone in self.zones]
        staff = [shapely.Polygon(zone.polygon) for zone in zones if zone.staff]
        self._staff = shapely.union_all(staff) if staff else None
        for polygon in (*self._polygons, *([] if self._staff is None else [self._staff])):
            shapely.prepare(polygon)

    def __len__(self) -> int:
        return len(self.names)

    def inside(self, xy: Float) -> Bool:
        """In which areas points (n, 2) in pixels lie, (n, areas)."""
        shoppers = np.ones(len(xy), np.bool_)
        if self._staff is not None:
            shoppers &= ~shapely.intersects_xy(self._staff, xy)
        columns = [shoppers, *(shoppers & shapely.intersects_xy(polygon, xy) for polygon in self._polygons)]
        return np.column_stack(columns)
