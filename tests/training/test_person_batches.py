import numpy as np
import pytest
import torch

from datasets.simulation.lineup import Crops, CropsError, cut
from training.person_batches import PersonBatches, Variation, plain, varied
from training.person_losses import CosineNames, batch_hard, supervised_contrast
from training.person_network import SIZE

STILL = Variation(jitter=0, light=0, tint=0, colour=0, hidden=0, blurred=0)


def crops(people=8, cameras=3, seed=0):
    """Cut-outs of one plain colour a person, one for each camera."""
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 256, (people, 1, 1, 3)).astype(np.uint8)
    person = np.repeat(np.arange(people), cameras)
    n = len(person)
    return Crops(
        image=np.ascontiguousarray(np.broadcast_to(colour[person], (n, 160, 80, 3))),
        person=person,
        camera=np.tile(np.arange(cameras), people),
        moment=np.zeros(n, np.int64),
        share=np.ones(n, np.float32),
        height_px=np.full(n, 100, np.float32),
        elevation_deg=np.full(n, 45, np.float32),
    )


def batches(seed=0, **changes):
    how = {"acts": 2, "people": 2, "views": 3, "variants": 2, "variation": STILL, "seed": seed} | changes
    return PersonBatches([crops(), crops(seed=1)], 4, lambda x: x.mean(dim=(1, 2)), **how)


def test_a_step_always_gives_the_same_batch_and_another_step_another():
    one, again = batches(), batches()
    assert one.people == 16
    assert torch.equal(one(3)["maps"], again(3)["maps"])
    assert torch.equal(one(3)["person"], again(3)["person"])
    assert any(not torch.equal(one(3)["person"], one(k)["person"]) for k in range(4, 9))


def test_a_batch_holds_views_of_few_people_of_one_act():
    made = batches()
    for step in range(20):
        batch = made(step)
        names, counts = batch["person"].unique(return_counts=True)
        assert counts.tolist() == [3] * len(names) or counts.tolist() == [6] * len(names)
        # Four bodies an act: names of one act lie together.
        assert len((names // 4).unique()) <= 2
        # What is drawn for a name shows its one colour.
        for name in names:
            assert batch["maps"][batch["person"] == name].std(dim=0).max() < 0.5


def test_who_is_hardly_seen_is_left_out():
    dim = crops()
    hidden = Crops(
        **{**{k: getattr(dim, k) for k in Crops.__dataclass_fields__}, "share": np.full(24, 0.2, np.float32)}
    )
    made = PersonBatches(
        [hidden, crops()],
        4,
        lambda x: x.mean(dim=(1, 2)),
        acts=1,
        people=2,
        views=2,
        variants=1,
        variation=STILL,
        seed=0,
    )
    assert made.people == 8


def test_without_variation_a_cut_out_is_as_it_is_but_for_the_mirror():
    rng = np.random.default_rng(5)
    image = np.repeat(np.repeat(rng.integers(0, 256, (4, 20, 10, 3)), 8, axis=1), 8, axis=2).astype(np.uint8)
    as_is = plain(image).float()
    made = varied(torch.from_numpy(image), STILL, np.random.default_rng(0))
    assert made.shape == (4, SIZE[1], SIZE[0], 3)
    mirrored = as_is.flip(2)
    gap = torch.minimum((made - as_is).abs().mean(dim=(1, 2, 3)), (made - mirrored).abs().mean(dim=(1, 2, 3)))
    assert gap.max() < 1.0


def test_variation_stays_within_the_range_of_pictures():
    image = torch.from_numpy(np.random.default_rng(6).integers(0, 256, (16, 160, 80, 3)).astype(np.uint8))
    made = varied(
        image, Variation(jitter=0.2, light=0.5, tint=0.3, colour=0.6, hidden=1, blurred=1), np.random.default_rng(1)
    )
    assert made.min() >= 0
    assert made.max() <= 255
    assert torch.isfinite(made).all()


def test_a_cut_out_has_the_box_in_its_inner_four_fifths():
    image = np.zeros((200, 200, 3), np.uint8)
    image[40:140, 60:110] = (255, 0, 0)  # blue
    (found,) = cut(image, np.array([[60.0, 40.0, 110.0, 140.0]]))
    inner = found[18:-18, 10:-10]
    assert (inner == (0, 0, 255)).all()
    assert (found[:12] == 0).all()
    assert cut(image, np.array([[-30.0, -30.0, 20.0, 40.0], [500.0, 500.0, 520.0, 540.0]])).shape == (2, 160, 80, 3)


def test_cut_outs_are_read_as_they_were_written_and_damage_is_named(tmp_path):
    before = crops()
    before.write(tmp_path)
    after = Crops.read(tmp_path)
    assert all(np.array_equal(getattr(before, k), getattr(after, k)) for k in Crops.__dataclass_fields__)
    (tmp_path / "facts.npz").write_bytes(b"torn")
    with pytest.raises(CropsError, match="no whole set"):
        Crops.read(tmp_path)


def test_the_losses_fall_when_one_persons_vectors_come_together():
    person = torch.tensor([0, 0, 1, 1])
    apart = torch.nn.functional.normalize(torch.randn(4, 8, generator=torch.Generator().manual_seed(1)))
    close = torch.eye(8)[[0, 0, 1, 1]]
    for loss in (lambda v: supervised_contrast(v, person, 0.1), lambda v: batch_hard(v, person, 0.3)):
        assert loss(close) < loss(apart)
    assert batch_hard(close, person, 0.3) == 0
    torch.manual_seed(0)
    names = CosineNames(8, 2, scale=20.0, margin=0.2)
    with torch.no_grad():
        names.names.copy_(torch.eye(8)[:2])
    assert names(close, person) < names(close, 1 - person)
