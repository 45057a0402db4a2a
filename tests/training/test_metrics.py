import numpy as np
import pytest

from datasets.formats.mot import MotBoxes, read_mot, read_truth, write_mot
from training.evaluate.metrics import DuplicateIdError, box_overlap, evaluate_sequence


def trackeval_scores(folder, truth, results, length, with_classes):
    """The numbers of trackeval's own pipeline, from files in the folders that it wants."""
    from trackeval import Evaluator
    from trackeval.datasets import MotChallenge2DBox
    from trackeval.metrics import CLEAR, HOTA, Identity

    (folder / "gt" / "seq" / "gt").mkdir(parents=True)
    (folder / "trackers" / "ours" / "data").mkdir(parents=True)
    write_rows(folder / "gt" / "seq" / "gt" / "gt.txt", truth)
    write_rows(folder / "trackers" / "ours" / "data" / "seq.txt", results)
    dataset = MotChallenge2DBox(
        {
            "GT_FOLDER": str(folder / "gt"),
            "TRACKERS_FOLDER": str(folder / "trackers"),
            "BENCHMARK": "MOT17" if with_classes else "MOT15",
            "SEQ_INFO": {"seq": length},
            "SKIP_SPLIT_FOL": True,
            "PRINT_CONFIG": False,
        }
    )
    evaluator = Evaluator(
        {
            "PRINT_RESULTS": False,
            "PRINT_CONFIG": False,
            "TIME_PROGRESS": False,
            "OUTPUT_SUMMARY": False,
            "OUTPUT_DETAILED": False,
            "PLOT_CURVES": False,
            "LOG_ON_ERROR": None,
        }
    )
    quiet = {"PRINT_CONFIG": False}
    found, _ = evaluator.evaluate([dataset], [HOTA(), CLEAR(dict(quiet)), Identity(dict(quiet))])
    return found["MotChallenge2DBox"]["ours"]["seq"]["pedestrian"]


def write_rows(path, boxes):
    """With every digit, as ``write_mot`` rounds."""
    size = boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]
    columns = [boxes.frame, boxes.id, boxes.xyxy[:, :2], size, boxes.confidence]
    extra = np.full((len(boxes), 2), -1) if boxes.category is None else np.column_stack([boxes.category, boxes.frame])
    rows = np.column_stack([*columns, extra])
    path.write_text("\n".join(",".join(repr(float(v)) for v in row) for row in rows))


def assert_same_as_trackeval(folder, truth, results, length, first=1):
    ours = evaluate_sequence(truth, results, first, length)

    def shifted(boxes):
        kept = boxes.between(first, length)
        return MotBoxes(kept.frame - first + 1, kept.id, kept.xyxy, kept.confidence, kept.category)

    theirs = trackeval_scores(folder, shifted(truth), shifted(results), length - first + 1, truth.category is not None)
    assert ours.hota == pytest.approx(theirs["HOTA"]["HOTA"].mean(), abs=1e-9)
    assert ours.detection == pytest.approx(theirs["HOTA"]["DetA"].mean(), abs=1e-9)
    assert ours.association == pytest.approx(theirs["HOTA"]["AssA"].mean(), abs=1e-9)
    assert ours.idf1 == pytest.approx(theirs["Identity"]["IDF1"], abs=1e-9)
    assert ours.mota == pytest.approx(theirs["CLEAR"]["MOTA"], abs=1e-9)
    assert ours.id_switches == theirs["CLEAR"]["IDSW"]
    assert ours.people == theirs["Count"]["GT_IDs"]
    return ours


@pytest.mark.parametrize("classes", [True, False])
def test_numbers_are_those_of_trackeval(tmp_path, make_truth, make_results, classes):
    truth = make_truth(20, 60, seed=1, classes=classes)
    scores = assert_same_as_trackeval(tmp_path, truth, make_results(truth, seed=2), 60)
    assert 0.2 < scores.hota < 0.8  # a case where nothing is found, or all, would show nothing
    assert scores.id_switches > 10


def test_numbers_are_those_of_trackeval_on_real_truth(tmp_path, shared_data, make_results):
    truth = read_truth(shared_data / "mot17" / "MOT17-02" / "gt.txt")
    results = make_results(truth[np.isin(truth.category, (1, 7, 8))], seed=3)
    scores = assert_same_as_trackeval(tmp_path, truth, results, 600, first=501)
    assert scores.people == 41


def test_perfect_results_score_one(make_truth):
    truth = make_truth(5, 20, seed=1)
    scores = evaluate_sequence(truth, truth)
    assert scores.as_json() == {"hota": 1.0, "idf1": 1.0, "mota": 1.0, "id_switches": 0, "ids": 5, "people": 5}


def test_two_swapped_ids_are_two_switches(make_truth):
    truth = make_truth(5, 20, seed=1)
    swap = {1: 2, 2: 1}
    late = truth.frame > 15
    ids = np.array([swap.get(int(i), int(i)) if now else int(i) for i, now in zip(truth.id, late, strict=True)])
    scores = evaluate_sequence(truth, MotBoxes(truth.frame, ids, truth.xyxy, truth.confidence))
    assert scores.id_switches == 2
    assert scores.mota == pytest.approx(1 - 2 / 100)
    assert scores.idf1 == pytest.approx(1 - 10 / 100)
    assert scores.ids == 5
    assert scores.hota < 1


def test_only_the_frames_asked_for_count(make_truth):
    truth = make_truth(5, 20, seed=1)
    ids = np.where(truth.frame > 10, truth.id + 50, truth.id)
    broken = MotBoxes(truth.frame, ids, truth.xyxy, truth.confidence)
    assert evaluate_sequence(truth, broken).id_switches == 5
    assert evaluate_sequence(truth, broken).ids == 10
    half = evaluate_sequence(truth, broken, 11, 20)
    assert (half.hota, half.id_switches, half.ids) == (1.0, 0, 5)
    assert evaluate_sequence(truth, broken.between(1, 10), 11).mota == 0.0  # nothing found, all missed


def test_boxes_on_distractors_are_neither_right_nor_wrong():
    table = np.array([[1, 1, 0, 0, 10, 10, 1], [1, 2, 100, 0, 10, 10, 0], [1, 3, 200, 0, 10, 10, 0]], dtype=float)
    results = MotBoxes.from_rows(table)
    on_statue = evaluate_sequence(MotBoxes.from_rows(table, np.array([1, 7, 12])), results)
    assert (on_statue.mota, on_statue.hota) == (1.0, 1.0)
    on_car = evaluate_sequence(MotBoxes.from_rows(table, np.array([1, 3, 9])), results)
    assert on_car.mota == -1.0


def test_no_results_score_nothing_and_no_ids(make_truth):
    truth = make_truth(3, 5, seed=1)
    scores = evaluate_sequence(truth, truth[:0])
    assert scores.as_json() == {"hota": 0.0, "idf1": 0.0, "mota": 0.0, "id_switches": 0, "ids": 0, "people": 3}


@pytest.mark.parametrize("which", ["truth", "results"])
def test_an_id_twice_in_a_frame_is_refused(make_truth, which):
    truth = make_truth(3, 5, seed=1)
    twice = MotBoxes(truth.frame, np.where(truth.frame == 4, 1, truth.id), truth.xyxy, truth.confidence)
    pair = (twice, truth) if which == "truth" else (truth, twice)
    with pytest.raises(DuplicateIdError, match=f"{which}: id 1 is on two boxes of frame 4"):
        evaluate_sequence(*pair)


def test_overlap_of_boxes():
    a = np.array([[0.0, 0, 10, 10], [5, 5, 5, 9]])
    b = np.array([[5.0, 0, 15, 10], [0, 0, 10, 10], [10, 0, 20, 10]])
    np.testing.assert_allclose(box_overlap(a, b), [[1 / 3, 1, 0], [0, 0, 0]])


def test_scores_are_silent(make_truth, capsys):
    truth = make_truth(3, 5, seed=1)
    evaluate_sequence(truth, truth)
    assert capsys.readouterr() == ("", "")


def test_results_survive_the_file(tmp_path, make_truth, make_results):
    truth = make_truth(6, 30, seed=7)
    results = make_results(truth, seed=8)
    write_mot(tmp_path / "results.txt", results)
    again = evaluate_sequence(truth, read_mot(tmp_path / "results.txt"))
    assert again.as_json() == evaluate_sequence(truth, results).as_json()
