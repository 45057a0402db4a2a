"""What an idle camera's packets are held back for, and what lets them go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from cameras.open import open_source
from cameras.packets import PacketGate, usable
from cameras.planes import Decoded, decoded
from tests.cameras.still_rooms import RATE, film, room, walked


def played(path: Path, gate: PacketGate | None, still: Callable[[int], bool] = lambda index: True) -> list[Decoded]:
    """All pictures of a film, of which ``still`` says that nothing moves in them; what was held back has none."""
    seen = []
    with open_source(str(path), start=0.0, gate=gate) as source:
        for picture in decoded(source):
            shown = None if picture.picture is None else picture.frame().image
            seen.append(Decoded(picture.camera, picture.index, picture.captured_at, shown))
            if gate is not None and shown is not None:
                gate.see(still(picture.index))
    return seen


def resting() -> PacketGate:
    gate = PacketGate()
    gate.allowed = True
    return gate


def test_a_still_room_is_decoded_at_key_frames_and_no_picture_is_lost(tmp_path: Path) -> None:
    path = film(tmp_path / "still.mp4", room(100))
    gate = resting()
    seen = played(path, gate)
    assert [each.index for each in seen] == list(range(100))
    assert [each.captured_at for each in seen] == pytest.approx([n / RATE for n in range(100)])
    shown = [each.index for each in seen if each.picture is not None]
    assert {20, 40, 60, 80} <= set(shown)
    assert len([n for n in shown if n >= 20]) < 20  # killed: noise that is an alarm
    assert gate.held == 100 - len(shown)


@pytest.mark.parametrize("begin", [47, 53, 66])
def test_who_comes_in_lets_go_what_is_held_and_every_picture_is_as_it_was(tmp_path: Path, begin: int) -> None:
    path = film(tmp_path / "walk.mp4", walked(room(100), begin))
    seen = played(path, resting(), still=lambda index: index < begin)
    first = next(each.index for each in seen if each.index >= begin and each.picture is not None)
    assert first <= begin + 2  # killed: sizes that tell nothing; a sum that is never reached
    assert all(each.picture is not None for each in seen[first:])  # killed: held while something moves
    for held, whole in zip(seen, played(path, None), strict=True):
        if held.picture is not None:
            np.testing.assert_array_equal(held.picture, whole.picture)  # killed: decoded without what came before


@pytest.mark.parametrize("allowed", [False, True])
def test_nothing_is_held_that_must_not_be(tmp_path: Path, allowed: bool) -> None:
    path = film(tmp_path / "still.mp4", room(60))
    gate = PacketGate()
    gate.allowed = allowed
    seen = played(path, gate, still=lambda index: not allowed)
    assert (gate.held, sum(each.picture is None for each in seen)) == (0, 0)


def test_nothing_is_held_for_longer_than_two_seconds(tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", room(100), g="1000")
    gate = resting()
    shown = [each.index for each in played(path, gate) if each.picture is not None]
    assert gate.held > 0
    assert set(range(20, 100)) <= set(shown)


def test_pictures_that_come_in_another_order_than_their_packets_are_all_decoded(tmp_path: Path) -> None:
    path = film(tmp_path / "b.mp4", room(60), bf="3")
    gate = resting()
    with av.open(str(path)) as container:
        assert usable(gate, container.streams.video[0]) is None
    seen = played(path, gate)
    assert len(seen) == 60
    assert all(each.picture is not None for each in seen)


def test_another_stream_is_learned_anew(tmp_path: Path) -> None:
    path = film(tmp_path / "still.mp4", room(60))
    gate = resting()
    played(path, gate)
    held = gate.held
    with av.open(str(path)) as container:
        assert usable(gate, container.streams.video[0]) is gate
        packets = [packet for packet in container.demux(video=0) if packet.size]
    gate.see(still=True)
    assert [len(gate.take(packet)) for packet in packets[1:9]] == [1] * 8  # killed: what was held before it
    assert gate.held == held
