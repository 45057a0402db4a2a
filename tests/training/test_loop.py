import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from tests.training import tiny
from training.errors import LossNotFiniteError, RecipeChangedError
from training.loop import Tell, fit, moved
from training.parallel import ALONE, Parallel, launch
from training.run import Run

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _children_find_this_module(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.syspath_prepend(str(ROOT))


def same(a, b, **tolerance):
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], **tolerance)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """As the children have: sums of another order end in other bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run that nothing interrupts, and its weights."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, tiny.train(folder).state_dict()


@pytest.fixture
def whole(finished):
    """The weights and metrics of that run."""
    folder, weights = finished
    return weights, Run(folder).metrics()


def test_the_network_learns(whole):
    _, metrics = whole
    assert [row["step"] for row in metrics] == list(range(5, tiny.STEPS + 1, 5))
    assert metrics[-1]["class"] < 0.75 * metrics[0]["class"]
    assert metrics[-1]["loss"] == pytest.approx(metrics[-1]["class"] + metrics[-1]["size"])
    assert metrics[-1]["learning_rate"] < 1e-4 < metrics[0]["learning_rate"]


def test_a_killed_run_ends_with_the_same_weights_and_metrics(tmp_path, whole):
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "tests.training.tiny", str(folder), "0.05"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        while not list(folder.glob("checkpoint-00000021-*.pt")):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.12)  # on its way to the next
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert process.returncode == -signal.SIGKILL
    assert not list(folder.glob("checkpoint-00000060-*.pt"))
    network = tiny.train(folder)
    weights, metrics = whole
    same(network.state_dict(), weights, rtol=0, atol=0)
    again = Run(folder).metrics()
    # What lies between two logged steps is averaged; the row in which the kill fell knows only its second part.
    assert [row["step"] for row in again] == [row["step"] for row in metrics]
    assert again[-1] == metrics[-1]


def test_a_finished_run_trains_no_further(finished):
    def no_batch(step):
        raise AssertionError

    folder, weights = finished
    same(tiny.train(folder, batches=no_batch).state_dict(), weights, rtol=0, atol=0)


def test_two_processes_give_what_one_gives_on_the_joined_batch(tmp_path):
    launch(partial(tiny.train_plain, str(tmp_path / "two")), 2)
    first, second = (torch.load(tmp_path / "two" / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    same(first, second, rtol=0, atol=0)

    def joined(step):
        a, b = tiny.batch_of(2 * step), tiny.batch_of(2 * step + 1)
        return {key: torch.cat([a[key], b[key]]) for key in a}

    alone = tiny.train(tmp_path / "alone", tiny.make_plain_network(), batches=joined)
    same(first, alone.state_dict(), rtol=1e-4, atol=1e-5)
    other = tiny.train(tmp_path / "other", tiny.make_plain_network())
    with pytest.raises(AssertionError, match="not close"):
        same(first, other.state_dict(), rtol=1e-4, atol=1e-5)


def test_the_average_is_the_formula(tmp_path):
    seen = []

    def watching(network, batch):
        seen.append({k: v.clone() for k, v in network.state_dict().items()})
        return tiny.loss_of(network, batch)

    network = tiny.make_plain_network()
    last = tiny.make_plain_network()
    averaged = tiny.train(tmp_path / "a", network, losses=watching, steps=20, average=0.5).state_dict()
    tiny.train(tmp_path / "b", last, steps=20, average=None)
    expected = seen[0]
    for t, weights in enumerate([*seen[1:], last.state_dict()], 1):
        d = min(0.5, (1 + t) / (10 + t))
        expected = {k: d * expected[k] + (1 - d) * weights[k] for k in expected}
    same(averaged, expected, rtol=1e-5, atol=1e-6)


def test_a_loss_that_is_no_number_is_named_and_the_checkpoint_stays(tmp_path):
    def broken_at_17(step):
        batch = tiny.batch_of(step)
        return batch if step != 16 else {**batch, "x": batch["x"] * torch.nan}

    with pytest.raises(LossNotFiniteError, match=r"class, size.* of step 17 is not finite.*last checkpoint is kept"):
        tiny.train(tmp_path, batches=broken_at_17)
    saved = Run(tmp_path).load()
    assert saved is not None
    assert saved["step"] == 14
    assert all(torch.isfinite(v).all() for v in saved["network"].values() if v.is_floating_point())


def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    network = tiny.make_network()

    def breaks_a_buffer(step):
        if step == 13:
            network[1].running_var.fill_(torch.inf)
        return tiny.batch_of(step)

    with pytest.raises(LossNotFiniteError, match=r"1\.running_var of the network is not finite after step 14"):
        tiny.train(tmp_path, network, batches=breaks_a_buffer)
    saved = Run(tmp_path).load()
    assert saved is not None
    assert saved["step"] == 7


@pytest.mark.parametrize("amp", [True, "bfloat16"])
def test_mixed_precision_acts_on_cpus_only_when_forced(tmp_path, amp):
    kinds = set()

    def watching(network, batch):
        kinds.add(network(batch["x"]).dtype)
        return tiny.loss_of(network, batch)

    tiny.train(tmp_path, losses=watching, steps=2, amp=amp)
    assert kinds == {torch.float32 if amp is True else torch.bfloat16}


def test_the_gradient_is_clipped(tmp_path):
    network, before = tiny.make_plain_network(), tiny.make_plain_network().state_dict()
    told = []

    def watching(network, batch):
        parts = tiny.loss_of(network, batch)
        return {name: 1e4 * part for name, part in parts.items()}

    optimizer = torch.optim.SGD(network.parameters(), 1.0)
    with Run.open(tmp_path, {}) as run:
        fit(
            run, network, watching, tiny.batch_of, steps=1, optimizer=optimizer, clip=0.5,
            progress=lambda done, total, losses: told.append((done, total, sorted(losses))),
        )  # fmt: skip
    moved_by = sum(float((v - before[k]).square().sum()) for k, v in network.state_dict().items()) ** 0.5
    assert moved_by == pytest.approx(0.5, rel=1e-3)
    assert told == [(1, 1, ["class", "size"])]


def test_batches_of_any_shape_are_moved():
    x = torch.ones(2)
    batch = {"a": [x, (x, "name")], "b": x}
    there = moved(batch, torch.device("meta"))
    assert there["a"][0].device.type == there["a"][1][0].device.type == there["b"].device.type == "meta"
    assert there["a"][1][1] == "name"


def test_progress_is_told(capsys):
    tell = Tell(every_s=0)
    tell(1, 4, {"class": 0.51234})
    tell(4, 4, {"class": 0.25})
    first, last = capsys.readouterr().err.splitlines()
    assert first == "step 1/4: class 0.5123"
    assert last.startswith("step 4/4: class 0.25, ")


def test_a_batch_is_shared_evenly_or_refused():
    assert Parallel(1, 4).share(32) == 8
    with pytest.raises(ValueError, match="a batch of 30 cannot be shared by 4 processes"):
        Parallel(0, 4).share(30)
    assert ALONE.leads


def test_an_exception_in_one_process_ends_all(tmp_path):
    (tmp_path / "recipe.json").write_text('{"steps": 1}')
    with pytest.raises(RecipeChangedError, match="steps was 1, now 60"):
        launch(partial(tiny.train_plain, str(tmp_path)), 2)
