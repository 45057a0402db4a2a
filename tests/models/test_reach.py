import numpy as np
import pytest

from models.reach import CLASSES, OFFSETS_S, SHAPE, SIDE_PX, ReachModel, cut_clip


def pictures(count, size=(120, 200)):
    """Pictures of which each is as bright as its number, with a bright spot at (100, 60)."""
    made = np.zeros((count, *size, 3), np.uint8)
    made[:] = np.arange(count, dtype=np.uint8)[:, None, None, None]
    made[:, 56:64, 96:104] = 255
    return list(made)


def test_each_picture_is_the_nearest_in_time():
    times = np.arange(31) * 0.1
    clip = cut_clip(pictures(31), times, 2.0, (60, 60), 40)
    assert clip.shape == SHAPE
    expected = [round((2.0 + offset) / 0.1) for offset in OFFSETS_S]
    assert clip[:, 5, 5, 0].tolist() == expected


def test_a_clip_that_begins_too_early_repeats_the_first_picture():
    times = 5.0 + np.arange(21) * 0.1
    clip = cut_clip(pictures(21), times, 5.2, (60, 60), 40)
    assert clip[:3, 5, 5, 0].tolist() == [0, 0, 0]


def test_what_is_in_the_middle_of_the_square_is_in_the_middle_of_the_clip():
    clip = cut_clip(pictures(1), np.zeros(1), 0.0, (100, 60), 80)
    middle = SIDE_PX // 2
    assert (clip[0, middle - 3 : middle + 3, middle - 3 : middle + 3, :3] == 255).all()
    assert (clip[0, : middle - 10, :, :3] == 0).all()


@pytest.mark.parametrize("centre", [(-30, -30), (0, 60), (230, 150), (-500, 900)])
def test_beyond_the_picture_its_edge_is_repeated(centre):
    clip = cut_clip([np.full((120, 200, 3), 9, np.uint8)], np.zeros(1), 0.0, centre, 100)
    assert (clip[..., :3] == 9).all()


def test_the_wrist_is_marked_where_it_is_and_nowhere_when_it_is_lost():
    times = np.arange(31) * 0.1
    wrist = np.full((31, 2), (70.0, 50.0))
    wrist[20] = np.nan
    clip = cut_clip(pictures(31), times, 2.0, (60, 60), 80, wrist)
    marked = clip[0, ..., 3]
    assert (
        np.abs(np.array(np.unravel_index(marked.argmax(), marked.shape)) - [30 * SIDE_PX / 80, 50 * SIDE_PX / 80]).max()
        <= 1
    )
    assert marked.max() == 255
    assert clip[OFFSETS_S.index(0.0), ..., 3].max() == 0
    assert cut_clip(pictures(31), times, 2.0, (60, 60), 80)[..., 3].max() == 0


def test_a_wrist_outside_the_square_leaves_no_mark():
    far = np.array([[190.0, 60.0]])
    assert cut_clip(pictures(1), np.zeros(1), 0.0, (60, 60), 40, far)[..., 3].max() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([], np.zeros(0), 0.0, (1, 1), 10), "0 pictures"),
        ((pictures(2), np.zeros(1), 0.0, (1, 1), 10), "2 pictures and 1 times"),
        ((pictures(1), np.zeros(1), 0.0, (1, np.nan), 10), "cannot be cut"),
        ((pictures(1), np.zeros(1), 0.0, (1, 1), 0), "square of 0 px"),
        ((pictures(1), np.zeros(1), 0.0, (1, 1), 10, np.zeros((3, 2))), r"\(1, 2\), found \(3, 2\)"),
    ],
)
def test_what_cannot_be_cut_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        cut_clip(*arguments)


class Runtime:
    def run(self, batch):
        return (np.tile(np.log([0.7, 0.2, 0.1]), (len(batch), 1)).astype(np.float32),)


def test_classify_gives_a_row_a_clip_and_refuses_other_shapes():
    model = ReachModel(Runtime())
    assert model.classify(np.zeros((2, *SHAPE), np.uint8)).shape == (2, len(CLASSES))
    assert model.classify(np.zeros((0, *SHAPE), np.uint8)).shape == (0, len(CLASSES))
    with pytest.raises(ValueError, match="uint8"):
        model.classify(np.zeros((2, *SHAPE), np.float32))
    with pytest.raises(ValueError, match="found uint8"):
        model.classify(np.zeros(SHAPE, np.uint8))


def test_the_shipped_model_says_nothing_of_a_still_picture_and_does_not_mind_the_batch():
    from models.registry import active, path_of, state_of

    entry = active("reach")
    assert entry.name == "aisle-reach"
    assert state_of(entry) == "verified"
    path = path_of(entry)
    assert path.stat().st_size < 12 * 2**20
    assert path.with_suffix(".md").is_file()
    model = ReachModel.open(path)
    still = np.random.default_rng(0).integers(60, 200, (64, 64, 4), dtype=np.uint8)
    still[..., 3] = 0
    moving = np.random.default_rng(1).integers(0, 255, SHAPE, dtype=np.uint8)
    said = model.classify(np.stack([np.tile(still, (SHAPE[0], 1, 1, 1)), moving]))
    np.testing.assert_allclose(np.exp(said).sum(axis=1), 1, atol=1e-3)
    assert np.exp(said[0, 0]) > 0.8
    np.testing.assert_allclose(model.classify(moving[None])[0], said[1], atol=1e-2)
