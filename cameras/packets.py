"""What an idle camera sends is not decoded: the sizes of its packets tell when something begins to move."""

from __future__ import annotations

from typing import Any, Final

from cameras.clock import in_seconds

_STEP: Final = 0.05  # of a packet's weight in what is usual: some two seconds at ten packets a second
_SLACK, _ALARM = 0.8, 3.0  # in usual deviations: one packet of 3.9 is an alarm, or five in a row of 1.5
_LEAST_DEVIATION: Final = 8.0  # bytes
_LEARNED: Final = 10  # packets, before anything is held
_LONGEST_S: Final = 2.0


class PacketGate:
    """Says of each packet of one camera's stream what is to be decoded now.

    Encoders send what changed since the picture before: while nothing moves that is the sensor's noise, of much the
    same size each time. So while whoever looks at the pictures says that they are ``still``, packets between two key
    frames are held back, and forgotten at the next key frame, which is always decoded. A packet larger than usual, or
    some that are a little larger (a cumulated sum, Page 1954), lets go what is held. Nothing is held for longer than
    two seconds: what is too small for the sizes to tell of it (somebody far away, an encoder that keeps packets even)
    is seen that much later. So nothing is held unless ``allowed``. Streams whose pictures come in another order than
    their packets (B-frames) must not be given to it: see ``usable``.
    """

    def __init__(self) -> None:
        self.allowed = False
        self.held = 0
        """How many packets were held back so far."""
        self._still = False
        self.restart()

    def restart(self) -> None:
        """A new stream: nothing is held, and what is usual is learned anew."""
        self._waiting: list[Any] = []
        self._since_key: int | None = None
        self._key_at = 0.0
        self._usual = self._deviation = self._sum = 0.0
        self._learned = 0

    def see(self, still: bool) -> None:
        """The newest picture that was decoded shows nothing that moves, or something does."""
        self._still = still

    def take(self, packet: Any) -> list[Any]:
        """The packets of PyAV to decode, of which the last is ``packet``; empty where it is held back."""
        if not packet.size or packet.pts is None or packet.time_base is None:  # the end of a stream, or no usual one
            return self._release(packet)
        at = in_seconds(packet.pts, packet.time_base)
        if packet.is_keyframe:
            self._waiting.clear()
            self._since_key, self._key_at, self._sum = 0, at, 0.0
            return [packet]
        if self._since_key is None:
            return [packet]
        self._since_key += 1
        alarm = self._since_key > 1 and self._alarms(packet.size)  # the first after a key frame mends its losses
        rests = self._still and self.allowed and self._learned >= _LEARNED
        if alarm or not rests or not 0 <= at - self._key_at < _LONGEST_S:
            return self._release(packet)
        self._waiting.append(packet)
        self.held += 1
        return []

    def _release(self, packet: Any) -> list[Any]:
        released = [*self._waiting, packet]
        self._waiting.clear()
        return released

    def _alarms(self, size: int) -> bool:
        """Whether packets have become larger; what is usual is learned while nothing moves."""
        if not self._still:
            self._sum = 0.0
            return False
        if not self._learned:
            self._usual, self._deviation = float(size), _LEAST_DEVIATION
        deviation = max(self._deviation, _LEAST_DEVIATION)
        apart = size - self._usual
        self._sum = max(0.0, self._sum + apart / deviation - _SLACK)
        alarm = self._learned >= _LEARNED and self._sum > _ALARM
        if alarm:
            self._sum = 0.0
        self._learned += 1
        step = max(_STEP, 1 / self._learned)
        if self._learned > _LEARNED:
            apart = max(-_ALARM * deviation, min(apart, _ALARM * deviation))
        self._usual += step * apart
        self._deviation += step * (abs(apart) - self._deviation)
        return alarm


def usable(gate: PacketGate | None, stream: Any) -> PacketGate | None:
    """``gate``, begun anew for ``stream`` of PyAV; None where the pictures come in another order than their packets."""
    if gate is None or stream.codec_context.has_b_frames:
        return None
    gate.restart()
    return gate
