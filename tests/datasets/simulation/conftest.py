from __future__ import annotations

import numpy as np
import pytest

from datasets.simulation.characters import Skeleton
from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.scenario import family, play
from store.plan import example_plan, load_plan

# A plain adult 1.75 m tall: bone, parent, head (x, y, z) and tail at rest; those of the left side are mirrored.
TRUNK = (
    ("Root", None, (0, -0.03, 0.01), (0, 0.02, 0.01)),
    ("pelvis", "Root", (0, 0.01, 0.94), (0, -0.02, 1.03)),
    ("spine_01", "pelvis", (0, -0.02, 1.03), (0, -0.02, 1.10)),
    ("spine_02", "spine_01", (0, -0.02, 1.10), (0, -0.02, 1.16)),
    ("spine_03", "spine_02", (0, -0.02, 1.16), (0, -0.04, 1.30)),
    ("neck_01", "spine_03", (0, 0.01, 1.50), (0, 0.04, 1.60)),
    ("head", "neck_01", (0, 0.04, 1.60), (0, 0.04, 1.75)),
)
LEFT = (
    ("thigh", "pelvis", (-0.10, 0, 0.93), (-0.15, 0.03, 0.51)),
    ("calf", "thigh", (-0.15, 0.03, 0.51), (-0.19, 0.02, 0.08)),
    ("foot", "calf", (-0.19, 0.02, 0.08), (-0.19, 0.14, 0.02)),
    ("ball", "foot", (-0.19, 0.14, 0.02), (-0.19, 0.21, 0.02)),
    ("clavicle", "spine_03", (-0.02, 0.02, 1.42), (-0.18, 0.02, 1.40)),
    ("upperarm", "clavicle", (-0.18, 0.02, 1.40), (-0.35, 0.02, 1.21)),
    ("lowerarm", "upperarm", (-0.35, 0.02, 1.21), (-0.48, 0.20, 1.08)),
    ("hand", "lowerarm", (-0.48, 0.20, 1.08), (-0.49, 0.23, 1.07)),
)
FINGERS = (
    ("index", (-0.51, 0.31, 1.05), (0.0, 0.02, -0.02)),
    ("middle", (-0.53, 0.29, 1.03), (0.0, 0.02, -0.025)),
    ("ring", (-0.54, 0.27, 1.02), (0.0, 0.016, -0.023)),
    ("pinky", (-0.54, 0.25, 1.01), (0.0, 0.008, -0.018)),
    ("thumb", (-0.48, 0.25, 1.08), (0.016, 0.03, -0.012)),
)


@pytest.fixture(scope="session")
def skeleton() -> Skeleton:
    """The game_engine rig's 53 bones with round measures; parents come first."""
    rows: list[tuple[str, str | None, np.ndarray, np.ndarray]] = [
        (name, parent, np.array(head, float), np.array(tail, float)) for name, parent, head, tail in TRUNK
    ]
    for side, mirror in (("l", (1.0, 1.0, 1.0)), ("r", (-1.0, 1.0, 1.0))):
        for name, parent, head, tail in LEFT:
            above = parent if parent in ("pelvis", "spine_03") else f"{parent}_{side}"
            rows.append((f"{name}_{side}", above, np.array(head) * mirror, np.array(tail) * mirror))
        for name, start, step in FINGERS:
            for joint in range(3):
                above = f"hand_{side}" if joint == 0 else f"{name}_0{joint}_{side}"
                head = (np.array(start) + joint * np.array(step)) * mirror
                rows.append((f"{name}_0{joint + 1}_{side}", above, head, head + np.array(step) * mirror))
    names = tuple(row[0] for row in rows)
    return Skeleton(
        names=names,
        parents=np.array([-1 if row[1] is None else names.index(row[1]) for row in rows]),
        heads=np.array([row[2] for row in rows]),
        tails=np.array([row[3] for row in rows]),
    )


@pytest.fixture(scope="session")
def played():
    """Families on the nano store by name and seed, each played once."""
    plan = load_plan(example_plan("nano"))
    catalogues, known = {}, {}

    def of(name, seed):
        if seed not in catalogues:
            catalogues[seed] = generate_catalogue(seed)
        if (name, seed) not in known:
            known[name, seed] = play(plan, catalogues[seed], family(name), seed)
        return known[name, seed]

    return of
