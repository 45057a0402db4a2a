"""The truth of one camera's pictures as COCO and MOT files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from datasets.formats.coco import CocoAnnotation, CocoDataset, CocoImage, write_coco
from datasets.formats.mot import PEDESTRIAN, MotBoxes, write_mot
from datasets.simulation.truth.pictures import PictureTruth

# People of whom less is seen are flagged "not to be considered" in MOT files: nobody can follow them.
LEAST_SHARE = 0.1


@dataclass(eq=False)
class CameraTruth:
    """Gathers one camera's truth, picture by picture.

    ``size`` (width, height); ``track_ids`` names the people, in the order of ``Timeline.actors``. In MOT files their
    ids are their places there, from 1.
    """

    camera: str
    size: tuple[int, int]
    track_ids: Sequence[str]
    images: list[CocoImage] = field(default_factory=list)
    annotations: list[CocoAnnotation] = field(default_factory=list)
    _rows: list[tuple[float, ...]] = field(default_factory=list)
    _shares: list[float] = field(default_factory=list)

    def add(self, truth: PictureTruth, file_name: str, captured_at: float, stamped_at: float) -> None:
        """Add the next picture; the times are seconds since 1970 in UTC, true and by the camera's clock."""
        index = len(self.images)
        width, height = self.size
        self.images.append(
            {
                "id": index + 1,
                "file_name": file_name,
                "width": width,
                "height": height,
                "frame_index": index,
                "captured_at": round(captured_at, 6),
                "stamped_at": round(stamped_at, 6),
            }
        )
        boxes = truth.full_xyxy.round(2).tolist()
        seen = truth.visible_xyxy.tolist()
        for n, actor in enumerate(truth.actor.tolist()):
            x1, y1, x2, y2 = boxes[n]
            share = round(float(truth.visible_share[n]), 3)
            flag = float(share >= LEAST_SHARE)
            self._rows.append((index + 1, actor + 1, x1, y1, x2 - x1, y2 - y1, flag))
            self._shares.append(share)
            mask = truth.masks[n]
            if mask is None:
                continue
            left, top, right, bottom = seen[n]
            keypoints = truth.keypoints[n].round(1)
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "image_id": index + 1,
                    "category_id": 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "area": int(truth.visible_area[n]),
                    "iscrowd": 0,
                    "segmentation": mask,
                    "keypoints": keypoints.ravel().tolist(),
                    "num_keypoints": int(np.count_nonzero(keypoints[:, 2])),
                    "track_id": self.track_ids[actor],
                    "bbox_full": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
                    "visible_share": share,
                    "xy_m": truth.xy_m[n].round(3).tolist(),
                }
            )

    def coco(self, info: dict[str, object] | None = None) -> CocoDataset:
        """All pictures so far as a COCO dataset: the people of whom at least one pixel is seen."""
        return CocoDataset(self.images, self.annotations, info={"description": f"camera {self.camera}", **(info or {})})

    def mot(self) -> MotBoxes:
        """All pictures so far as MOT boxes of whole bodies, with their visible share.

        The flag is 0 where less than a tenth is seen.
        """
        rows = np.array(self._rows, np.float64).reshape(-1, 7)
        return MotBoxes.from_rows(rows, np.full(len(rows), PEDESTRIAN, np.int64), np.array(self._shares, np.float64))

    def write(self, folder: Path, info: dict[str, object] | None = None) -> None:
        """Write ``coco.json`` and ``mot.txt`` into ``folder``."""
        write_coco(folder / "coco.json", self.coco(info))
        write_mot(folder / "mot.txt", self.mot())
