"""What a shop costs in which nothing moves, against one in which somebody always does, at the cameras' own pace."""

from __future__ import annotations

from benchmarks.films import RATE_HZ, busy, quiet
from benchmarks.measure import Finding, in_turns
from benchmarks.pipelines import SHIPPED, SMALL
from benchmarks.visits import entered, people
from benchmarks.watching import Watched, watch
from vision.worker.looking import LookingJob

_IDLE_S, _BUSY_S = 4.0, 10.0
_WARM_S = 1.5  # the gate takes a new camera for moving, and looks at every picture for a second after a movement
_WARM = round(_WARM_S * RATE_HZ)
_TURNS = 3


def measure() -> list[Finding]:
    """CPU a second of both, and whether those who entered the empty shop were seen."""
    still, crowd = quiet(), busy()
    looking = LookingJob(SHIPPED, SMALL)
    names = list(crowd.cameras)
    shares: list[Watched] = []

    def idle() -> float:
        cameras = {name: still.cameras[name] for name in names}
        found = watch(cameras, looking, floor=still, pictures=_IDLE_S * RATE_HZ, warm=_WARM, gated=True, paced=True)
        shares.append(found)
        return found.cpu_s / found.wall_s

    def walked() -> float:
        found = watch(
            crowd.cameras, looking, floor=crowd, pictures=_BUSY_S * RATE_HZ, warm=_WARM, gated=True, paced=True
        )
        return found.cpu_s / found.wall_s

    found = in_turns({"ours": idle, "busy": walked}, _TURNS)
    seen = watch(still.cameras, looking, floor=still, gated=True, paced=True)
    looked = sum(each.looked for each in shares) / sum(each.came for each in shares)
    note = f"2 cameras at 10 frames/s; {looked:.0%} of idle pictures looked at"
    return [
        Finding(
            "idle scene, a busy one beside it",
            f"{found['ours']:.3f} CPU s a second",
            f"{found['busy']:.3f} CPU s a second",
            found["ours"] / found["busy"],
            0.15,
            at_most=True,
            note=note,
        ),
        Finding(
            "  entries missed after the idle time",
            f"{entered(seen.events)} visits told of",
            f"{people(still)} there",
            float(max(people(still) - entered(seen.events), 0)),
            0.0,
            at_most=True,
            note="8 cameras, gated, at their own pace",
        ),
    ]
