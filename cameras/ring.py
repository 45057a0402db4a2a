"""The newest pictures of one camera in shared memory: one process writes, another reads, and neither waits.

A picture is written once and never copied again; what goes from process to process is the number of its slot.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from types import TracebackType
from typing import Final, NamedTuple, Self

import numpy as np

from cameras.planes import PlanarFrame, Planes, planes_shape

SLOTS: Final = 4
"""The newest one, the one that is read, the one that is written, and one so that these three may change places."""
_HEADER: Final = np.dtype(
    [
        ("written", np.int64),  # pictures so far; the newest one's ticket
        ("newest", np.int64),  # its slot, -1 before the first
        ("reading", np.int64),  # the slot that the reader holds, -1 for none
        ("taken", np.int64),  # the ticket of the last picture that the reader took
        ("beat_at", np.float64),  # when the writer last said that it is alive
        ("still", np.int64),  # pictures that were not worth a look
        ("held", np.int64),  # of those, the ones that were not even decoded
        ("decode_s", np.float64),  # seconds that decoding took, and looking whether anything moves
        ("write_s", np.float64),  # seconds that writing into slots took
        ("may_rest", np.int64),  # whether the reader can do without what is still: 0 or 1
    ]
)
_SLOT: Final = np.dtype([("ticket", np.int64), ("index", np.int64), ("captured_at", np.float64)])
_ALIGNED: Final = 64


@dataclass(frozen=True, slots=True)
class RingPlace:
    """Where a ring lies: its name in shared memory, the camera, the pictures' size (width, height), how many slots."""

    name: str
    camera: str
    size: tuple[int, int]
    slots: int = SLOTS


class Taken(NamedTuple):
    """A picture that the reader holds: its slot is not written to until the reader takes another one.

    ``missed`` counts the pictures that came since the one that was taken before, and were never taken.
    """

    frame: PlanarFrame
    ticket: int
    missed: int


class Spent(NamedTuple):
    """What a ring's writers did: pictures not worth a look, and of those not even decoded; CPU seconds of decoding, and
    of writing into slots.
    """

    still: int
    held: int
    decode_s: float
    write_s: float


class FrameRing:
    """A ring, made by ``create`` in one process and opened by ``attach`` in the other. Use it as a context manager.

    One process calls ``write`` and ``beat``, one calls ``take``. Whoever created it removes it.
    """

    def __init__(self, memory: SharedMemory, place: RingPlace, *, owns: bool) -> None:
        self.place = place
        self._memory, self._owns = memory, owns
        self._filling = 0
        head, table, picture = _layout(place)
        self._head = np.ndarray(1, _HEADER, memory.buf)
        self._slots = np.ndarray(place.slots, _SLOT, memory.buf, head)
        shape = planes_shape(place.size)
        self._planes = [
            np.ndarray(shape, np.uint8, memory.buf, head + table + number * picture) for number in range(place.slots)
        ]

    @classmethod
    def create(cls, camera: str, size: tuple[int, int], slots: int = SLOTS) -> FrameRing:
        """A new ring for pictures of ``size`` (width, height). Raises ``ValueError`` for less than four slots."""
        if slots < SLOTS:
            raise ValueError(f"a ring needs {SLOTS} slots or more, got {slots}")
        head, table, picture = _layout(RingPlace("", camera, size, slots))
        memory = SharedMemory(create=True, size=head + table + slots * picture)
        ring = cls(memory, RingPlace(memory.name, camera, size, slots), owns=True)
        ring._head["written"], ring._head["newest"], ring._head["reading"], ring._head["taken"] = 0, -1, -1, 0
        ring._slots["ticket"] = 0
        return ring

    @classmethod
    def attach(cls, place: RingPlace) -> FrameRing:
        """The ring at ``place``, of another process. Raises ``FileNotFoundError`` where it was removed."""
        return cls(SharedMemory(place.name), place, owns=False)

    def next(self) -> Planes:
        """The slot for the next picture, to be written into by the one writer, before ``publish``."""
        busy = {int(self._head["newest"][0]), int(self._head["reading"][0])}
        self._filling = next(slot for slot in range(self.place.slots) if slot not in busy)
        self._slots["ticket"][self._filling] = 0
        return self._planes[self._filling]

    def publish(self, index: int, captured_at: float) -> None:
        """What was written into the slot that ``next`` gave is the newest picture."""
        ticket = int(self._head["written"][0]) + 1
        self._slots["index"][self._filling], self._slots["captured_at"][self._filling] = index, captured_at
        self._slots["ticket"][self._filling] = ticket
        self._head["newest"] = self._filling
        self._head["written"] = ticket

    def write(self, planes: Planes, index: int, captured_at: float) -> None:
        """Copy a picture in; never waits."""
        self.next()[:] = planes
        self.publish(index, captured_at)

    def beat(self, now: float) -> None:
        """The writer is alive, picture or not."""
        self._head["beat_at"] = now

    def let_rest(self, rest: bool) -> None:
        """The reader's side: pictures in which nothing moves need not even be decoded, or must be."""
        self._head["may_rest"] = rest

    @property
    def may_rest(self) -> bool:
        """What ``let_rest`` said last; at first not."""
        return bool(self._head["may_rest"][0])

    def count(self, *, still: int = 0, held: int = 0, decode_s: float = 0.0, write_s: float = 0.0) -> None:
        """The writer's own account of what it did, added up."""
        self._head["still"] += still
        self._head["held"] += held
        self._head["decode_s"] += decode_s
        self._head["write_s"] += write_s

    @property
    def spent(self) -> Spent:
        """What ``count`` added up."""
        return Spent(*(self._head[name][0].item() for name in Spent._fields))

    @property
    def beat_at(self) -> float:
        """When the writer last said so; 0 for never."""
        return float(self._head["beat_at"][0])

    @property
    def written(self) -> int:
        """How many pictures were published."""
        return int(self._head["written"][0])

    @property
    def all_taken(self) -> bool:
        """Whether the reader has the newest picture; what a writer waits for that must not skip any."""
        return bool(self._head["taken"][0] == self._head["written"][0])

    def peek(self) -> float | None:
        """When the newest picture was captured, None where it was taken already or there is none."""
        slot = int(self._head["newest"][0])
        if slot < 0 or self._slots["ticket"][slot] <= self._head["taken"][0]:
            return None
        return float(self._slots["captured_at"][slot])

    def take(self) -> Taken | None:
        """The newest picture, None where it was taken already. The one taken before is given back."""
        while True:
            slot = int(self._head["newest"][0])
            before = int(self._head["taken"][0])
            if slot < 0 or int(self._slots["ticket"][slot]) <= before:
                return None
            self._head["reading"] = slot
            # The writer may have passed by in between: then another slot is the newest, and this one may be its next.
            if int(self._head["newest"][0]) == slot:
                break
        row = self._slots[slot]
        ticket = int(row["ticket"])
        self._head["taken"] = ticket
        planes = self._planes[slot].view()
        planes.flags.writeable = False
        frame = PlanarFrame(self.place.camera, int(row["index"]), float(row["captured_at"]), self.place.size, planes)
        return Taken(frame, ticket, ticket - before - 1)

    def whole(self, taken: Taken) -> bool:
        """Whether the picture that ``take`` gave is still that one, in every pixel."""
        slot = int(self._head["reading"][0])
        return slot >= 0 and int(self._slots["ticket"][slot]) == taken.ticket

    def close(self) -> None:
        """Let go of the memory; its creator removes it. What ``take`` gave must not be used any more."""
        self._head = self._slots = np.zeros(0)
        self._planes = []
        # Where somebody still has a view, the memory goes with it.
        with contextlib.suppress(BufferError):
            self._memory.close()
        if self._owns:
            self._owns = False
            self._memory.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _layout(place: RingPlace) -> tuple[int, int, int]:
    """Bytes of the header, of the table of slots and of a picture, each beginning on a cache line."""
    shape = planes_shape(place.size)
    return (
        _aligned(_HEADER.itemsize),
        _aligned(_SLOT.itemsize * place.slots),
        _aligned(shape[0] * shape[1]),
    )


def _aligned(count: int) -> int:
    return -(-count // _ALIGNED) * _ALIGNED
