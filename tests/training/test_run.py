import resource
import shutil

import pytest
import torch

from training.errors import DiskFullError, RecipeChangedError
from training.run import Run


def test_the_newest_checkpoint_is_loaded_and_two_are_kept(tmp_path):
    with Run.open(tmp_path / "run", {"rate": 0.1}) as run:
        assert run.load() is None
        for step in (5, 10, 15):
            run.save(step, {"weights": torch.full((3,), step), "note": {"of": [1, 2.5, "text"]}})
        saved = run.load()
    assert saved is not None
    assert saved["step"] == 15
    assert saved["weights"].tolist() == [15, 15, 15]
    assert saved["note"] == {"of": [1, 2.5, "text"]}
    names = sorted(path.name[:19] for path in run.folder.iterdir() if path.suffix == ".pt")
    assert names == ["checkpoint-00000010", "checkpoint-00000015"]
    assert not list(run.folder.glob(".*"))


@pytest.mark.parametrize("damage", ["cut", "altered", "empty"])
def test_a_torn_checkpoint_is_passed_over(tmp_path, damage):
    run = Run.open(tmp_path, {})
    for step in (1, 2):
        run.save(step, {"weights": torch.arange(1000) * step})
    newest = max(tmp_path.glob("checkpoint-*.pt"))
    data = newest.read_bytes()
    middle = len(data) // 2
    newest.write_bytes(
        {"cut": data[:middle], "altered": data[:middle] + b"\xff\xfe" + data[middle + 2 :], "empty": b""}[damage]
    )
    saved = run.load()
    assert saved is not None
    assert saved["step"] == 1


def test_another_recipe_is_refused_and_what_differs_is_named(tmp_path):
    recipe = {"rate": 0.1, "steps": 20, "data": {"seeds": [1, 2]}}
    Run.open(tmp_path, recipe)
    Run.open(tmp_path, {"data": {"seeds": (1, 2)}, "steps": 20, "rate": 0.1})
    with pytest.raises(RecipeChangedError, match=r"data.seeds was \[1, 2\], now \[1, 3\]; rate was 0.1, now null"):
        Run.open(tmp_path, {"steps": 20, "data": {"seeds": [1, 3]}})


def test_a_code_object_in_a_checkpoint_is_refused(tmp_path):
    run = Run.open(tmp_path, {})
    run.save(1, {"thing": shutil.copy})
    with pytest.raises(Exception, match="weights_only"):
        run.load()


@pytest.fixture
def little_room():
    """Files of this process may not grow beyond 64 KiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_named_and_the_checkpoint_before_stays(tmp_path, little_room):
    run = Run.open(tmp_path, {})
    run.save(1, {"weights": torch.zeros(100)})
    with pytest.raises(
        DiskFullError, match=r"checkpoint-00000002-\w+\.pt cannot be written.*it takes 40\d,\d\d\d bytes"
    ):
        run.save(2, {"weights": torch.zeros(100_000)})
    saved = run.load()
    assert saved is not None
    assert saved["step"] == 1
    assert not list(tmp_path.glob(".*"))


def test_a_full_disk_stops_the_curves_too(tmp_path, little_room):
    with Run.open(tmp_path, {}) as run:
        (tmp_path / "metrics.jsonl").write_text("")
        run.log(1, {"loss": 1.0})
        (tmp_path / "metrics.jsonl").write_bytes(b" " * 65536)
        with pytest.raises(DiskFullError, match=r"metrics\.jsonl cannot be written"):
            run.log(2, {"loss": 1.0})


def test_curves_go_on_from_the_checkpoint(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Run.open(tmp_path, {}) as run:
        run.log(1, {"loss": 4})
        run.log(2, {"loss": 3})
        run.save(2, {})
        run.log(3, {"loss": 99})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')  # a kill
    with Run.open(tmp_path, {}) as run:
        run.load()
        run.log(3, {"loss": 2, "rate": 0.1})
    assert Run(tmp_path).metrics() == [
        {"step": 1, "loss": 4}, {"step": 2, "loss": 3}, {"step": 3, "loss": 2, "rate": 0.1},
    ]  # fmt: skip
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(1, 4), (2, 3), (3, 2)]
