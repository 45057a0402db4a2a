from dataclasses import asdict

import numpy as np
import pytest
import torch
import yaml

from datasets.manifest import Manifest, entries, write_manifest
from datasets.simulation.lineup import Crops, LineUp, folder_of
from models.candidates import candidates
from models.cards import missing_sections
from models.persons import PersonEmbedder
from models.registry import fetch
from training.person_embedder import ACCEPTANCE, RECIPE, SMOKE, Recipe, main, person_network
from training.person_network import kept_on_cpu


def striped(people, cameras, bodies, seed):
    """Cut-outs of people of two colours, which every camera sees a little otherwise, bodies in costumes act by act."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(30, 226, (people, 2, 3))
    person = np.repeat(np.arange(people), cameras)
    image = np.empty((len(person), 160, 80, 3), np.float64)
    image[:, :80], image[:, 80:] = colours[person, 0][:, None, None], colours[person, 1][:, None, None]
    image += rng.normal(0, 12, (len(person), 1, 1, 3)) + rng.normal(0, 6, image.shape)
    n = len(person)
    return Crops(
        image=np.clip(image, 0, 255).astype(np.uint8),
        person=person,
        camera=np.tile(np.arange(cameras), people),
        moment=person // bodies,
        share=np.ones(n, np.float32),
        height_px=np.full(n, 100, np.float32),
        elevation_deg=np.full(n, 45, np.float32),
    )


@pytest.fixture
def recipe(tmp_path):
    """A recipe of some steps, and a folder with its line-ups, so that none is filmed."""
    shape = {"seeds": [660], "tune_seeds": [662], "costumes": 4, "tune_costumes": 2, "bodies": 4, "cameras": 4}
    shape |= {"moments": 1, "size": [320, 180]}
    document = yaml.safe_load(RECIPE.read_text()) | {
        "name": "persons-tiny", "line_ups": shape, "steps": 12, "rate": 3e-3,
        "batch": {"acts": 2, "people": 4, "views": 3, "variants": 1},
    }  # fmt: skip
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(document))
    for seed, costumes in ((660, 4), (662, 2)):
        line_up = LineUp(plan="nano", bodies=4, costumes=costumes, cameras=4, moments=1, size=(320, 180))
        place = folder_of(tmp_path / "data", seed)
        place.mkdir(parents=True)
        striped(4 * costumes, 4, 4, seed).write(place)
        made = {"by": "datasets.simulation.lineup", "seed": seed, **asdict(line_up), "size": [320, 180]}
        write_manifest(place, Manifest(entries(place), made, {}, "none"))
    return path


def test_the_script_learns_registers_and_goes_on(recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_MODELS", str(tmp_path / "models"))
    crops = striped(8, 4, 4, 662)
    main(out=tmp_path / "run", data=tmp_path / "data", recipe=recipe)
    (candidate,) = candidates(tmp_path / "models")
    assert candidate.facts.role == "persons"
    assert candidate.facts.metrics["tune_rank1"] > 0.9
    assert [used.seeds for used in candidate.facts.data] == [[660]]
    assert missing_sections(candidate.card.read_text()) == []
    assert candidate.facts.bytes < 4_000_000
    embedder = PersonEmbedder(candidate.network, threads=1)
    image = np.ascontiguousarray(crops.image[0, 20:140, 10:70, ::-1])
    vectors = embedder.embed(image, np.array([[0, 0, 60, 120], [0, 0, 60, 60]], np.float32))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-3)
    assert 0 < embedder.same_person_probability(vectors[:1], vectors[1:])[0, 0] < 1
    # What was finished is not learnt again.
    capsys.readouterr()
    main(out=tmp_path / "run", data=tmp_path / "data", recipe=recipe)
    said = capsys.readouterr().err
    assert "registered" in said
    assert "step " not in said
    assert "kept part" not in said


def test_the_recipes_are_read_and_none_learns_from_the_seeds_of_acceptance():
    assert Recipe.read(RECIPE).line_ups.seeds
    assert Recipe.read(RECIPE, smoke=True).steps == SMOKE["steps"]
    document = yaml.safe_load(RECIPE.read_text())
    document["line_ups"]["seeds"] = [ACCEPTANCE]
    with pytest.raises(ValueError, match="less than 9000"):
        Recipe.model_validate(document)


def test_the_kept_part_is_the_same_by_openvino_and_torch():
    shape = Recipe.read(RECIPE).network
    network = person_network(shape)
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 128, 64, 3)).astype(np.float32))
    by_openvino = kept_on_cpu(fetch("efficientnet-lite0"), shape.kept)(pictures)
    assert by_openvino.numpy() == pytest.approx(network.maps(pictures).numpy(), abs=1e-3)
