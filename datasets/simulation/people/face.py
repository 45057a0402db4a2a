"""The head's texture: skin with redder cheeks, lips, brows, eyes, stubble or beard, and the scalp under the hair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator

from datasets.simulation.people.body import Body
from datasets.simulation.people.hair import hairline
from datasets.simulation.people.patches import Patch
from datasets.simulation.people.skin import EYE_SIZE, EYE_UV, HEAD_U
from datasets.simulation.people.source import fetch
from datasets.simulation.people.textures import SIZE, Colour, Floats, Texture, finished, folds


@dataclass(frozen=True, slots=True)
class Face:
    """``hair`` colours brows, beard and scalp; ``scalp`` 0..1 how much of the hair's ground is painted; ``beard`` 0
    (shaved) to 1 (full); ``lips`` 0..1 how red.
    """

    skin: Colour
    hair: Colour
    scalp: float
    beard: float
    lips: float


def face_texture(body: Body, head: Patch, face: Face, rng: np.random.Generator) -> Texture:
    """The texture of ``head``, whose uv lie in the texture (v down)."""
    place = _positions(head)
    s = body.scale
    eyes = [body.patch(f"helper-{side}-eye").positions.mean(axis=0) for side in "lr"]
    middle = (eyes[0] + eyes[1]) / 2
    x, y, z = np.moveaxis((place - middle) / s, -1, 0)
    half = abs(eyes[1][0] - eyes[0][0]) / 2 / s
    skin, hair = np.array(face.skin, np.float64), np.array(face.hair, np.float64)
    rgb = skin * (1.0 + 0.035 * folds(rng)[..., None] + 0.02 * rng.standard_normal((SIZE, SIZE, 1)))

    def blended(colour: Floats, share: Floats) -> Floats:
        share = np.clip(share, 0.0, 1.0)[..., None]
        return np.asarray(rgb * (1.0 - share) + colour * share)

    ahead = np.clip((y + 0.05) / 0.03, 0.0, 1.0)
    red = skin * [1.04, 0.80, 0.78]
    cheek = np.exp(-(((np.abs(x) - 0.035) / 0.018) ** 2) - ((z + 0.035) / 0.02) ** 2)
    nose = np.exp(-((x / 0.012) ** 2) - ((z + 0.035) / 0.015) ** 2)
    rgb = blended(red, ahead * (0.5 * cheek + 0.35 * nose))
    # The eyes' hollows are darker.
    hollow = np.exp(-(((np.abs(x) - half) / 0.019) ** 2) - ((z - 0.002) / 0.011) ** 2)
    rgb = blended(skin * 0.62, 0.55 * ahead * hollow)
    arch = 0.021 - 0.10 * np.maximum(np.abs(x) - half, 0.0)
    brow = (np.abs(z - arch) < 0.0042) & (np.abs(np.abs(x) - half - 0.002) < 0.019) & (y > -0.03)
    rgb = blended(0.75 * hair + 0.1 * skin, 0.85 * cv2.GaussianBlur(brow.astype(np.float64), (0, 0), 1.0))
    jaw = np.clip((-0.038 - z + 0.9 * np.clip(-y - 0.02, 0.0, 0.05)) / 0.012, 0.0, 1.0)
    under = np.clip((z + 0.135 + 0.2 * np.clip(-y - 0.02, 0, 1)) / 0.012, 0.0, 1.0)
    side = np.clip((y + 0.085) / 0.012, 0.0, 1.0)
    mouth = (np.abs(x) < 0.022) & (np.abs(z + 0.068) < 0.006)
    rgb = blended(0.8 * hair + 0.1 * skin, 0.85 * face.beard * jaw * under * side * (1.0 - mouth))
    lips = _mask("lips")
    rgb = blended(skin * [0.92, 0.62, 0.62], (0.45 + 0.5 * face.lips) * lips)
    grown = np.clip(hairline(body, place.reshape(-1, 3)).reshape(SIZE, SIZE) / (0.006 * s) + 0.5, 0.0, 1.0)
    rgb = blended(0.95 * hair, face.scalp * grown)
    return finished(_with_eyes(rgb, rng))


def _with_eyes(rgb: Floats, rng: np.random.Generator) -> Floats:
    """White, iris and pupil where the eyes' uv lie."""
    u = (np.arange(SIZE) + 0.5) / SIZE * (1.0 - HEAD_U) + HEAD_U
    v = 1.0 - (np.arange(SIZE) + 0.5) / SIZE
    x, y = np.meshgrid((u - EYE_UV[0]) / EYE_SIZE, (v - EYE_UV[1]) / EYE_SIZE)
    far = np.hypot(x, y)[..., None]
    iris = np.array(((70, 48, 30), (60, 74, 84), (84, 76, 48))[int(rng.integers(3))], np.float64)
    eye = np.where(far < 0.2, 12.0, np.where(far < 0.5, iris, np.array([196.0, 190.0, 184.0])))
    return np.where(far < 1.6, eye, rgb)


def _positions(head: Patch) -> Floats:
    """Where on the body each texel lies: (SIZE, SIZE, 3), metres."""
    texel = (np.arange(SIZE) + 0.5) / SIZE
    column, row = np.meshgrid(texel, texel)
    inside = LinearNDInterpolator(head.uv, head.positions)(np.column_stack([column.ravel(), row.ravel()]))
    far = head.positions.mean(axis=0) - [0.0, 1.0, 1.0]
    return np.asarray(np.where(np.isnan(inside), far, inside).reshape(SIZE, SIZE, 3))


@cache
def _mask(name: str) -> NDArray[np.float64]:
    """One of MPFB2's masks, the head's part of it stretched over a whole texture, 0..1."""
    image = cv2.imread(str(fetch() / "textures" / f"mpfb_{name}.jpg"), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    right = np.asarray(image, np.float64)[:, round(HEAD_U * image.shape[1]) :]
    return np.asarray(cv2.resize(right, (SIZE, SIZE), interpolation=cv2.INTER_AREA) / 255.0, np.float64)
