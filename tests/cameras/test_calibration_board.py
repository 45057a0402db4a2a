from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cameras.calibration.accuracy import floor_difference_cm, seen_floor
from cameras.calibration.boards import Board
from cameras.calibration.choice import choose
from cameras.calibration.errors import (
    BadBoardError,
    BoardNotFoundError,
    PlacesError,
    TooFewViewsError,
    WrongBoardError,
)
from cameras.calibration.lens import calibrate_lens
from cameras.calibration.places import Place, place_camera, still_parts
from cameras.calibration.sights import BoardFinder, Sight, find_board
from cameras.frame import Frame
from cameras.geometry import CameraModel
from datasets.simulation.board_films import BoardFilm, film_pictures
from store.views import CameraView, Lens, Pose

BOARD = Board.parse("5x4:0.2:0.15")
RATE, SECONDS, STILL_S = 4.0, 11.0, 2.0
PLACES = [(1.2, 2.6, -20.0), (2.0, 1.3, 60.0)]
SIZE = (640, 360)


def true_camera() -> CameraModel:
    lens = Lens(horizontal_view_deg=84, distortion=(-0.2, 0.04, 0, 0, 0))
    pose = Pose(position=(0.4, 0.3, 2.8), look_at=(2.2, 2.8, 0.2))
    return CameraModel.of(CameraView(camera="door", size=SIZE, lens=lens, pose=pose))


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Simulated pictures of the board carried about and then lying at ``PLACES``."""
    model = true_camera()
    film = BoardFilm(model, BOARD.draw(400, 0.04), 400, 0.04, 5)
    return list(
        film_pictures(film, model, BOARD.size_m, PLACES, seed=5, seconds=SECONDS, still_s=STILL_S, rate_hz=RATE)
    )


def frames(pictures: list[np.ndarray]) -> Iterator[Frame]:
    return (Frame("door", n, 100.0 + n / RATE, picture) for n, picture in enumerate(pictures))


@pytest.fixture(scope="module")
def sights(pictures: list[np.ndarray]) -> list[Sight]:
    return find_board(frames(pictures), BOARD)[0]


@given(
    st.sampled_from(["charuco", "apriltag"]),
    st.integers(2, 12),
    st.integers(3, 12),
    st.integers(5, 300),
    st.floats(0.3, 0.9),
)
def test_a_board_reads_as_it_is_said(kind: str, columns: int, rows: int, millimetres: int, share: float) -> None:
    pitch, marker = millimetres / 1000, round(share * millimetres) / 1000
    words = "4X4_250" if kind == "charuco" else "36H11"
    board = Board(kind, columns, rows, pitch, max(marker, 0.002), words)  # type: ignore[arg-type]
    again = Board.parse(board.said)
    np.testing.assert_allclose(again.points, board.points, atol=1e-6)
    assert len(board.points) == ((columns - 1) * (rows - 1) if kind == "charuco" else 4 * columns * rows)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("7x5", "expected 7x5:0.04:0.03"),
        ("7x5:0.03:0.04", "does not fit into squares"),
        ("1x5:0.04:0.03", "too small"),
        ("7x5:0.04:0.03:NONE", "no dictionary 'NONE'"),
        ("20x20:0.04:0.03", "needs a larger dictionary"),
    ],
)
def test_a_board_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadBoardError, match=said):
        Board.parse(text)


def test_a_simulated_board_gives_the_lens_and_the_floor_to_three_centimetres(sights: list[Sight]) -> None:
    true = true_camera()
    lens = calibrate_lens(sights, BOARD, SIZE)
    assert lens.rms_px < 0.5
    np.testing.assert_allclose(np.diag(lens.matrix)[:2], np.diag(true.matrix)[:2], rtol=0.02)
    parts = still_parts(sights, SIZE)
    places = [Place(x + 0.004, y - 0.005, deg + 0.4) for x, y, deg in PLACES]
    found = place_camera("door", SIZE, lens.matrix, lens.distortion, BOARD, parts, places)
    assert float(np.median(floor_difference_cm(found.model, true, seen_floor(true, 16, 6.0)))) < 3.0
    assert found.errors.median_cm < 3.0
    assert (found.shift_cm < 3.0).all()
    again = calibrate_lens(sights[::-1], BOARD, SIZE)
    np.testing.assert_allclose(again.matrix, lens.matrix)


def test_bad_views_are_left_out(sights: list[Sight]) -> None:
    plain = calibrate_lens(sights, BOARD, SIZE)
    rng = np.random.default_rng(1)
    used = {sight.index for sight in plain.views[:4]}
    shaken = [replace(s, xy=s.xy + rng.normal(0, 6, s.xy.shape)) if s.index in used else s for s in sights]
    found = calibrate_lens(shaken, BOARD, SIZE)
    assert used & {sight.index for sight in found.dropped} or not used & {sight.index for sight in found.views}
    np.testing.assert_allclose(found.matrix[0, 0], plain.matrix[0, 0], rtol=0.02)


def test_the_views_chosen_are_spread_and_sharp(sights: list[Sight]) -> None:
    chosen = choose(sights, BOARD, SIZE, 10)
    assert len(chosen) == 10
    assert [sight.time_s for sight in chosen] == sorted(sight.time_s for sight in chosen)
    middles = np.array([sight.xy.mean(axis=0) for sight in chosen])
    assert (np.ptp(middles, axis=0) > (150, 80)).all()
    blurred = [replace(sight, sharpness=0.01) for sight in sights[:5]]
    assert not {id(s) for s in blurred} & {id(s) for s in choose([*blurred, *sights[5:]], BOARD, SIZE)}


def test_places_that_do_not_go_with_the_footage_are_named(sights: list[Sight]) -> None:
    lens = calibrate_lens(sights, BOARD, SIZE)
    parts = still_parts(sights, SIZE)
    with pytest.raises(PlacesError, match=r"lies still 2 times .* 1 places"):
        place_camera("door", SIZE, lens.matrix, lens.distortion, BOARD, parts, [Place(*PLACES[0])])
    wrong = [Place(*PLACES[0]), Place(PLACES[1][0] + 0.5, *PLACES[1][1:])]
    with pytest.raises(PlacesError, match="elsewhere: measure it again"):
        place_camera("door", SIZE, lens.matrix, lens.distortion, BOARD, parts, wrong)


def test_too_few_views_and_views_in_one_place_are_refused(sights: list[Sight]) -> None:
    with pytest.raises(TooFewViewsError, match="too few, 8 are needed"):
        calibrate_lens(sights[:5], BOARD, SIZE)
    lying = [sight for sight in sights if sight.time_s > SECONDS]
    with pytest.raises(TooFewViewsError):
        calibrate_lens(lying[: len(lying) // 2], BOARD, SIZE)


def test_pictures_without_the_board_or_with_another_are_told_apart(pictures: list[np.ndarray]) -> None:
    empty = np.full((360, 640, 3), 120, np.uint8)
    with pytest.raises(BoardNotFoundError, match="none of 3 pictures"):
        find_board(frames([empty] * 3), BOARD)
    shown = pictures[-3:]
    with pytest.raises(WrongBoardError, match=r"another board|no board"):
        find_board(frames(shown), Board.parse("4x3:0.2:0.15"))
    with pytest.raises(WrongBoardError, match="dictionary 4X4_50"):
        find_board(frames(shown), Board.parse("5x4:0.2:0.15:6X6_50"))


def test_a_grid_of_apriltags_and_an_old_chess_pattern_are_found() -> None:
    tags = Board.parse("apriltag:4x3:0.1:0.03")
    sight = BoardFinder(tags).find(tags.draw(600, 0.05), 0, 0.0)
    assert sight is not None
    assert len(sight.ids) == 48
    np.testing.assert_allclose(sight.xy, (tags.points[sight.ids] + 0.05) * 600, atol=1.0)
    old = Board("charuco", 5, 4, 0.1, 0.07, "4X4_50", legacy=True)
    picture = cv2.cvtColor(old.draw(600, 0.05), cv2.COLOR_GRAY2BGR)
    found, board = find_board(frames([picture] * 3), replace(old, legacy=False))
    assert board.legacy
    assert len(found) == 3


def test_a_board_on_the_floor_lies_as_it_is_measured() -> None:
    points = BOARD.on_floor(2.0, 1.0, 90.0)
    np.testing.assert_allclose(points[0], (2.2, 1.2, 0.0), atol=1e-6)  # right of the corner is north, down is east
    assert (points[:, 2] == 0).all()
