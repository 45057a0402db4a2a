"""WILDTRACK-style JSON: people on a floor and their boxes in several calibrated cameras, without pictures.

One JSON file, maybe gzipped: ``fps``, ``size`` [width, height], ``cams`` the cameras' names and ``frames``, each with
``p`` = [id, X m, Y m, [[camera, x1, y1, x2, y2], ...]]. Beside it, ``calibrations/extrinsic/extr_NAME.xml`` (``rvec``
and ``tvec`` in centimetres, OpenCV's) and ``calibrations/intrinsic_zero/intr_NAME.xml`` (``camera_matrix``,
``distortion_coefficients``), as EPFL's WILDTRACK has them (Chavdarova et al., CVPR 2018).
"""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.floor_scene import FloorScene
from datasets.sample import DatasetFileError

EXPECTED: Final = "WILDTRACK-style: FILE.json or FILE.json.gz with fps, size, cams, frames beside calibrations/"
CALIBRATIONS: Final = "calibrations"
_CM: Final = 0.01


def wildtrack_files(path: Path) -> list[Path]:
    """The files of WILDTRACK-style JSON at ``path``: itself, or those of a folder with ``calibrations/``."""
    if path.is_file():
        return [path] if (path.parent / CALIBRATIONS).is_dir() and _is_json(path) else []
    if not (path / CALIBRATIONS).is_dir():
        return []
    return sorted(file for file in path.iterdir() if _is_json(file))


def read_wildtrack(path: Path) -> FloorScene:
    """The scene of one file. Raises ``DatasetFileError`` saying what is wrong with it or with its calibration."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        document: dict[str, Any] = json.loads(raw)
        names, size = [str(name) for name in document["cams"]], document["size"]
        people, boxes = _rows(document["frames"])
        time_s = np.arange(len(document["frames"])) / float(document["fps"])
        width, height = (int(side) for side in size)
    except (OSError, ValueError, TypeError, KeyError, IndexError, EOFError, ZeroDivisionError) as error:
        raise DatasetFileError(f"{path} is no WILDTRACK-style JSON ({type(error).__name__}: {error})") from None
    camera = boxes[:, 1].astype(np.int64)
    if len(camera) and not 0 <= camera.min() <= camera.max() < len(names):
        raise DatasetFileError(f"{path}: a box is of camera {camera.max()}, and there are {len(names)} from 0")
    return FloorScene(
        path.name.split(".")[0],
        tuple(read_camera(path.parent / CALIBRATIONS, name, (width, height)) for name in names),
        time_s,
        people[:, 0].astype(np.int64),
        people[:, 1].astype(np.int64),
        people[:, 2:],
        boxes[:, 0].astype(np.int64),
        camera,
        boxes[:, 2:],
    )


def read_camera(folder: Path, name: str, size: tuple[int, int]) -> CameraModel:
    """The camera ``name`` of a folder of calibrations, in metres. Raises ``DatasetFileError``."""
    outer, inner = folder / "extrinsic" / f"extr_{name}.xml", folder / "intrinsic_zero" / f"intr_{name}.xml"
    turn, shift = _numbers(outer, "rvec", 3), _numbers(outer, "tvec", 3) * _CM
    matrix = _numbers(inner, "camera_matrix/data", 9).reshape(3, 3)
    distortion = _numbers(inner, "distortion_coefficients/data", 5)
    rotation = np.asarray(cv2.Rodrigues(turn)[0], np.float64)
    return CameraModel(name, size, matrix, distortion, rotation, -rotation.T @ shift)


def _is_json(path: Path) -> bool:
    return path.name.endswith((".json", ".json.gz"))


def _rows(frames: list[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """People (n, 4) as frame, id, x, y and boxes (k, 6) as row of the person, camera, x1, y1, x2, y2."""
    people = [(t, person, x, y) for t, frame in enumerate(frames) for person, x, y, _ in frame["p"]]
    boxes: list[list[float]] = []
    row = 0
    for frame in frames:
        for *_, seen in frame["p"]:
            boxes += [[row, *box] for box in seen]
            row += 1
    found = np.array(people, np.float64).reshape(-1, 4), np.array(boxes, np.float64).reshape(-1, 6)
    if not all(np.isfinite(each).all() for each in found):
        raise ValueError("a number is not finite")
    return found


def _numbers(path: Path, tag: str, count: int) -> NDArray[np.float64]:
    try:
        found = ElementTree.fromstring(path.read_bytes()).findtext(tag)
        numbers = np.array([float(word) for word in (found or "").split()])
    except (OSError, ValueError, ElementTree.ParseError) as error:
        raise DatasetFileError(f"{path} is no calibration ({error})") from None
    if len(numbers) != count or not all(map(math.isfinite, numbers.tolist())):
        raise DatasetFileError(f"{path}: expected {count} numbers in {tag}, found {len(numbers)}")
    return numbers
