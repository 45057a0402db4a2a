"""Several processes that train one network: on one machine's GPUs or CPUs, or on a cluster by Ray Train."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import torch
from torch import distributed
from torch.multiprocessing.spawn import ProcessRaisedException
from torch.multiprocessing.spawn import spawn as torch_spawn

from training.errors import TrainingError

_PATIENCE = timedelta(minutes=30)  # one process may evaluate or write while the others wait


@dataclass(frozen=True, slots=True)
class Parallel:
    """One of ``size`` processes, the ``rank``-th from 0. ``device`` is where it computes; "" leaves that open."""

    rank: int = 0
    size: int = 1
    device: str = ""

    @property
    def leads(self) -> bool:
        """Whether it is this process that writes, logs and tells."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """How much of a batch each process draws. Raises ``ValueError`` where it cannot be shared evenly."""
        if batch % self.size:
            raise ValueError(f"a batch of {batch} cannot be shared by {self.size} processes: make it a multiple")
        return batch // self.size


ALONE: Final = Parallel()


def launch(function: Callable[[Parallel], None], processes: int, device: str = "cpu") -> None:
    """Run ``function`` in ``processes`` processes that torch joins: NCCL between GPUs, gloo between CPUs.

    With one process it is called here, with ``Parallel(0, 1, device)``. Else it must be picklable (a function of a
    module, or a ``functools.partial`` of one), and the n-th process computes on "cuda:n" where ``device`` is "cuda";
    "ray:cpu" and "ray:cuda" are ``launch_on_ray``. An exception in one process ends all. Raises its ``TrainingError``,
    else ``torch.multiprocessing.ProcessRaisedException``.
    """
    if device.startswith("ray:"):
        launch_on_ray(function, processes, gpus=device == "ray:cuda")
        return
    if processes == 1:
        function(Parallel(0, 1, device))
        return
    with tempfile.TemporaryDirectory(prefix="aisle-launch-") as name:
        folder = Path(name)
        try:
            torch_spawn(_joined, (function, processes, device, folder), processes)  # type: ignore[no-untyped-call]
        except ProcessRaisedException as error:
            for path in folder.glob("error-*"):
                raise pickle.loads(path.read_bytes()) from error
            raise


def launch_on_ray(function: Callable[[Parallel], None], workers: int, *, gpus: bool = False) -> None:
    """Run ``function`` in ``workers`` Ray Train workers, on whatever machines the Ray cluster has.

    The cluster at ``RAY_ADDRESS`` is used, else one is started on this machine for the while; nothing is told to Ray's
    makers. The run's folder and the data must be on a disk that all machines share, named by absolute paths. Raises
    ``TrainingError`` where the extra ``cluster`` is not installed, and for what went wrong in a worker.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray.train import RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer
    except ImportError as error:
        raise TrainingError(f"several machines need Ray ({error}): `pip install 'aisle[cluster]'`") from error
    started = not ray.is_initialized()
    if started:
        ray.init(**({} if "RAY_ADDRESS" in os.environ else {"include_dashboard": False}))
    try:
        with tempfile.TemporaryDirectory(prefix="aisle-ray-") as folder:
            TorchTrainer(
                _ray_worker,
                train_loop_config={"function": function, "gpus": gpus},
                scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus),
                run_config=RunConfig(storage_path=folder),
            ).fit()
    finally:
        if started:
            ray.shutdown()


def _joined(rank: int, function: Callable[[Parallel], None], size: int, device: str, folder: Path) -> None:
    if device == "cuda":
        device = f"cuda:{rank}"
        torch.cuda.set_device(rank)
    else:
        torch.set_num_threads(max(torch.get_num_threads() // size, 1))
    backend = "nccl" if device.startswith("cuda") else "gloo"
    meeting = (folder / "meeting").as_uri()
    distributed.init_process_group(backend, init_method=meeting, rank=rank, world_size=size, timeout=_PATIENCE)
    try:
        function(Parallel(rank, size, device))
    except TrainingError as error:
        (folder / f"error-{rank}").write_bytes(pickle.dumps(error))
        raise
    finally:
        distributed.destroy_process_group()


def _ray_worker(config: dict[str, Any]) -> None:
    from ray import train
    from ray.train.torch import get_device

    context = train.get_context()
    device = str(get_device()) if config["gpus"] else "cpu"
    config["function"](Parallel(context.get_world_rank(), context.get_world_size(), device))
