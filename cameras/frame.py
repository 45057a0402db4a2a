"""One picture of one camera, and the protocol of everything that yields pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture: ``image`` is uint8 (H, W, 3) BGR, ``captured_at`` seconds since 1970 in UTC, ``index`` from 0.

    ``index`` counts the source's own frames, so it has gaps where a live source skipped.
    """

    camera: str
    index: int
    captured_at: float
    image: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(
                f"camera {self.camera}: image must be uint8 (H, W, 3), got {self.image.dtype} {self.image.shape}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]


class FrameSource(Protocol):
    """Something that yields frames in order of time.

    ``live`` sources hold the newest frame only and count what they skip in ``dropped``; others yield every frame.
    ``frame_count`` is None where the source cannot know it. Iterating blocks until the next frame, and ends with
    the footage; a live source ends only when it is closed.
    """

    camera: str
    live: bool

    @property
    def dropped(self) -> int:
        """How many frames came and were not handed out."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of every frame."""
        ...

    @property
    def frame_rate(self) -> float:
        """Frames a second, as the source states it or as it was overridden."""
        ...

    @property
    def frame_count(self) -> int | None:
        """How many frames there are, where that is known."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Stop and free the source; iterating ends. Safe to call twice and from another thread."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
