import numpy as np
import pytest

from training.evaluate.reidentification import auroc, fit_logistic, pairs, rank


def test_rank_finds_the_most_alike_and_the_average_precision():
    likeness = np.array([[0.9, 0.8, 0.7, 0.1], [0.1, 0.9, 0.8, 0.2]])
    same = np.array([[True, False, True, False], [True, False, False, False]])
    found = rank(likeness, same, np.ones((2, 4), bool))
    assert found.first.tolist() == [True, False]
    # Ranks 1 and 3 of two right ones; rank 4 of one.
    assert found.precision == pytest.approx([(1 / 1 + 2 / 3) / 2, 1 / 4])
    assert found.taken.tolist() == [0, 1]


def test_only_what_is_searched_counts_and_ties_are_lost():
    likeness = np.array([[0.9, 0.5, 0.5]])
    same = np.array([[True, True, False]])
    searched = np.array([[False, True, True]])
    found = rank(likeness, same, searched)
    assert not found.first[0]
    assert found.taken[0] == 2
    nothing = rank(likeness, same, np.array([[False, False, True]]))
    assert not nothing.found[0]
    assert np.isnan(nothing.precision[0])
    assert rank(likeness, same, np.zeros((1, 3), bool)).taken[0] == -1


def test_auroc_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(3)
    above, below = rng.integers(0, 9, 40).astype(float), rng.integers(0, 8, 50).astype(float)
    won = (above[:, None] > below[None]).mean() + 0.5 * (above[:, None] == below[None]).mean()
    assert auroc(above, below) == pytest.approx(won)
    assert np.isnan(auroc(np.zeros(0), below))


def test_the_logistic_function_is_found_again_and_both_kinds_weigh_the_same():
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, 60_000)
    one = rng.random(len(x)) < 1 / (1 + np.exp(-(6 * x - 1)))
    # Of one kind only every third is kept: the weights make up for it, but for the prior that both are as frequent.
    slope, offset = fit_logistic(x[one], x[~one][::3])
    assert slope == pytest.approx(6, abs=0.3)
    assert offset == pytest.approx(-1 + np.log((~one).sum() / one.sum()), abs=0.15)
    with pytest.raises(ValueError, match="pairs of both kinds"):
        fit_logistic(x, np.zeros(0))


def test_kinds_that_do_not_overlap_give_a_finite_slope():
    slope, offset = fit_logistic(np.array([0.8, 0.9]), np.array([0.1, 0.2]))
    assert np.isfinite([slope, offset]).all()
    assert slope * 0.8 + offset > 0 > slope * 0.2 + offset


def test_pairs_are_of_one_run_and_two_cameras():
    vectors = np.eye(4)[[0, 0, 1, 0, 0]]
    person = np.array([0, 0, 1, 0, 0])
    camera = np.array([0, 1, 1, 0, 1])
    run = np.array([0, 0, 0, 0, 1])
    of_one, of_two = pairs(vectors, person, camera, run)
    assert sorted(of_one) == [1.0, 1.0]  # 0-1 and 1-3
    assert sorted(of_two) == [0.0, 0.0]  # 0-2 and 2-3
