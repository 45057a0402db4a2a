"""Many clips through the whole system, a process for each core, one clip at a time in each."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import Final

from datasets.orphans import end_with_parent
from training.evaluate.checkout_clip import Clip
from training.evaluate.checkout_judging import RunOutcome
from training.evaluate.checkout_playing import play
from training.evaluate.checkout_suite import Sensors, SuiteSettings
from vision.shop.networks import Networks, open_networks

_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_clips(
    clips: Sequence[Clip],
    settings: SuiteSettings,
    sensors: Sequence[Sensors],
    workers: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[Sensors, RunOutcome]]:
    """The outcomes of all ``clips``, in their order; ``progress`` is told clips. Raises what playing one raises."""
    context = multiprocessing.get_context("spawn")  # torch and OpenGL do not survive a fork
    with _single_threads():
        pool = ProcessPoolExecutor(
            min(workers, len(clips)), mp_context=context, initializer=_start, initargs=(settings, tuple(sensors))
        )
        try:
            jobs = [pool.submit(_run, clip) for clip in clips]
            waiting = set(jobs)
            while waiting:
                done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                for job in done:
                    job.result()
                progress(len(jobs) - len(waiting), len(jobs))
            return [job.result() for job in jobs]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[Networks, SuiteSettings, tuple[Sensors, ...]] | None = None


def _start(settings: SuiteSettings, sensors: tuple[Sensors, ...]) -> None:
    global _worker
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C
    networks = open_networks(settings.detector, settings.joints, settings.hands, size=settings.size, threads=1)
    _worker = (networks, settings, sensors)


def _run(clip: Clip) -> dict[Sensors, RunOutcome]:
    assert _worker is not None
    return play(clip, *_worker)


@contextmanager
def _single_threads() -> Iterator[None]:
    """Processes that are started meanwhile compute with one thread each: libraries read this when they are loaded."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
