from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.formats.coco import CocoDataset, write_coco


def scene(seed, size=(64, 48)):
    """A picture with soft patches, unlike that of any other seed."""
    coarse = np.random.default_rng([seed, 5]).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def write_picture(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


@pytest.fixture
def coco_folder(tmp_path):
    """Makes a COCO folder from each picture's split and objects: class from 0, left, top, width, height."""

    def make(pictures, name="coco", classes=("can", "jar"), groups=None) -> Path:
        folder = tmp_path / name
        parts: dict[str, tuple[list, list]] = {}
        for number, (split, boxes) in enumerate(pictures, 1):
            write_picture(folder / "images" / f"{number}.png", scene(number))
            images, annotations = parts.setdefault(split, ([], []))
            image = {"id": number, "file_name": f"{number}.png", "width": 64, "height": 48}
            images.append(image | ({"groups": groups[number - 1]} if groups else {}))
            for label, *bbox in boxes:
                one = {"id": 100 * number + len(annotations), "image_id": number, "category_id": 3 * label + 2}
                annotations.append(one | {"bbox": bbox, "area": bbox[2] * bbox[3], "iscrowd": 0})
        (folder / "annotations").mkdir()
        for split, (images, annotations) in parts.items():
            categories = [{"id": 3 * place + 2, "name": text} for place, text in enumerate(classes)]
            write_coco(folder / "annotations" / f"{split or 'all'}.json", CocoDataset(images, annotations, categories))
        return folder

    return make
