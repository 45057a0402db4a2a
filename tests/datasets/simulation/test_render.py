import dataclasses
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cameras.geometry import CameraModel, look_at
from datasets.simulation.characters import Character, Skeleton, Traits
from datasets.simulation.meshes import FLOOR_TILES, PLAIN, Instances, Mesh
from datasets.simulation.performance import Carrier
from datasets.simulation.render import CameraLook, Photographer, Renderer, RendererError, Setting, camera_look
from store.catalogue import Catalogue, Package, Product
from store.layout import Floor, Plan

SIZE = (160, 90)
# No noise, no softness beyond the drawing's own, no JPEG: what is drawn is what is measured.
PLAIN_LOOK = CameraLook(
    noise=0.0, dark_noise=0.0, wobble=0.0, softness_px=0.5, halo=0.0, vignetting=0.0, jpeg_quality=None
)
NAMES = ("pelvis", "spine_03", "neck_01", "foot_l", "foot_r", "ball_l", "ball_r")
HEADS = np.array(
    [(0, 0, 0.9), (0, 0, 1.2), (0, 0, 1.5), (-0.1, 0, 0.05), (0.1, 0, 0.05), (-0.1, 0.1, 0), (0.1, 0.1, 0)]
)


def block() -> Mesh:
    """A cube: x, y in -.5..5, z in 0..1."""
    faces = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            normal = np.roll([sign, 0.0, 0.0], axis)
            u = np.roll([0.0, 1.0, 0.0], axis)
            v = np.cross(normal, u)
            faces.append((normal, [normal / 2 + (a * u + b * v) / 2 for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]))
    positions = np.array([corner for _, corners in faces for corner in corners]) + np.array([0, 0, 0.5])
    normals = np.repeat([normal for normal, _ in faces], 4, axis=0)
    quads = 4 * np.arange(6)[:, None]
    triangles = np.concatenate([quads + np.array([0, 1, 2]), quads + np.array([0, 2, 3])]).astype(np.int32)
    uv = np.tile([(0, 1), (1, 1), (1, 0), (0, 0)], (6, 1))
    return Mesh(positions.astype(np.float32), normals.astype(np.float32), uv.astype(np.float32), triangles)


def boxes(*parts: tuple[Any, Any, Any], layer: int = PLAIN) -> Instances:
    """Blocks of (middle of the base, size, colour)."""
    matrices = np.array([np.diag([*size, 1.0]) for _, size, _ in parts], np.float32)
    matrices[:, :3, 3] = [at for at, _, _ in parts]
    colour = np.array([[*paint, 0.0] for _, _, paint in parts], np.float32)
    n = len(parts)
    return Instances("block", matrices, colour, np.full(n, layer, np.int32), np.ones(n, np.float32))


def figure() -> Character:
    """A post of 0.3 x 0.3 x 1.7 m in bright red that moves as one."""
    mesh = block()
    n = len(mesh.positions)
    bones = np.zeros((n, 4), np.uint8)
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1))
    skeleton = Skeleton(NAMES, np.array([-1, 0, 1, 0, 0, 3, 4]), HEADS, HEADS + np.array([0, 0, 0.1]))
    cloth = np.full((1, 8, 8, 4), 255, np.uint8)
    cloth[..., 1:3] = 10
    traits = Traits(1.7, 30, 0.5, 0.5, (200, 0, 0), (0, 0, 0), "bald", "post", "post")
    return Character(
        "post",
        traits,
        skeleton,
        mesh.positions * np.array([0.3, 0.3, 1.7], np.float32),
        mesh.normals,
        mesh.uv,
        np.zeros(n, np.int32),
        bones,
        weights,
        mesh.triangles,
        cloth,
        np.arange(n),
    )


@dataclasses.dataclass
class Shelf:
    """A still scene: packages that stand at ``spots``; in version 1 the first of them is gone."""

    spots: tuple[tuple[float, float, float], ...] = ()
    level: float = 1.0

    def version(self, time_s: float) -> int:
        return int(time_s >= 10)

    def standing(self, version: int) -> dict[str, Any]:
        poses = np.tile(np.eye(4, dtype=np.float32), (len(self.spots), 1, 1))
        poses[:, :3, 3] = np.array(self.spots).reshape(-1, 3)
        return {"box-01": poses[version:]}

    def changed(self, old: int, new: int) -> Any:
        unit = np.array([[x, y, z] for x in (-0.1, 0.1) for y in (-0.1, 0.1) for z in (0.0, 0.2)])
        return np.array([unit + self.spots[0]]) if old != new else np.zeros((0, 8, 3))

    def light(self, time_s: float) -> Any:
        return np.full(3, self.level)


def moment(people: list[Any], items: Any = (), time_s: float = 0.0, carriers: Any = ()) -> Any:
    """People who stand at (x, y), and packages at (x, y, z)."""
    matrices = np.zeros((len(people), len(NAMES), 3, 4), np.float32)
    matrices[..., :3] = np.eye(3)
    poses = np.tile(np.eye(4, dtype=np.float32), (len(items), 1, 1))
    carried = np.tile(np.eye(4, dtype=np.float32), (len(carriers), 1, 1))
    for n, xy in enumerate(people):
        matrices[n, :, :2, 3] = xy
    for n, xyz in enumerate(items):
        poses[n, :3, 3] = xyz
    for n, xyz in enumerate(carriers):
        carried[n, :3, 3] = xyz
    at = np.array([(*xy, 0.0) for xy in people]).reshape(-1, 1, 3)
    return SimpleNamespace(
        time_s=time_s,
        actors=np.arange(len(people)),
        matrices=matrices,
        joints=HEADS + at,
        item_product=("box-01",) * len(items),
        item_pose=poses,
        item_index=np.arange(len(items)),
        item_actor=np.zeros(len(items), int),
        carrier_kind=(Carrier.BASKET,) * len(carriers),
        carrier_pose=carried,
        carrier_actor=np.zeros(len(carriers), int),
    )


def camera(position: Any = (0.0, -4.0, 2.6), target: Any = (0.0, 0.0, 0.8), k1: float = -0.25) -> CameraModel:
    matrix = np.array([[90.0, 0, 82.0], [0, 92.0, 43.0], [0, 0, 1]])
    turn = look_at(np.array(position), np.array(target))
    return CameraModel("cam", SIZE, matrix, np.array([k1, 0.05, 0.002, -0.003, 0.0]), turn, np.array(position))


def renderer(
    fixed: Any = (), scene: Any = None, look: CameraLook = PLAIN_LOOK, seed: int = 3, view: Any = None
) -> Renderer:
    product = Product(
        id="box-01",
        gtin="00000000000017",
        name="Box",
        brand="B",
        package=Package.BOX,
        size_m=(0.2, 0.2, 0.2),
        weight_g=100,
        price=1,
    )
    catalogue = Catalogue(products=(product,))
    floor = boxes(((0, 0, -0.1), (12, 12, 0.1), (0.4, 0.4, 0.4)), layer=FLOOR_TILES)
    meshes = {"block": block(), "box": block(), "prop-basket": block()}
    labels = np.full((1, 16, 16, 4), 255, np.uint8)
    labels[..., 0:2] = 20
    setting = Setting(catalogue, meshes, (floor, *fixed), labels)
    plan = Plan(store="s", floor=Floor(polygon=((-6, -6), (6, -6), (6, 6), (-6, 6))))
    timeline: Any = SimpleNamespace(
        seed=seed, plan=plan, catalogue=catalogue, actors=[SimpleNamespace(character=figure())] * 3
    )
    return Renderer(timeline, scene or Shelf(), [view or camera()], setting=setting, looks={"cam": look})


def middle(mask: Any) -> Any:
    """The middle (x, y) of a mask, pixel i covering i to i + 1."""
    y, x = np.nonzero(mask)
    return np.array([x.mean() + 0.5, y.mean() + 0.5])


@pytest.mark.parametrize("at", [(0.0, 0.0, 0.8), (-2.0, 0.5, 0.1), (1.9, -1.0, 1.0), (2.2, 2.0, 0.3)])
def test_a_held_item_lies_where_the_camera_model_puts_it(at: Any) -> None:
    view = camera()
    with renderer(view=view) as draw:
        picture = draw.picture("cam", moment([(5.0, 5.0)], items=[at]), None, 0)
    wanted = view.project(np.array(at) + np.array([0, 0, 0.1]))
    assert picture.image.shape == (90, 160, 3)
    assert picture.ids.shape == (90, 160)
    assert np.abs(middle(picture.ids == 128) - wanted).max() < 1.0


@pytest.mark.parametrize("at", [(-2.0, 0.5, 0.1), (1.9, -1.0, 1.0), (0.0, 3.0, 0.0)])
def test_a_still_thing_lies_where_the_camera_model_puts_it(at: Any) -> None:
    view = camera()
    with renderer([boxes((at, (0.2, 0.2, 0.2), (0, 1, 0)))], view=view) as draw:
        image = draw.picture("cam", moment([]), None, 0).image.astype(int)
    green = image[..., 1] - image[..., 2] > 60
    assert np.abs(middle(green) - view.project(np.array(at) + np.array([0, 0, 0.1]))).max() < 1.0


def test_the_mask_says_who_is_where() -> None:
    people = [(-1.2, 0.0), (0.6, 1.0)]
    state = moment(people, carriers=[(1.6, 0.0, 0.2)])
    with renderer() as draw:
        picture = draw.picture("cam", state, None, 0)
    for n in range(2):
        for x, y in camera().project(state.joints[n, :3]).astype(int):
            assert picture.ids[y, x] == n + 1
            assert picture.image[y, x, 2] > picture.image[y, x, 0] + 40
    x, y = camera().project(np.array([1.6, 0.0, 0.5])).astype(int)
    assert picture.ids[y, x] == 255
    assert set(np.unique(picture.ids)) == {0, 1, 2, 255}


def test_furniture_hides_who_stands_behind_it() -> None:
    counter = boxes(((0, -1.0, 0), (2.0, 0.1, 1.0), (0.5, 0.5, 0.5)))
    state = moment([(0.0, 0.0)])
    with renderer([counter]) as draw:
        ids = draw.picture("cam", state, None, 0).ids
    head, foot = camera().project(np.array([[0, 0, 1.6], [0, 0, 0.1]])).astype(int)
    assert ids[head[1], head[0]] == 1
    assert ids[foot[1], foot[0]] == 0
    with renderer([counter]) as draw:
        before_it = draw.picture("cam", moment([(0.0, -1.6)]), None, 0).ids
    foot = camera().project(np.array([0, -1.6, 0.2])).astype(int)
    assert before_it[foot[1], foot[0]] == 1


def test_the_nearer_person_hides_the_other() -> None:
    with renderer() as draw:
        ids = draw.picture("cam", moment([(0.0, 1.0), (0.0, -1.0)]), None, 0).ids
    x, y = camera().project(np.array([0.0, -1.0, 1.0])).astype(int)
    assert ids[y, x] == 2


SPOTS = ((0.5, 0.5, 0.6), (0.72, 0.5, 0.6), (-1.0, 1.0, 0.6))


def test_a_pick_draws_again_what_it_changes_and_nothing_else() -> None:
    board = boxes(((0, 0.7, 0.5), (3.0, 0.6, 0.1), (0.7, 0.7, 0.7)))
    look = dataclasses.replace(PLAIN_LOOK, softness_px=1.2, halo=0.5)
    with renderer([board], Shelf(SPOTS), look) as draw:
        full = draw.picture("cam", moment([]), None, 0).image
        picked = draw.picture("cam", moment([], time_s=10.0), None, 0).image
        put_back = draw.picture("cam", moment([]), None, 0).image
    with renderer([board], Shelf(SPOTS), look) as draw:
        afresh = draw.picture("cam", moment([], time_s=10.0), None, 0).image
    assert np.array_equal(picked, afresh)
    assert np.array_equal(put_back, full)
    y, x = np.nonzero((full != picked).any(axis=-1))
    corners = camera().project(
        np.array(SPOTS[0]) + [[a, b, c] for a in (-0.1, 0.1) for b in (-0.1, 0.1) for c in (0, 0.2)]
    )
    assert len(x) > 20
    assert (np.stack([x, y], -1) >= corners.min(axis=0) - 6).all()
    assert (np.stack([x, y], -1) <= corners.max(axis=0) + 6).all()


def test_the_same_seed_gives_the_same_picture() -> None:
    look = dataclasses.replace(camera_look(3, "cam"), noise=0.05)
    state, before = moment([(0.0, 0.0)], items=[(1.0, 0.0, 1.0)]), moment([(0.03, 0.0)], items=[(1.0, 0.0, 1.02)])
    with renderer(look=look) as draw, renderer(look=look) as other, renderer(look=look, seed=4) as elsewhere:
        first = draw.picture("cam", state, before, 7)
        draw.picture("cam", moment([(1.0, 1.0), (0.0, 0.0)]), None, 8)
        again = draw.picture("cam", state, before, 7)
        same = other.picture("cam", state, before, 7)
        next_ = draw.picture("cam", state, before, 8)
        different = elsewhere.picture("cam", state, before, 7)
    for picture in (again, same):
        assert np.array_equal(first.image, picture.image)
        assert np.array_equal(first.ids, picture.ids)
        assert first.jpeg == picture.jpeg
    assert (first.image != next_.image).mean() > 0.3
    assert (first.image != different.image).mean() > 0.3
    assert np.array_equal(first.ids, different.ids)


def test_dimmer_lights_give_a_darker_picture_though_the_camera_answers() -> None:
    def brightness(level: float) -> float:
        with renderer(scene=Shelf(level=level)) as draw:
            return float(draw.picture("cam", moment([]), None, 0).image.mean())

    dark, dim, normal = brightness(0.05), brightness(0.4), brightness(1.0)
    assert dark < dim - 15 < normal - 30
    assert dark > 5


def test_noise_is_as_strong_as_the_look_says() -> None:
    def spread(noise: float) -> Any:
        look = dataclasses.replace(PLAIN_LOOK, noise=noise, exposure=0.5)
        with renderer(look=look) as draw:
            pictures = [draw.picture("cam", moment([]), None, n).image for n in range(12)]
        stack = np.array(pictures, np.float64)[:, 60:80, 60:100, 1] / 255
        linear = ((stack + 0.055) / 1.055) ** 2.4
        return (linear.std(axis=0, ddof=1) / np.sqrt(linear.mean(axis=0))).mean()

    assert spread(0.0) < 1e-12
    assert spread(0.03) == pytest.approx(0.03, rel=0.15)
    assert spread(0.06) == pytest.approx(0.06, rel=0.15)


def test_who_moves_is_smeared_along_the_way_and_the_mask_is_not() -> None:
    state, before = moment([(0.0, 0.0)]), moment([(-0.25, 0.0)])
    with renderer() as draw:
        sharp, blurred = draw.picture("cam", state, None, 0), draw.picture("cam", state, before, 0)
    assert np.array_equal(sharp.ids, blurred.ids)
    row = int(camera().project(np.array([0.0, 0.0, 1.0]))[1])
    redness = [picture.image[row, :, 2].astype(int) - picture.image[row, :, 0] for picture in (sharp, blurred)]
    steepest = [np.abs(np.diff(red)).max() for red in redness]
    assert steepest[1] < 0.9 * steepest[0]
    assert np.argmax(redness[1] > 40) < np.argmax(redness[0] > 40)


def test_people_cast_shadows_on_the_floor() -> None:
    with renderer() as draw:
        alone = draw.picture("cam", moment([]), None, 0).image.astype(int)
        shaded = draw.picture("cam", moment([(0.0, 0.5)]), None, 0)
    x, y = camera().project(np.array([0.0, 0.25, 0.0])).astype(int)
    far_x, far_y = camera().project(np.array([-2.3, 0.5, 0.0])).astype(int)
    assert shaded.ids[y, x] == 0
    assert shaded.image[y, x].astype(int).sum() < alone[y, x].sum() - 30
    assert abs(shaded.image[far_y, far_x].astype(int) - alone[far_y, far_x]).max() <= 1


def test_jpeg_is_the_file_that_the_image_was_read_from() -> None:
    import cv2

    with renderer(look=dataclasses.replace(PLAIN_LOOK, jpeg_quality=80)) as draw:
        picture = draw.picture("cam", moment([(0.0, 0.0)]), None, 0)
    assert picture.jpeg is not None
    assert np.array_equal(cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR), picture.image)
    with renderer() as draw:
        assert draw.picture("cam", moment([]), None, 0).jpeg is None


def test_looks_of_one_shop_are_alike_and_follow_the_seed() -> None:
    assert camera_look(1, "a") == camera_look(1, "a")
    assert camera_look(1, "a") != camera_look(1, "b")
    assert camera_look(1, "a").jpeg_quality == camera_look(1, "b").jpeg_quality
    assert len({camera_look(seed, "a").halo for seed in range(20)}) == 20


def test_it_draws_in_any_thread_and_beside_others() -> None:
    state = moment([(0.0, 0.0)])
    found = []

    def work() -> None:
        with renderer() as draw:
            found.append(draw.picture("cam", state, None, 0).image)

    with renderer() as here:
        wanted = here.picture("cam", state, None, 0).image
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 2
        assert all(np.array_equal(image, wanted) for image in found)
        assert np.array_equal(here.picture("cam", state, None, 0).image, wanted)


def test_what_cannot_be_drawn_is_refused() -> None:
    draw = renderer()
    with pytest.raises(RendererError, match=r"no camera 'door'.*cam"):
        draw.picture("door", moment([]), None, 0)
    draw.close()
    draw.close()
    with pytest.raises(RendererError, match="closed"):
        draw.picture("cam", moment([]), None, 0)


def test_without_a_driver_it_says_what_to_install() -> None:
    script = (
        "from datasets.simulation.render.gl import RendererError, open_context\n"
        "try:\n    open_context()\nexcept RendererError as error:\n    print(error)\n"
    )
    blind = {"__EGL_VENDOR_LIBRARY_FILENAMES": "/nowhere.json", "PATH": "/usr/bin:/bin"}
    said = subprocess.run([sys.executable, "-c", script], env=blind, capture_output=True, text=True, check=True)
    assert "libegl1 libegl-mesa0 libgl1-mesa-dri" in said.stdout


def test_a_photo_shows_the_thing_before_white() -> None:
    view = camera(position=(0.0, -1.0, 0.6), target=(0.0, 0.0, 0.1), k1=0.0)
    with Photographer({"block": block()}, np.full((1, 4, 4, 4), 255, np.uint8)) as photographer:
        photo = photographer.photo([boxes(((0, 0, 0), (0.2, 0.2, 0.2), (1, 0, 0)))], view)
        assert np.array_equal(photo, photographer.photo([boxes(((0, 0, 0), (0.2, 0.2, 0.2), (1, 0, 0)))], view))
    x, y = view.project(np.array([0, 0, 0.1])).astype(int)
    assert photo[y, x, 2] > 150
    assert photo[y, x, 0] < 60
    assert (photo[0, 0] == 255).all()


def test_torch_compiles_in_a_process_that_has_drawn() -> None:
    # Mesa and triton each bring an LLVM: whichever comes second crashes, unless triton's was there first.
    program = "from datasets.simulation.render.gl import open_context; open_context().release(); import torch._dynamo"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
