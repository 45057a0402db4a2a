"""A simulated shop where nobody is, with other packages on its shelves each time, as its cameras see the slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.filming.footage import VideoFootage
from datasets.simulation.placement import standing_poses
from datasets.simulation.render.renderer import Renderer
from datasets.simulation.scenario.shelves import Contents
from datasets.simulation.scene import SceneState
from datasets.simulation.shop import load_shop
from datasets.simulation.timeline import Timeline
from store.catalogue import Catalogue, Product
from store.furniture import PlacedSlot
from store.layout import Plan
from store.plan import example_plan
from vision.shop.slot_views import SlotViews

Float = NDArray[np.float64]

SOLD = 0.25  # of the packages, at the beginning
CHANGES = 0.45  # of the slots, from one version to the next
MISPLACED = 0.12  # of these changes
SEVERAL = (0.6, 0.25, 0.15)  # of these changes are of 1, 2 and 3 packages
RATE_HZ = 5.0
FRAMES = 12  # of a version: more than from one key frame of the video to the next, from which on it shows what changed
LOOKS = (-5, -3, -1)  # of these the median is kept


@dataclass(frozen=True, slots=True)
class Stock:
    """How a slot stands: packages gone from each column (columns,), and the id of a strange product, None for none,
    that stands from where to where along the slot, ``span_m``.
    """

    gone: NDArray[np.int64]
    strange: str | None = None
    span_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Stills:
    """``stock`` is each slot's in each version; ``patches`` uint8 (versions, slots seen, ROWS, COLUMNS, 3) of the
    slots that each camera sees, by camera, as ``views`` has them; ``products`` what each slot is for.
    """

    plan: Plan
    products: tuple[Product, ...]
    stock: tuple[tuple[Stock, ...], ...]
    views: dict[str, SlotViews]
    patches: dict[str, NDArray[np.uint8]]


def drawn(seed: int, versions: int, cameras: Sequence[str]) -> Stills:
    """The nano shop of ``seed`` in ``versions`` of its stock, each a little different from the one before."""
    plan, catalogue = load_shop(example_plan("nano"), seed)
    shelves = _Shelves(plan, catalogue, np.random.default_rng([seed, 5]))
    stock, standing = [], []
    for _ in range(versions):
        stock.append(shelves.stock())
        standing.append(shelves.standing())
        shelves.change(first=len(stock) == 1)
    models = [CameraModel.of(view) for view in plan.cameras if view.camera in cameras]
    views = {model.camera: SlotViews.of(plan, model) for model in models}
    timeline = Timeline(plan, catalogue, "still", seed, 0.0, float(versions), (), {}, (), (), ())
    patches = {}
    with (
        Renderer(timeline, _StillScene(standing), models) as renderer,
        TemporaryDirectory(prefix="aisle-stills-") as folder,
    ):
        for model in models:
            name, video = model.camera, Path(folder) / f"{model.camera}.mp4"
            with VideoFootage(video, model.size, RATE_HZ, 0.0) as footage:
                for number in range(versions * FRAMES):
                    state = _nobody(float(number // FRAMES))
                    footage.write(renderer.picture(name, state, None, number).image, number / RATE_HZ)
            patches[name] = _looks(video, views[name], versions)
    products = tuple(catalogue.product(slot.slot.product) for slot in plan.slots())
    return Stills(plan, products, tuple(stock), views, patches)


def _looks(video: Path, views: SlotViews, versions: int) -> NDArray[np.uint8]:
    """What each version looks like, out of its video: a camera's encoder leaves out what hardly changes."""
    rows, found = np.arange(len(views)), []
    with av.open(str(video)) as container:
        pictures = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    for version in range(versions):
        own = pictures[version * FRAMES : (version + 1) * FRAMES]
        found.append(np.median([views.patches(own[n], rows) for n in LOOKS], axis=0).astype(np.uint8))
    return np.array(found)


class _Shelves:
    """The stock of every slot; columns are emptied from the front row backwards, in each row from the top."""

    def __init__(self, plan: Plan, catalogue: Catalogue, rng: np.random.Generator) -> None:
        self._slots, self._catalogue, self._rng = plan.slots(), catalogue, rng
        self._poses = [standing_poses(slot, catalogue.product(slot.slot.product)) for slot in self._slots]
        self._full = [poses.shape[1] * poses.shape[2] for poses in self._poses]
        self._gone = [rng.binomial(n, SOLD, len(p)) for p, n in zip(self._poses, self._full, strict=True)]
        self._strange: list[tuple[str, Float] | None] = [None] * len(self._slots)

    def stock(self) -> tuple[Stock, ...]:
        """How each slot stands now."""
        found = []
        for slot, gone, other in zip(self._slots, self._gone, self._strange, strict=True):
            if other is None:
                found.append(Stock(gone.copy()))
                continue
            along = float((other[1][:2, 3] - np.array(slot.corner[:2])) @ np.array(slot.along))
            half = self._catalogue.product(other[0]).size_m[0] / 2
            found.append(Stock(gone.copy(), other[0], (along - half, along + half)))
        return tuple(found)

    def standing(self) -> dict[str, NDArray[np.float32]]:
        """Poses (n, 4, 4) of all packages by product."""
        found: dict[str, list[Float]] = {}
        for place, slot in enumerate(self._slots):
            found.setdefault(slot.slot.product, []).append(self._own(place))
            if (other := self._strange[place]) is not None:
                found.setdefault(other[0], []).append(other[1][None])
        return {product: np.concatenate(poses).astype(np.float32) for product, poses in found.items()}

    def change(self, *, first: bool) -> None:
        """Take packages from, or put some into, some of the slots; ``first``: nothing strange yet."""
        rng = self._rng
        for place, slot in enumerate(self._slots):
            if self._strange[place] is not None:
                if rng.random() < 0.5:
                    self._strange[place] = None
                continue
            if rng.random() > CHANGES:
                continue
            column, kind = rng.integers(len(self._gone[place])), rng.random()
            if kind < MISPLACED and not first:
                self._misplace(place, slot)
            else:
                many = 1 + int(rng.choice(len(SEVERAL), p=SEVERAL))
                gone = self._gone[place][column] + (many if kind < (1.0 + MISPLACED) / 2 else -many)
                self._gone[place][column] = min(max(gone, 0), self._full[place])

    def _misplace(self, place: int, slot: PlacedSlot) -> None:
        other = self._catalogue.products[self._rng.integers(len(self._catalogue.products))]
        if other.id == slot.slot.product:
            return
        contents = Contents(slot)
        for number, pose in enumerate(self._own(place)):
            contents.add(number, self._catalogue.product(slot.slot.product), pose)
        pose = contents.free_place(other, False, float(self._rng.uniform(0, slot.width_m)))
        if pose is not None:
            self._strange[place] = (other.id, pose)

    def _own(self, place: int) -> Float:
        poses = self._poses[place]
        _, rows, layers = poses.shape[:3]
        order = np.arange(rows * layers).reshape(rows, layers)[:, ::-1].reshape(-1)
        stands = np.ones((len(poses), rows * layers), np.bool_)
        for column, gone in enumerate(self._gone[place]):
            stands[column, order[:gone]] = False
        return np.asarray(poses.reshape(len(poses), rows * layers, 4, 4)[stands])


class _StillScene:
    """What the renderer asks of a scene: the time is the version."""

    def __init__(self, versions: Sequence[dict[str, NDArray[np.float32]]]) -> None:
        self._versions = versions

    def version(self, time_s: float) -> int:
        return int(time_s)

    def standing(self, version: int, /) -> dict[str, NDArray[np.float32]]:
        return self._versions[version]

    def changed(self, old: int, new: int) -> Float:
        # A box round the whole shop: everything is drawn anew.
        return np.array([[[x, y, z] for x in (-5, 15) for y in (-5, 15) for z in (0, 3)]], np.float64)

    def light(self, time_s: float) -> Float:
        return np.ones(3)


def _nobody(time_s: float) -> SceneState:
    nobody, nothing = np.zeros(0, np.int64), np.zeros((0, 4, 4), np.float32)
    return SceneState(
        time_s=time_s,
        actors=nobody,
        matrices=np.zeros((0, 1, 3, 4), np.float32),
        joints=np.zeros((0, 1, 3)),
        palms=np.zeros((0, 2, 3)),
        xy=np.zeros((0, 2)),
        heading=np.zeros(0),
        item_product=(),
        item_pose=nothing,
        item_index=nobody,
        item_actor=nobody,
        carrier_kind=(),
        carrier_pose=nothing,
        carrier_actor=nobody,
    )
