"""A picture of the place without the people: what stands still in most of some pictures spread over time."""

from __future__ import annotations

from pathlib import Path

from vision.blurred import BlurredPicture, median_picture, only_blurred
from vision.jpeg import write_jpeg


class Background:
    """Collects pictures of one camera, and gives the median of every pixel.

    At most ``samples`` are kept, ``every_s`` seconds of footage apart at first. When there are more, every second one
    goes and the distance doubles, so that they span all of the footage; beyond ``longest_s`` the oldest go instead,
    so that the picture follows daylight and new shelves.
    """

    def __init__(self, *, samples: int = 9, every_s: float = 0.4, longest_s: float = 300.0) -> None:
        if samples < 2:
            raise ValueError(f"a background needs 2 samples or more, got {samples}")
        self._samples, self._first_s, self._longest_s = samples, every_s, longest_s
        self._pictures: list[BlurredPicture] = []
        self._every_s = every_s

    def __len__(self) -> int:
        return len(self._pictures)

    def update(self, picture: BlurredPicture) -> bool:
        """Keep ``picture`` if it is time; return whether it was kept. A new size or an earlier time starts anew."""
        only_blurred(picture)
        last = self._pictures[-1] if self._pictures else None
        if last is not None and (last.size != picture.size or picture.captured_at < last.captured_at):
            self.reset()
        elif not self.due(picture.captured_at):
            return False
        self._pictures.append(picture)
        if len(self._pictures) > self._samples:
            if self._every_s * 2 <= self._longest_s:
                self._pictures = self._pictures[::2]
                self._every_s *= 2
            else:
                del self._pictures[0]
        return True

    def due(self, time_s: float) -> bool:
        """Whether a picture captured at ``time_s`` would be kept: ask before making one."""
        if not self._pictures:
            return True
        newest = self._pictures[-1].captured_at
        return time_s < newest or time_s >= newest + self._every_s

    def picture(self) -> BlurredPicture | None:
        """The place without people who moved, or None before the first picture."""
        return median_picture(self._pictures) if self._pictures else None

    def write(self, path: Path) -> bool:
        """Write ``picture()`` as JPEG, whole or not at all; return whether there was one."""
        picture = self.picture()
        if picture is not None:
            write_jpeg(path, picture)
        return picture is not None

    def reset(self) -> None:
        """Forget all pictures."""
        self._pictures = []
        self._every_s = self._first_s
