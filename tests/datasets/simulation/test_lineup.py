import shutil
from pathlib import Path

import numpy as np
import pytest

from datasets.manifest import read_manifest
from datasets.simulation.lineup import Crops, CropsError, LineUp, folder_of, take, written
from datasets.simulation.lineup.acting import middles, spots
from datasets.simulation.lineup.dressing import bottom_fabric, rack, redressed, top_fabric
from datasets.simulation.navigation.ground import Ground
from datasets.simulation.people.cast import character
from store.plan import example_plan, load_plan

SMALL = LineUp(bodies=2, costumes=2, cameras=2, moments=2, size=(320, 180))
SEED = 660


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lineups")


@pytest.fixture(scope="module")
def crops(folder) -> Crops:
    return written(folder, SEED, SMALL)


def test_a_body_in_other_clothes_is_the_same_body():
    shared = rack(np.random.default_rng(1))
    before, one, again, two = character(SEED, 0), *(redressed(SEED, 0, costume, shared) for costume in (0, 0, 1))
    assert np.array_equal(before.positions, one.positions)
    # Face and skin stay, cloth does not.
    assert np.array_equal(before.textures[:2], one.textures[:2])
    assert not np.array_equal(one.textures[2], two.textures[2])
    assert np.array_equal(one.textures, again.textures)


def test_people_of_an_act_share_cloth():
    rng = np.random.default_rng(2)
    shared = rack(rng, 2)
    mean = [redressed(SEED, k % 2, 10 + k, shared).textures[2, ..., :3].mean(axis=(0, 1)) for k in range(12)]
    gaps = [np.abs(a - b).max() for n, a in enumerate(mean) for b in mean[:n]]
    alike = sum(gap < 6 for gap in gaps)
    assert 2 <= alike <= 50


def test_cloth_is_of_any_colour_and_trousers_are_quiet():
    rng = np.random.default_rng(3)
    tops = np.array([top_fabric(rng, "").colour for _ in range(300)])
    bottoms = np.array([bottom_fabric(rng, "").colour for _ in range(300)])
    assert np.ptp(tops, axis=1).mean() > 1.2 * np.ptp(bottoms, axis=1).mean()


def test_people_stand_apart_on_free_ground():
    ground = Ground(load_plan(example_plan("nano")))
    rng = np.random.default_rng(4)
    (middle,) = middles(ground, rng, 1)
    at = spots(ground, middle, rng, 6, 3)
    assert at.shape == (6, 3, 2)
    assert (ground.clearance(at) > 0.2).all()
    first = at[:, 0]
    gaps = np.linalg.norm(first[:, None] - first[None], axis=2)[np.triu_indices(6, 1)]
    assert np.quantile(gaps, 0.2) > 0.45
    assert (np.linalg.norm(np.diff(at, axis=1), axis=2) < 1.75).all()


def test_a_line_up_shows_each_costume_in_its_act_from_several_cameras(crops):
    assert len(crops) > 4
    assert set(crops.person) <= set(range(4))
    assert (crops.person // 2 == crops.moment // 2).all()
    assert set(crops.camera) == {0, 1}
    assert crops.share.min() >= 0.25
    assert crops.share.max() <= 1
    assert ((crops.elevation_deg > 0) & (crops.elevation_deg <= 90)).all()
    assert crops.image.std(axis=(1, 2, 3)).min() > 5


def test_a_line_up_is_taken_once_and_anew_where_it_was_taken_otherwise(folder, crops, monkeypatch, tmp_path):
    # What is torn here must not lie below the memory maps of the other tests.
    folder = Path(shutil.copytree(folder, tmp_path / "lineups"))
    made: list[int] = []

    def taken(seed, line_up, progress=None):
        made.append(seed)
        return Crops(*(np.array(getattr(crops, name)[:3]) for name in Crops.__dataclass_fields__))

    monkeypatch.setattr("datasets.simulation.lineup.taking.take", taken)
    assert len(written(folder, SEED, SMALL)) == len(crops)
    assert made == []
    assert len(written(folder, SEED, LineUp(bodies=3))) == 3
    assert made == [SEED]
    assert read_manifest(folder_of(folder, SEED)).counts["pictures"] == 3
    (folder_of(folder, SEED) / "crops.npy").write_bytes(b"torn")
    with pytest.raises(CropsError, match="made anew"):
        written(folder, SEED, LineUp(bodies=3))


def test_the_same_seed_gives_the_same_pictures(crops):
    again = take(SEED, SMALL)
    assert np.array_equal(again.person, crops.person)
    assert np.abs(again.image.astype(int) - crops.image).mean() < 1
