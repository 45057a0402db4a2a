"""A worker's report as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def table_of(name: str, report: Mapping[str, Any]) -> Table:
    """One row a camera: state, pictures a second and their age, what was skipped, time a stage; below, the slowest."""
    from rich.table import Table

    cameras = report["cameras"]
    stages = list(next(iter(cameras.values()))["seconds"]) if cameras else []
    slowest = report["bottleneck"]
    caption = (
        f"most time goes into {slowest['stage']}: {slowest['share']:.0%}; networks started again "
        f"{report['restarts']} times"
    )
    if floor := report.get("floor"):
        caption += f"\non the floor {floor['now']} people, {floor['entered']:,} visits; {_audited(floor['audit'])}"
        caption += f"; bumped: {', '.join(floor['bumped'])}" if floor["bumped"] else ""
    table = Table(title=name, caption=caption, expand=False)
    for title in ("camera", "state", "looked/s", "age ms", "p99", "came", "still", "passed over", "people", "counted"):
        table.add_column(title, justify="left" if title in ("camera", "state") else "right", no_wrap=True)
    for stage in stages:
        table.add_column(f"{stage} ms", justify="right", no_wrap=True)
    for camera, each in cameras.items():
        came, looked = max(each["came"], 1), max(each["looked"], 1)
        age = each["age_s"]
        table.add_row(
            camera,
            each["state"] + (f" ({each['restarts']} restarts)" if each["restarts"] else ""),
            f"{each['rate_hz']:.1f}",
            _ms(age["median"]),
            _ms(age["p99"]),
            f"{each['came']:,}",
            f"{each['still'] / came:.0%}",
            f"{each['missed']:,}",
            str(each["now"]),
            f"{each['entered']:,}",
            *(
                f"{1000 * spent / (came if stage == 'decode' else looked):.1f}"
                for stage, spent in each["seconds"].items()
            ),
        )
    return table


def _audited(audit: Mapping[str, Any] | None) -> str:
    if audit is None:
        return "not audited yet"
    if not audit["fails"]:
        return "the last audit adds up"
    return (
        f"the last audit fails ({', '.join(audit['fails'])}): {audit['begun_away']} began and {audit['ended_away']} "
        f"ended away from gates, {audit['doubled']} twice"
    )


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{1000 * seconds:.0f}"
