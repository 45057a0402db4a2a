import numpy as np
import pytest
import torch

from datasets.reach_clips import read_clips, read_pictures
from models.reach import CLASSES, SHAPE, SIDE_PX
from tests.training.reach_folder import TIMES, clip, pictures, write
from training.evaluate.reach import evaluate_reach
from training.evaluate.reach_rule import DifferenceRule
from training.reach_batches import CENTRES, NONE, Faults, ReachBatches, Window, clip_of, label_of
from training.reach_network import ReachNetwork, fit_calibration


def test_pictures_come_back_as_they_were_written(tmp_path):
    clips = write(tmp_path, 3)
    assert read_clips(tmp_path) == clips
    drawn = pictures(clips[0], np.random.default_rng(1))
    assert np.abs(read_pictures(tmp_path, clips[0]).astype(int) - drawn).mean() < 6


@pytest.mark.parametrize("kind", ["take", "return"])
def test_a_window_is_a_take_only_near_its_middle(kind):
    labels = {round(TIMES[centre], 1): label_of(clip(0, kind), centre, False) for centre in CENTRES}
    assert [time_s for time_s, label in labels.items() if label] == [-0.2, 0.0, 0.2]
    assert set(labels.values()) == {0, CLASSES.index(kind)}
    assert {label_of(clip(0, None), centre, False) for centre in CENTRES} == {0}


def test_a_slot_counts_what_anybody_does_there_a_hand_what_it_does_itself():
    from dataclasses import replace

    others = clip(0, "take")
    others = replace(others, deeds=tuple(replace(deed, own=False) for deed in others.deeds))
    assert label_of(others, 13, False) == 0
    assert label_of(others, 13, True) == 1
    elsewhere = replace(others, deeds=tuple(replace(deed, own=True, slot="shelf/1/2") for deed in others.deeds))
    assert label_of(elsewhere, 13, False) == 1
    assert label_of(elsewhere, 13, True) == 0


def test_without_faults_a_window_shows_the_hand_in_its_middle():
    one = clip(0, "take")
    drawn = pictures(one, np.random.default_rng(1))
    exact = Faults(0.0, 0.0, 0.0, 0.0, (1.0, 1.0), (1.0, 1.0), 0.0, 0.0, 0.0, 0.0)
    made = clip_of(one, drawn, Window(0, 13, False), exact, np.random.default_rng(0))
    assert made.shape == SHAPE
    mark = made[5, ..., 3]
    assert np.abs(np.array(np.unravel_index(mark.argmax(), mark.shape)) - SIDE_PX // 2).max() <= 1
    assert clip_of(one, drawn, Window(0, 13, True), exact, np.random.default_rng(0))[..., 3].max() == 0


def test_backwards_a_window_shows_the_same_pictures_from_the_end():
    one = clip(0, "take")
    drawn = np.arange(24, dtype=np.uint8)[:, None, None, None].repeat(128, 1).repeat(128, 2).repeat(3, 3)
    exact = Faults(0.0, 0.0, 0.0, 0.0, (1.0, 1.0), (1.0, 1.0), 0.0, 0.0, 0.0, 0.0)
    rng = np.random.default_rng(0)
    ahead = clip_of(one, drawn, Window(0, 12), exact, rng)[:, 5, 5, 0].tolist()
    back = clip_of(one, drawn, Window(0, 12, backwards=True), exact, rng)[:, 5, 5, 0].tolist()
    assert ahead == [4, 7, 9, 10, 11, 12, 13, 14, 15, 17]
    assert back == [20, 17, 15, 14, 13, 12, 11, 10, 9, 7]


def test_batches_are_a_pure_function_of_the_step_and_hold_every_class(tmp_path):
    clips = write(tmp_path, 9)
    batches = [ReachBatches([(tmp_path, clips)], size=24, seed=3) for _ in range(2)]
    first, again = batches[0](7), (batches[1](0), batches[1](7))[1]
    assert torch.equal(first["clips"], again["clips"])
    assert torch.equal(first["label"], again["label"])
    assert not torch.equal(first["clips"], batches[0](8)["clips"])
    assert set(first["label"].tolist()) == {0, 1, 2}


def test_the_network_gives_probabilities_that_do_not_depend_on_the_light(tmp_path):
    torch.manual_seed(0)
    network = ReachNetwork(4, (8, 8, 8)).eval()
    batch = ReachBatches([(tmp_path, write(tmp_path, 3))], size=4, seed=1, faults=NONE)(0)["clips"]
    dim = batch.clone()
    dim[..., :3] = (dim[..., :3].float() * 0.6).to(torch.uint8)
    with torch.inference_mode():
        said = network(batch)
        assert torch.allclose(said.exp().sum(dim=1), torch.ones(4), atol=1e-5)
        assert torch.allclose(said, network(dim), atol=0.05)


def test_calibration_brings_back_the_shares_of_the_classes():
    rng = np.random.default_rng(0)
    label = torch.from_numpy(rng.choice(3, 4000, p=[0.8, 0.12, 0.08]))
    clean = torch.nn.functional.one_hot(label, 3).float() * 2 + torch.from_numpy(rng.normal(size=(4000, 3))).float()
    temperature, prior = fit_calibration(clean * 5, label)
    p = torch.softmax(clean * 5 / temperature + prior, dim=1)
    assert torch.allclose(p.mean(dim=0), torch.tensor([0.8, 0.12, 0.08]), atol=0.01)
    assert 2 < float(temperature) < 4


def test_the_plain_rule_learns_a_square_that_comes_and_goes(tmp_path):
    clips = write(tmp_path, 12)
    few = [ReachBatches([(tmp_path, clips)], size=24, seed=1, by_slot=0, faults=NONE)(step) for step in range(6)]
    rule = DifferenceRule.fitted(*(torch.cat([each[name] for each in few]).numpy() for name in ("clips", "label")))
    report = evaluate_reach(tmp_path, rule)
    assert report.looked().log_loss() < 0.7
    table = report.looked().confusion()
    assert table[1, 1] > table[1, 2]
    assert table[2, 2] > table[2, 1]


def test_the_network_learns_a_square_that_comes_and_goes(tmp_path):
    torch.manual_seed(0)
    batches = ReachBatches([(tmp_path, write(tmp_path, 12))], size=8, seed=1, by_slot=0.0, faults=NONE)
    network = ReachNetwork(4, (8, 16, 16), 0.0).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    losses = []
    for step in range(30):
        batch = batches(step)
        loss = torch.nn.functional.cross_entropy(network.logits(batch["clips"]), batch["label"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
