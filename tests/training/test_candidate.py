"""From a torch network to a registered candidate, promoted and shipped; torch exports each network once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from torch import Tensor, nn

from models.candidates import Candidate, candidate_of
from models.errors import PromotionError, SelfTestError
from models.parity import FLOAT16, FLOAT32, Limits, answers, compare
from models.promotion import Outcome, Promotions
from models.registry import entry_of, fetch
from models.selftest import Reference, self_test
from training import guard as guards
from training.candidate import DataUsed, submit
from training.export import ExportError, export_onnx, exportable
from training.onnx_files import LEAST, halve_weights
from training.promote import promote_candidate
from training.ship import MOST_BYTES, ShippingError, main, ship
from training.tensorrt_engine import EngineError, add_engine, why_not

CARD = """# A tiny network
## What it is for
## Input and output
## Trained on
## Figures
## Where it fails
## How to reproduce
"""


class Embedder(nn.Module):
    """Pictures uint8 (n, h, w, 3) to vectors (n, 8) of length 1, and a fixed (1, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1),
            nn.BatchNorm2d(16),
            nn.Hardswish(),
            nn.Conv2d(16, 16, 3, 2, 1),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 8),
        )
        self.calibration = nn.Parameter(torch.tensor([[2.0, -1.0]]))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        vectors = self.look(pictures.permute(0, 3, 1, 2).float() / 255)
        return nn.functional.normalize(vectors, dim=1), self.calibration


def pictures(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 32, 48, 3), dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="module")
def network() -> Embedder:
    torch.manual_seed(0)
    return Embedder()


@pytest.fixture(scope="module")
def made(network: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    """A registered candidate. Look at it, do not write to it."""
    network.train()
    return submit(
        name="aisle-persons",
        role="persons",
        network=network,
        example=pictures(5),
        input="uint8 RGB (n, h, w, 3)",
        output_names=("vectors", "calibration"),
        metrics={"rank-1": 0.97, "map": 0.9},
        recipe={"steps": 10, "network": {"width": 16}},
        data=[DataUsed("simulated-a", "ab" * 32, "AGPL-3.0-only", {"pictures": 5}, "100:140")],
        card=CARD,
        dynamic={"pictures": {0: "people", 1: "height", 2: "width"}},
        registry=tmp_path_factory.mktemp("registry"),
    )


@pytest.fixture
def registry(made: Candidate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The candidate's registry as the configured one, put back to nothing promoted."""
    home = made.folder.parent.parent
    monkeypatch.setenv("AISLE_MODELS", str(home))
    yield home
    for path in [*home.glob("history.jsonl"), *home.glob("active/*.json")]:
        path.unlink()


def test_the_onnx_and_the_openvino_file_answer_as_torch_does(network: Embedder, made: Candidate) -> None:
    unseen = pictures(3, seed=1)
    with torch.inference_mode():
        expected = [each.numpy() for each in network.eval()(unseen)]
    for path in (made.network, made.network.with_suffix(".xml")):
        found = answers(path, [unseen.numpy()])
        assert compare(expected, found, FLOAT16).accepted
        assert not compare(expected, found, Limits(1e-9, 1e-9)).accepted


def test_any_size_and_number_of_pictures_is_taken(made: Candidate) -> None:
    vectors, calibration = answers(made.network, [np.zeros((2, 20, 30, 3), np.uint8)])
    assert vectors.shape == (2, 8)
    assert calibration.tolist() == [[2.0, -1.0]]


def test_the_facts_hold_all_that_is_known(made: Candidate) -> None:
    facts = candidate_of(made.id, made.folder.parent.parent).facts
    assert facts == made.facts
    assert facts.metrics == {"rank-1": 0.97, "map": 0.9}
    assert facts.recipe["network"] == {"width": 16}
    assert facts.data[0].sha256 == "ab" * 32
    assert facts.bytes == made.network.stat().st_size
    assert facts.trained_on.startswith("simulated-a (seeds 100:140, AGPL-3.0-only); commit ")
    (taken,) = facts.inputs
    assert (taken.name, taken.dtype, taken.shape) == ("pictures", "uint8", ("people", "height", "width", 3))
    assert [(each.name, each.shape) for each in facts.outputs] == [("vectors", ("people", 8)), ("calibration", (1, 2))]
    assert set(facts.parity) == {"onnx", "openvino"}
    for parity in facts.parity.values():
        assert parity.accepted
        assert 0 < parity.absolute <= parity.absolute_limit
        assert (parity.inputs, parity.note) == (5, "float16 weights")


def test_the_file_says_nothing_of_the_machine_that_made_it(made: Candidate) -> None:
    content = made.network.read_bytes()
    assert str(Path(__file__).parent).encode() not in content
    assert b"site-packages" not in content
    onnx.checker.check_model(onnx.load(made.network))


def test_the_reference_is_what_torch_answered_to_the_first_inputs(network: Embedder, made: Candidate) -> None:
    reference = Reference.read(made.reference)
    assert np.array_equal(reference.inputs[0], pictures(5)[:2].numpy())
    with torch.inference_mode():
        expected = [each.detach().numpy() for each in network.eval()(pictures(5)[:2])]
    assert compare(expected, reference.outputs, Limits(1e-6, 1e-6)).accepted
    assert reference.output_names == ("vectors", "calibration")
    self_test(made.entry())


def test_submitting_leaves_the_network_as_it_was(made: Candidate, network: Embedder) -> None:
    assert all(each.requires_grad and each.dtype is torch.float32 for each in network.parameters())


class Steep(nn.Module):
    """Weighs neighbours by numbers that nearly cancel: the sum is lost where the weights are rounded."""

    def __init__(self) -> None:
        super().__init__()
        # Float16 has 1.0 and -0.9995 for them, and so half the sum.
        self.weights = nn.Parameter(torch.tensor([1.0003, -0.9993]).repeat(LEAST, 1))

    def forward(self, values: Tensor) -> Tensor:
        return 10 * (values * self.weights).sum(2)


def test_weights_stay_float32_where_float16_answers_otherwise(tmp_path: Path) -> None:
    ready = exportable(Steep(), torch.ones(2, LEAST, 2), ["sum"])
    parity = export_onnx(ready, tmp_path / "steep.onnx")
    assert parity.accepted
    assert parity.absolute_limit == FLOAT32.absolute
    assert "float16 ones differ by" in parity.note
    kinds = {each.data_type for each in onnx.load(tmp_path / "steep.onnx").graph.initializer}
    assert TensorProto.FLOAT16 not in kinds


class Drifting(nn.Module):
    """Answers otherwise each time, as a network does that looks at anything but its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.calls = 0

    def forward(self, values: Tensor) -> Tensor:
        self.calls += 1
        return values * self.weight * self.calls


def test_an_export_that_answers_otherwise_registers_nothing(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"network.onnx of Drifting does not answer as torch does: off by"):
        submit(
            name="drifting",
            role="reach",
            network=Drifting(),
            example=torch.ones(2, 3),
            input="numbers",
            output_names=("product",),
            metrics={},
            recipe={},
            data=[],
            card=CARD,
            registry=tmp_path,
        )
    assert list((tmp_path / "candidates").iterdir()) == []


@pytest.mark.parametrize(
    ("names", "dynamic", "message"),
    [
        (("vectors",), {}, "gives 2 outputs, and 1 are named: vectors"),
        (("a", "b"), {"images": {0: "n"}}, "takes pictures: no input images"),
    ],
)
def test_names_that_do_not_fit_are_refused(
    network: Embedder, names: tuple[str, ...], dynamic: dict[str, dict[int, str]], message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        exportable(network, pictures(2), names, dynamic)


def test_an_answer_that_is_not_finite_is_refused(network: Embedder) -> None:
    broken = nn.Linear(2, 2)
    nn.init.constant_(broken.bias, float("nan"))
    with pytest.raises(ExportError, match="output y of Linear is not finite"):
        exportable(broken, torch.ones(1, 2), ["y"])


def test_halved_weights_are_those_that_are_large_and_fit() -> None:
    sizes = {"large": LEAST, "small": LEAST - 1, "huge": LEAST}
    tensors = [
        onnx.numpy_helper.from_array(np.full(size, 1e6 if name == "huge" else 0.5, np.float32), name)
        for name, size in sizes.items()
    ]
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], tensors))
    kinds = {each.name: each.data_type for each in halve_weights(model).graph.initializer}
    assert kinds == {
        "large.float16": TensorProto.FLOAT16,
        "small": TensorProto.FLOAT,
        "huge": TensorProto.FLOAT,
    }
    assert {each.name for each in model.graph.initializer} == set(sizes)


@pytest.mark.parametrize(
    ("found", "accepted"),
    [
        ([np.array([100.0, 0.0])], True),
        ([np.array([100.3, 0.0])], True),  # .003 of the largest number
        ([np.array([100.7, 0.0])], False),
        ([np.array([np.nan, 0.0])], False),
        ([np.array([100.0])], False),
        ([], False),
    ],
)
def test_parity_is_by_the_largest_number_of_an_output(found: list[np.ndarray], accepted: bool) -> None:
    assert compare([np.array([100.0, 0.0])], found, FLOAT16).accepted is accepted


def test_a_small_difference_of_small_numbers_is_accepted_by_the_absolute_limit() -> None:
    parity = compare([np.array([1e-5])], [np.array([5e-4])], FLOAT16)
    assert parity.accepted
    assert parity.relative > 1


def test_no_engine_is_made_where_tensorrt_is_missing(made: Candidate) -> None:
    if why_not() is None:
        pytest.skip("TensorRT and a GPU are here")
    with pytest.raises(EngineError, match="no TensorRT engine can be built on this machine"):
        add_engine(made)
    assert not list(made.folder.glob("*.engine"))


def test_a_tensorrt_engine_answers_as_torch_does(registry: Path, made: Candidate) -> None:
    if (reason := why_not()) is not None:
        pytest.skip(f"no TensorRT engine: {reason}")
    assert add_engine(made).accepted


# Promotion


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path, Path]]:
    """A guard of the role "persons" that finds what the guard set's name says; what it was asked."""
    asked: list[tuple[Path, Path, Path]] = []

    def guard(candidate: Path, active: Path, dataset: Path) -> guards.Judgement:
        asked.append((candidate, active, dataset))
        outcomes: dict[str, Outcome] = {"better": "better", "worse": "worse"}
        return guards.Judgement(outcomes.get(dataset.name, "not known"), "rank-1 -.1 (-.2 to -.05)")

    monkeypatch.setitem(guards.GUARDS, "persons", guard)  # type: ignore[arg-type]
    return asked


@pytest.fixture
def other(registry: Path, made: Candidate) -> Iterator[Candidate]:
    """A second candidate of the same network."""
    from models.candidates import register, remove

    def copy(folder: Path) -> object:
        for path in made.folder.iterdir():
            if path.name != "facts.json":
                (folder / path.name).write_bytes(path.read_bytes())
        return made.facts.model_copy(update={"name": "other"})

    candidate = register(copy, registry)  # type: ignore[arg-type]
    yield candidate
    remove(candidate)


def test_a_candidate_that_is_worse_on_the_guard_set_is_refused(
    registry: Path, made: Candidate, other: Candidate, judged: list[tuple[Path, Path, Path]], tmp_path: Path
) -> None:
    for name in ("worse", "better"):
        (tmp_path / name).mkdir()
    promote_candidate(made.id, registry, force=True, reason="first")
    with pytest.raises(PromotionError, match=rf"it is worse than {made.id}: rank-1 -.1 .*, on worse --force"):
        promote_candidate(other.id, registry, guards={"persons": tmp_path / "worse"})
    assert judged == [(other.network, made.network, tmp_path / "worse")]
    with pytest.raises(PromotionError, match="there is no guard set"):
        promote_candidate(other.id, registry, guard=tmp_path / "missing", guards={"persons": tmp_path / "better"})
    with pytest.raises(PromotionError, match="was not compared"):
        promote_candidate(other.id, registry, guards={"reach": tmp_path / "better"})
    record = promote_candidate(other.id, registry, guard=tmp_path / "better")
    assert (record.active, record.forced) == (other.id, False)
    # Overruled, with the comparison in the history.
    record = promote_candidate(made.id, registry, guard=tmp_path / "worse", force=True, reason="shop B looks so")
    assert (record.forced, record.why) == (True, "shop B looks so")
    assert "worse than" in record.guard
    said = [each.what for each in Promotions(registry).history.read("persons")]
    assert said == ["promoted", "refused", "refused", "promoted", "promoted"]


def test_a_broken_candidate_is_not_promoted_by_force_either(registry: Path, other: Candidate) -> None:
    other.network.write_bytes(b"")
    with pytest.raises(PromotionError, match="wrong hash"):
        promote_candidate(other.id, registry, force=True, reason="I know better")
    (record,) = Promotions(registry).history.read("persons")
    assert (record.what, record.model) == ("refused", other.id)


# Shipping


def test_what_is_shipped_is_in_the_registry(made: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.candidates.SHIPPED_DIR", tmp_path)
    target = ship(made, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "aisle-persons.json",
        "aisle-persons.md",
        "aisle-persons.onnx",
    ]
    assert fetch("aisle-persons") == target
    assert entry_of("aisle-persons").metrics == made.facts.metrics
    written = tmp_path / "written.txt"
    written.write_text(CARD + "By hand.\n")
    ship(made, tmp_path, written)
    assert (tmp_path / "aisle-persons.md").read_text().endswith("By hand.\n")
    with pytest.raises(ShippingError, match="cannot be read"):
        ship(made, tmp_path, tmp_path / "missing.md")


@pytest.mark.parametrize("change", ["too large", "no sections", "damaged"])
def test_what_may_not_be_shipped(registry: Path, other: Candidate, tmp_path: Path, change: str) -> None:
    facts = json.loads((other.folder / "facts.json").read_text())
    if change == "too large":
        facts["bytes"] = MOST_BYTES + 1
        (other.folder / "facts.json").write_text(json.dumps(facts))
    elif change == "no sections":
        other.card.write_text("# Tiny\n## Input and output\n## Trained on\n## Figures\n")
    else:
        other.network.write_bytes(b"")
    expected = {
        "too large": (ShippingError, "12.0 MB, and 12 MB may be shipped"),
        "no sections": (ShippingError, "no section on: what for, where it fails, reproduce"),
        "damaged": (SelfTestError, "wrong hash"),
    }[change]
    with pytest.raises(expected[0], match=expected[1]):
        ship(candidate_of(other.id, registry), tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()


def test_shipping_an_unknown_candidate_is_one_line(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nobody"]) == 2
    assert "no candidate 'nobody'" in capsys.readouterr().err
