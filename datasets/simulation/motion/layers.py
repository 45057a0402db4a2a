"""What a hand wants at many times, mixed from what hanging, carrying and reaching want."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.simulation.motion.turns import Array, unit, wrapped


@dataclass(frozen=True, eq=False)
class Wish:
    """A hand at n times: ``palm`` (n, 3) its middle in the shop; ``along`` and ``thumb`` (n, 3) where fingers and thumb
    point; ``pole`` (n, 3) what draws the elbow away from where it would be by itself; ``curl`` (n,) 0 open to 1 closed;
    ``yaw`` (n,) the turn of a held item about the vertical.
    """

    palm: Array
    along: Array
    thumb: Array
    pole: Array
    curl: Array
    yaw: Array

    def mixed(self, other: Wish, share: Array) -> Wish:
        """The wish as it goes over into ``other`` by ``share`` (n,)."""
        part = share[:, None]
        return Wish(
            self.palm + part * (other.palm - self.palm),
            unit(self.along + part * (other.along - self.along)),
            unit(self.thumb + part * (other.thumb - self.thumb)),
            self.pole + part * (other.pole - self.pole),
            self.curl + share * (other.curl - self.curl),
            self.yaw + share * wrapped(other.yaw - self.yaw),
        )
