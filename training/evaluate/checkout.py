"""`aisle evaluate checkout`: simulated suites from pixels to receipts, compared with what each shopper owes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from training.evaluate.checkout_judging import RunOutcome
from training.evaluate.checkout_pages import write_pages
from training.evaluate.checkout_report import CheckoutReport
from training.evaluate.checkout_running import run_clips
from training.evaluate.checkout_suite import Sensors, SuiteRequest, SuiteSettings, suite_clips

Progress = Callable[[int, int], None]


def evaluate_checkout(
    request: SuiteRequest,
    sensors: Sequence[Sensors],
    settings: SuiteSettings | None = None,
    *,
    failures: Path | None = None,
    workers: int | None = None,
    filming: Progress = lambda done, total: None,
    playing: Progress = lambda done, total: None,
) -> CheckoutReport:
    """Film what is missing of a suite, play every clip through the system and score its receipts.

    ``filming`` is told pictures, ``playing`` clips. With ``failures`` a page for each of the worst failures of each
    family is written into that folder. Raises ``DatasetFileError`` and what filming raises.
    """
    settings = settings or SuiteSettings()
    clips = suite_clips(request, settings, filming)
    found = run_clips(clips, settings, sensors, workers or os.cpu_count() or 1, playing)
    outcomes: dict[str, list[RunOutcome]] = {name: [each[name] for each in found] for name in sensors}
    report = CheckoutReport(request.suite, outcomes)
    if failures is not None:
        write_pages(report, clips, failures)
    return report
