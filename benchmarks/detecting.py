"""Detectors with pre- and post-processing: ours and ultralytics' ``predict``, the same weights, the same boxes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.films import busy
from benchmarks.measure import Finding
from benchmarks.pipelines import some_pictures
from benchmarks.yolo import filled, findings, trained, untrained


def measure() -> list[Finding]:
    """YOLO26n, as small as those that shops use, and YOLOv8s, whose weights are real."""
    pictures = some_pictures(busy(), 10)
    with tempfile.TemporaryDirectory(prefix="aisle-bench-") as folder:
        small = untrained(Path(folder), pictures[:4])
        pictures = [filled(each) for each in pictures]
        return [
            *findings("YOLO26n, untrained", small, pictures, 5, 1.35),
            *findings("YOLOv8s, yolov8s-people", trained(Path(folder)), pictures[:6], 3, None),
        ]
