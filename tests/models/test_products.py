import cv2
import numpy as np
import pytest

from models.errors import EnrolmentError
from models.products.alignment import align, colour_agreement
from models.products.classes import learnt_classes, plain_classes
from models.products.embedder import DETAIL, joined, parts, unit
from models.products.enrolment import Enrolment, enrol
from models.products.keypoints import SIDE, keypoints, scaled
from models.products.measures import Measured, box_evidence
from models.products.pictures import squared, trimmed


class Colours:
    """An embedder without a network: colours of a grid, padded to the real one's length."""

    dims = DETAIL + 48

    def embed(self, images):
        return joined(self.detail(images), self.coarse(images))

    def detail(self, images):
        return np.pad(self.coarse(images), ((0, 0), (0, DETAIL - 48)))

    def coarse(self, images):
        small = [cv2.resize(image, (4, 4), interpolation=cv2.INTER_AREA).ravel() - 127.0 for image in images]
        return unit(np.array(small).reshape(-1, 48))


def label(seed, size=(160, 240)):
    """A printed front: patches, circles and letters by seed."""
    rng = np.random.default_rng(seed)
    image = np.full((size[1], size[0], 3), rng.integers(40, 200, 3), np.uint8)
    for _ in range(40):
        x, y = (int(v) for v in rng.integers(0, size))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        cv2.circle(image, (x, y), int(rng.integers(3, 22)), colour, -1)
        cv2.putText(image, chr(65 + int(rng.integers(26))), (x, y), 0, 0.9, tuple(255 - c for c in colour), 2)
    return image


def photo(front):
    """A catalogue's: on white."""
    white = np.full((front.shape[0] + 80, front.shape[1] + 120, 3), 255, np.uint8)
    white[40:-40, 60:-60] = front
    return white


def shown(front, seed, turn=20.0, scale=0.8):
    """The front held up before something: turned, smaller, darker."""
    rng = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(rng.integers(0, 256, (300, 300, 3)).astype(np.uint8), (0, 0), 4)
    height, width = front.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale)
    matrix[:, 2] += 150 - np.array([width, height]) / 2
    mask = cv2.warpAffine(np.full((height, width), 255, np.uint8), matrix, (300, 300)) > 127
    moved = cv2.warpAffine(front, matrix, (300, 300))
    return np.where(mask[..., None], (moved * 0.8).astype(np.uint8), ground)


@pytest.fixture(scope="module")
def fronts():
    return {f"{number:014d}": label(number) for number in range(6)}


@pytest.fixture(scope="module")
def shop(fronts):
    return enrol({gtin: [photo(front)] for gtin, front in fronts.items()}, Colours())


def test_a_turned_print_is_recognised_from_one_photo(fronts, shop):
    found = shop.recognise([shown(front, 50 + n) for n, front in enumerate(fronts.values())])
    assert found.best() == list(fronts)
    np.testing.assert_allclose(found.probability.sum(axis=1), 1, atol=1e-5)


def test_only_candidates_are_answered(fronts, shop):
    gtins = list(fronts)
    found = shop.recognise([shown(fronts[gtins[3]], 1)], [gtins[5], gtins[3]])
    assert found.gtins == (gtins[5], gtins[3])
    assert found.best() == [gtins[3]]


def test_an_unknown_product_is_less_known(fronts, shop):
    known = shop.recognise([shown(front, 60 + n) for n, front in enumerate(fronts.values())]).known
    unknown = shop.recognise([shown(label(100 + n), 60 + n) for n in range(6)]).known
    assert known.min() > unknown.max()
    assert ((known >= 0) & (known <= 1)).all()


def test_candidates_without_the_product_make_it_unknown(fronts, shop):
    gtins = list(fronts)
    picture = [shown(fronts[gtins[0]], 3)]
    assert shop.recognise(picture, gtins).known[0] > shop.recognise(picture, gtins[1:]).known[0]


def test_a_measured_size_tells_packages_of_one_print_apart(fronts):
    front = fronts["00000000000000"]
    sizes = {"small": 0.20, "large": 0.25}
    shop = enrol(
        {name: [photo(front)] for name in sizes},
        Colours(),
        size_m={name: (0.1, 0.1, high) for name, high in sizes.items()},
    )
    picture = shown(front, 4, turn=0.0, scale=1.0)
    high_px = front.shape[0]
    for name, height_m in sizes.items():
        assert shop.recognise([picture], measured=[Measured(high_px / height_m)]).best() == [name]


def test_a_box_tells_by_its_sides_how_large_a_package_is_where_it_is_known_how_it_stands():
    sizes = np.array([[0.1, 0.1, 0.2], [0.1, 0.1, 0.24], [0.3, 0.1, 0.2]], np.float32)
    upright = 500.0 * np.array([[1, 0, 0], [0, 0, -1]])
    stands = box_evidence(Measured(500.0, (50.0, 120.0), upright), sizes)
    assert stands.argmax() == 1
    assert stands[0] < -3
    lies = box_evidence(Measured(500.0, (120.0, 50.0), 500.0 * np.array([[0, 0, 1], [0, 1, 0]])), sizes)
    assert lies.argmax() == 1
    turned_anyhow = box_evidence(Measured(500.0, (50.0, 120.0)), sizes)
    assert turned_anyhow[:2].min() > turned_anyhow[2]
    assert not box_evidence(Measured(500.0), sizes).any()
    assert not box_evidence(Measured(500.0, (50.0, 120.0)), np.full((2, 3), np.nan, np.float32)).any()


def test_pictures_of_one_package_say_more_together(fronts, shop):
    gtins = list(fronts)
    pictures = [shown(fronts[gtins[2]], 20), np.full((30, 30, 3), 128, np.uint8), shown(fronts[gtins[2]], 21)]
    separate = shop.recognise(pictures, gtins[:4])
    found = shop.recognise_together(separate, [200, 12, 200])
    assert found.probability.shape == (1, 4)
    assert found.best() == [gtins[2]]
    assert found.probability[0, 2] > separate.probability[1, 2]


def test_nothing_to_recognise_gives_nothing(shop):
    found = shop.recognise([])
    assert found.probability.shape == (0, 6)
    assert found.known.shape == (0,)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (9, 9)])
def test_the_smallest_crops_are_answered(shop, shape):
    found = shop.recognise([np.full((*shape, 3), 128, np.uint8)])
    assert np.isfinite(found.probability).all()


def test_who_is_not_enrolled_is_named(shop):
    with pytest.raises(EnrolmentError, match="99999"):
        shop.recognise([label(0)], ["99999"])
    with pytest.raises(EnrolmentError, match="no candidates"):
        shop.recognise([label(0)], [])


def test_a_product_without_a_photo_is_refused():
    with pytest.raises(EnrolmentError, match="lonely"):
        enrol({"lonely": [], "other": [label(1)]}, Colours())


def test_an_enrolment_is_read_as_it_was_saved(fronts, shop, tmp_path):
    shop.save(tmp_path / "shop.npz")
    read = Enrolment.load(tmp_path / "shop.npz", Colours())
    pictures = [shown(front, 70) for front in fronts.values()]
    np.testing.assert_array_equal(read.recognise(pictures).probability, shop.recognise(pictures).probability)


def test_another_file_is_no_enrolment(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, version=1, gtins=np.array(["a"]))
    with pytest.raises(EnrolmentError, match="enrol the photos again"):
        Enrolment.load(path, Colours())
    path.write_bytes(b"no archive")
    with pytest.raises(EnrolmentError, match="no enrolment"):
        Enrolment.load(path, Colours())


def test_a_part_of_the_shop_answers_as_if_it_were_all(fronts, shop):
    gtins = list(fronts)[:4]
    part = shop.only(gtins)
    alone = enrol({gtin: [photo(fronts[gtin])] for gtin in gtins}, Colours())
    picture = [shown(fronts[gtins[2]], 9)]
    assert part.recognise(picture).best() == alone.recognise(picture).best() == [gtins[2]]
    np.testing.assert_allclose(part.recognise(picture).probability, alone.recognise(picture).probability, atol=0.02)


def test_photos_before_a_shelf_lose_the_shelf(fronts):
    shelf = cv2.GaussianBlur(label(200, (300, 300)), (0, 0), 1)

    def held(front, turn):
        height, width = front.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 0.7)
        matrix[:, 2] += 150 - np.array([width, height]) / 2
        mask = cv2.warpAffine(np.full((height, width), 255, np.uint8), matrix, (300, 300)) > 127
        return np.where(mask[..., None], cv2.warpAffine(front, matrix, (300, 300)), np.roll(shelf, int(turn * 5), 1))

    fronts = dict(list(fronts.items())[:3])
    shop = enrol({gtin: [held(front, turn) for turn in (-25, 0, 25)] for gtin, front in fronts.items()}, Colours())
    assert shop.classes.learnt
    assert len(shop.references.places) <= 3 * 3 * 120
    assert shop.recognise([held(front, 12) for front in fronts.values()]).best() == list(fronts)


def test_matches_that_lie_together_give_the_map_between_them():
    rng = np.random.default_rng(0)
    reference = np.column_stack([rng.uniform(0, 200, (40, 2)), rng.uniform(4, 12, 40), rng.uniform(0, 360, 40)])
    turn, scale = 0.4, 0.7
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    query = reference.copy()
    query[:, :2] = reference[:, :2] @ rotation.T + [30, 20]
    query[:, 2] *= scale
    query[:, 3] += np.degrees(turn)
    query[30:, :2] = rng.uniform(0, 200, (10, 2))
    found = align(query.astype(np.float32), reference.astype(np.float32), np.ones(40, np.float32))
    assert 30 <= found.matches <= 33
    assert found.scale == pytest.approx(scale, rel=0.02)
    np.testing.assert_allclose(found.affine[2], [30, 20], atol=1.5)


def test_scattered_matches_are_worth_little():
    rng = np.random.default_rng(1)
    query, reference = (
        np.column_stack([rng.uniform(0, 200, (60, 2)), rng.uniform(4, 12, 60), rng.uniform(0, 360, 60)]).astype(
            np.float32
        )
        for _ in range(2)
    )
    assert align(query, reference, np.ones(60, np.float32)).matches < 8


def test_colours_agree_with_their_own_print_only(fronts):
    one, other = list(fronts.values())[:2]
    same = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    assert colour_agreement(scaled(one), scaled(one, 64), same) > 0.9
    assert colour_agreement(scaled(one), scaled(other, 64), same) < 0.5


def test_keypoints_lie_in_the_unit_of_places(fronts):
    found = keypoints(next(iter(fronts.values())), 100)
    assert 50 < len(found) <= 110
    assert found.places[:, :2].max() <= SIDE
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-4)


def test_what_varies_within_classes_is_weighed_down():
    rng = np.random.default_rng(2)
    means = np.concatenate([np.zeros((5, 2)), rng.normal(0, 1.0, (5, 10))], axis=1)
    varies = np.array([10.0] * 2 + [0.5] * 10)
    owner = np.repeat(np.arange(5), 40)
    enrolled, asked = (means[owner] + rng.normal(0, varies, (200, 12)) for _ in range(2))
    classes = learnt_classes(enrolled.astype(np.float32), owner, 5)
    found = classes.distances(asked.astype(np.float32)).argmin(axis=1)
    mean = np.stack([enrolled[owner == c].mean(axis=0) for c in range(5)])
    nearest = np.linalg.norm(asked[:, None] - mean, axis=2).argmin(axis=1)
    assert classes.axes.shape == (12, 4)
    assert (found == owner).mean() > 0.95
    assert (nearest == owner).mean() < 0.7


def test_what_belongs_to_no_class_is_far_from_all():
    rng = np.random.default_rng(5)
    means = rng.normal(0, 2.0, (8, 16))
    owner = np.repeat(np.arange(8), 30)
    enrolled, asked = (means[owner] + rng.normal(0, 0.5, (240, 16)) for _ in range(2))
    other = rng.normal(0, 2.0, (40, 16))
    classes = learnt_classes(enrolled.astype(np.float32), owner, 8)
    near, far = (classes.distances(x.astype(np.float32)).min(axis=1) for x in (asked, other))
    assert np.quantile(near, 0.95) < np.quantile(far, 0.05)


def test_classes_that_are_all_alike_are_judged_alike():
    classes = plain_classes(np.ones((3, 4), np.float32) / 2, np.arange(3), 3)
    found = classes.distances(np.eye(4, dtype=np.float32))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, found[:, :1].repeat(3, axis=1), atol=1e-5)


def test_the_white_of_a_catalogue_is_cut_away_and_nothing_else(fronts):
    front = next(iter(fronts.values()))
    assert trimmed(photo(front)).shape == front.shape
    assert trimmed(front) is front
    white = np.full((20, 20, 3), 255, np.uint8)
    assert trimmed(white).shape == white.shape


def test_a_squared_picture_keeps_its_proportions():
    picture = squared(np.full((40, 10, 3), (255, 0, 0), np.uint8), 32)
    assert picture.shape == (32, 32, 3)
    assert (picture[:, 12:20] == (0, 0, 255)).all()
    assert (picture[:, :11] == 127).all()


def test_parts_of_a_joined_vector_come_apart_again():
    rng = np.random.default_rng(3)
    detail, coarse = unit(rng.normal(size=(2, DETAIL))), unit(rng.normal(size=(2, 48)))
    vectors = joined(detail, coarse)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for back, part in zip(parts(vectors), (detail, coarse), strict=True):
        np.testing.assert_allclose(back, part, atol=1e-5)
