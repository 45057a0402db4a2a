"""A whole character from its description: body, skin, clothes, hair, textures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.characters import Character, Traits
from datasets.simulation.keypoints import COCO_KEYPOINTS
from datasets.simulation.people import textures
from datasets.simulation.people.body import Body, body_of
from datasets.simulation.people.charts import laid_out, seen_from_the_side
from datasets.simulation.people.face import Face, face_texture
from datasets.simulation.people.hair import hair_patch, headgear_patch
from datasets.simulation.people.outline import outline
from datasets.simulation.people.patches import Patch, normals
from datasets.simulation.people.shape import Shape
from datasets.simulation.people.skin import HEAD_U, head_and_limbs
from datasets.simulation.people.wardrobe import Bottom, Garment, Shoes, Top, shell_of

_BONES = {"shoulder": "upperarm", "elbow": "lowerarm", "wrist": "hand", "hip": "thigh", "knee": "calf", "ankle": "foot"}


@dataclass(frozen=True, slots=True)
class Worn:
    """A garment and the look of it; ``sole`` is for shoes."""

    garment: Garment
    fabric: textures.Fabric
    sole: textures.Colour = (40, 40, 42)


@dataclass(frozen=True, slots=True)
class Person:
    """All that is to be known of someone before the body is built.

    ``outfit`` goes from the outermost garment to the innermost. ``hair_style`` is one of ``hair.STYLES`` or
    ``painted`` (only on the skin); ``headgear`` is one of ``hair.HEADGEAR`` and its colour.
    """

    traits: Traits
    shape: Shape
    outfit: tuple[Worn, ...]
    face: Face
    hair_style: str
    headgear: tuple[str, textures.Colour] | None = None


def build(name: str, person: Person, rng: np.random.Generator) -> Character:
    """The character called ``name``; ``rng`` paints the textures."""
    traits, outfit = person.traits, person.outfit
    body = body_of(person.shape, traits.height_m)
    garments = [worn.garment for worn in outfit]
    head, limbs = head_and_limbs(body, garments)
    head = _head_uv(head)
    parts = [head, limbs]
    paints = [face_texture(body, head, person.face, rng), textures.plain(traits.skin, rng)]
    for number, worn in enumerate(outfit):
        shell = shell_of(body, worn.garment, garments[:number])
        if isinstance(worn.garment, Shoes):
            parts.append(seen_from_the_side(shell, 0.30 * body.scale, 0.14 * body.scale))
            paints.append(textures.shoes(worn.fabric.colour, worn.sole, rng))
        else:
            length, half = _extent(worn.garment)
            parts.append(laid_out(shell, body, length * body.scale, half * body.scale))
            paints.append(textures.cloth(worn.fabric, length, half, rng))
    hair = hair_patch(body, person.hair_style)
    if hair is not None:
        parts.append(hair)
        paints.append(textures.hair(traits.hair, rng))
    if person.headgear is not None:
        kind, colour = person.headgear
        parts.append(headgear_patch(body, kind))
        paints.append(textures.plain(colour, rng))
    return assembled(name, traits, body, parts, np.stack(paints))


def _extent(garment: Top | Bottom) -> tuple[float, float]:
    """Metres of cloth down the texture and either side of a half's middle."""
    return (0.75 + max(garment.hem_m - 0.05, 0.0), 0.3) if isinstance(garment, Top) else (1.15, 0.35)


def _head_uv(head: Patch) -> Patch:
    """The head's part of MakeHuman's texture, stretched over a whole one, v down."""
    uv = (head.uv - [HEAD_U, 0.0]) / [1.0 - HEAD_U, 1.0]
    return Patch(head.positions, head.weights, np.column_stack([uv[:, 0], 1.0 - uv[:, 1]]), head.triangles)


def assembled(name: str, traits: Traits, body: Body, parts: list[Patch], paint: NDArray[np.uint8]) -> Character:
    """The parts as one character; part k has layer k of ``paint``."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    positions = np.concatenate([part.positions for part in parts])
    bones, weights = four_weights(np.concatenate([part.weights for part in parts]))
    dense = np.zeros((len(positions), len(body.skeleton.names)))
    np.put_along_axis(dense, bones.astype(np.int64), weights.astype(np.float64), axis=1)
    points, point_bones = _keypoints(body)
    return Character(
        name=name,
        traits=traits,
        skeleton=body.skeleton,
        positions=positions.astype(np.float32),
        normals=np.concatenate([normals(part.positions, part.triangles) for part in parts]).astype(np.float32),
        uv=np.concatenate([part.uv for part in parts]).astype(np.float32),
        layer=np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts]),
        bones=bones,
        weights=weights,
        triangles=np.concatenate([part.triangles + start for part, start in zip(parts, starts, strict=False)]).astype(
            np.int32
        ),
        textures=paint,
        outline=outline(positions, dense),
        keypoints=points,
        keypoint_bones=point_bones,
    )


def four_weights(weights: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The four strongest bones of each vertex and their weights, made to sum to 1."""
    bones = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    four = np.take_along_axis(weights, bones, axis=1)
    return bones.astype(np.uint8), (four / four.sum(axis=1, keepdims=True)).astype(np.float32)


def _keypoints(body: Body) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    skin = body.patch("body").positions
    head = body.joint("head")
    near = skin[np.abs(skin[:, 2] - head[2]) < 0.09 * body.scale]
    points: list[NDArray[np.float64]] = []
    bones: list[int] = []
    for name in COCO_KEYPOINTS:
        side, _, part = name.rpartition("_")
        if part in _BONES:
            bones.append(body.skeleton.index(f"{_BONES[part]}_{side[0]}"))
            points.append(body.joint(f"{_BONES[part]}_{side[0]}"))
            continue
        bones.append(body.skeleton.index("head"))
        if part == "nose":
            points.append(near[np.argmax(near[:, 1])])
        elif part == "eye":
            ball = body.patch(f"helper-{side[0]}-eye").positions
            points.append(ball.mean(axis=0) + np.array([0.0, np.ptp(ball[:, 1]) / 2, 0.0]))
        else:
            points.append(near[np.argmax(near[:, 0] * (1.0 if side == "right" else -1.0))])
    return np.array(points), np.array(bones, np.int64)
