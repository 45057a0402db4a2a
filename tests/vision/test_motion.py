import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.motion import MotionNoise, MotionState, to_cxcywh, to_xyxy

NOISE = MotionNoise(size_damping_s=1e9)


def matrix_filter(boxes: list[np.ndarray], dts: list[float], scale: float) -> np.ndarray:
    """The textbook filter with 2x2 matrices, one coordinate at a time."""
    height = boxes[0][3]
    x = np.array([[boxes[0][k], 0.0] for k in range(4)])
    speed = [NOISE.start_speed * height] * 2 + [0.25 * NOISE.start_speed * height] * 2
    p = [np.diag([(2 * NOISE.measurement * height) ** 2, s**2]) for s in speed]
    density = [NOISE.centre_acceleration] * 2 + [NOISE.size_acceleration] * 2
    edge = [NOISE.measurement] * 2 + [NOISE.measurement * NOISE.size_measurement] * 2
    for box, dt in zip(boxes[1:], dts, strict=True):
        f = np.array([[1, dt], [0, 1]])
        tall = x[3, 0] + x[3, 1] * dt
        for k in range(4):
            q = (density[k] * tall) ** 2
            x[k] = f @ x[k]
            p[k] = f @ p[k] @ f.T + q * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
        tall = x[3, 0]
        for k in range(4):
            gain = p[k][:, 0] / (p[k][0, 0] + (edge[k] * scale * tall) ** 2)
            x[k] = x[k] + gain * (box[k] - x[k, 0])
            p[k] = p[k] - np.outer(gain, p[k][0])
    return x


@given(st.integers(0, 1000), st.floats(1, 3))
def test_it_is_the_textbook_filter(seed, scale):
    rng = np.random.default_rng(seed)
    dts = rng.uniform(0.02, 0.3, 6).tolist()
    tracks = [
        [np.array([100, 80, 30, 90]) + rng.normal(0, 3, 4) for _ in range(7)],
        [np.array([300, 200, 50, 150]) + rng.normal(0, 5, 4) for _ in range(7)],
    ]
    state = MotionState(NOISE).start(np.stack([track[0] for track in tracks]))
    for i, dt in enumerate(dts, 1):
        state.predict(dt)
        # The other way round, so that rows are told apart.
        state.correct(np.array([1, 0]), np.stack([tracks[1][i], tracks[0][i]]), np.full(2, scale))
    for row, track in enumerate(tracks):
        expected = matrix_filter(track, dts, scale)
        assert state.value[row] == pytest.approx(expected[:, 0], rel=1e-9)
        assert state.velocity[row] == pytest.approx(expected[:, 1], rel=1e-6, abs=1e-9)


def test_a_steady_walk_is_learned():
    state = MotionState(MotionNoise()).start(np.array([[0.0, 0, 30, 90]]))
    for step in range(1, 60):
        state.predict(0.1)
        state.correct(np.array([0]), np.array([[step * 6.0, 0, 30, 90]]), np.ones(1))
    assert state.velocity[0] == pytest.approx([60, 0, 0, 0], abs=1.0)


def test_boxes_never_vanish():
    state = MotionState(MotionNoise()).start(np.array([[0.0, 0, 2, 2]]))
    state.velocity[0, 2:] = -1000
    state.predict(1.0)
    assert (state.value[0, 2:] >= 1).all()


def test_keep_forgets_the_others():
    state = MotionState(MotionNoise()).start(np.array([[1.0, 1, 2, 2], [5, 5, 2, 2], [9, 9, 2, 2]]))
    state.keep(np.array([True, False, True]))
    assert state.value[:, 0].tolist() == [1, 9]
    assert len(state) == 2


@given(st.lists(st.tuples(*[st.floats(-1e3, 1e3) for _ in range(4)]), min_size=1, max_size=5))
def test_corners_and_centres_are_inverse(rows):
    boxes = np.array(rows)
    assert to_xyxy(to_cxcywh(boxes)) == pytest.approx(boxes, abs=1e-6)
