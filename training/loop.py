"""The loop that trains every network of ours: it resumes, averages, logs, and stops at the first wrong number."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from training.errors import LossNotFiniteError
from training.parallel import ALONE, Parallel
from training.run import Run

Progress = Callable[[int, int, Mapping[str, float]], None]
Amp = bool | Literal["float16", "bfloat16"]
LossOf = Callable[[Any, Any], Mapping[str, Tensor]]


class BatchOf(Protocol):
    """Makes the batch of a step."""

    def __call__(self, step: int, /) -> Any:
        """A pytree of tensors, the same for the same step."""
        ...


class Tell:
    """Writes a line to stderr whenever the loop logs, not more than every ``every_s`` seconds, and at the end."""

    def __init__(self, every_s: float = 5.0) -> None:
        self._every_s = every_s
        self._begun: tuple[float, int] | None = None
        self._told = 0.0

    def __call__(self, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Tell that ``done`` steps of ``total`` are done, with the mean losses of the last ones."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = (now, done)
        if done < total and now - self._told < self._every_s:
            return
        self._told = now
        since, first = self._begun
        rate = (done - first) / (now - since) if now > since else 0.0
        left = f", {rate:.2f} steps/s, {(total - done) / rate:.0f} s left" if rate else ""
        said = ", ".join(f"{name} {value:.4g}" for name, value in losses.items())
        sys.stderr.write(f"step {done}/{total}: {said}{left}\n")


def fit(
    run: Run,
    network: nn.Module,
    loss_of: LossOf,
    batch_of: BatchOf,
    *,
    steps: int,
    optimizer: Optimizer,
    schedule: LRScheduler | None = None,
    average: float | None = None,
    checkpoint_every: int = 200,
    log_every: int = 20,
    device: str = "cpu",
    amp: Amp = False,
    parallel: Parallel = ALONE,
    clip: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Train ``network`` in place for ``steps`` steps, or for those that are left of a run that was interrupted.

    ``loss_of(network, batch)`` gives scalars by name, whose sum is minimised. ``batch_of(step)`` is a pure function of
    its number, so that a resumed run sees the same data. Of ``parallel.size`` processes, the one of rank r draws
    ``batch_of(step * size + r)``: a step learns from all their batches, and gives what one process gives on the batches
    joined, where losses are means (batch normalisation apart, which sees a process's own). torch's generator is
    seeded for each step from ``seed``, for dropout.

    ``average``, such as .999, keeps an exponential moving average of weights and floating buffers, a_t = d a_(t-1) +
    (1 - d) w_t with d = min(average, (1 + t) / (10 + t)), which is copied into ``network`` at the end. ``amp`` True
    computes in bfloat16 or float16 on GPUs that gain by it and changes nothing on CPUs, where it would be slower; a
    type's name forces it. ``clip`` is the largest norm of the gradient. ``progress`` is told steps done, all steps and
    the mean losses since it was last told, whenever they are logged; None writes them to stderr.

    Raises ``LossNotFiniteError`` at the first loss or weight that is no number, before it is saved, and
    ``DiskFullError``.
    """
    place = torch.device(parallel.device or device)
    network.to(place).train()
    precision = _precision(amp, place)
    scaler = torch.amp.GradScaler(place.type, enabled=precision is torch.float16)
    resuming: dict[str, Any] = {"network": network, "optimizer": optimizer, "schedule": schedule, "scaler": scaler}
    saved = run.load(place)
    for name, part in resuming.items():
        if saved is not None and name in saved:
            part.load_state_dict(saved[name])
    step = 0 if saved is None else int(saved["step"])
    mean = _Average(network, average, saved) if average is not None else None
    losses: nn.Module = _Losses(network, loss_of)
    if parallel.size > 1:
        losses = nn.parallel.DistributedDataParallel(losses)
    told = progress or Tell()
    sums: dict[str, Tensor] = {}
    summed, wrong = 0, torch.full((), -1, device=place)

    for number in range(step * parallel.size + parallel.rank, steps * parallel.size, parallel.size):
        batch = batch_of(number)
        torch.manual_seed(seed * 1_000_003 + step * parallel.size + parallel.rank)
        with _cast(place, precision):
            parts: Mapping[str, Tensor] = losses(moved(batch, place))
        total = torch.stack([part.float() for part in parts.values()]).sum()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(scaler.scale(total))
        if clip is not None:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        scaler.step(optimizer)
        scaler.update()
        if schedule is not None:
            schedule.step()
        step += 1
        if mean is not None:
            mean.update(step)
        for name, part in parts.items():
            sums[name] = sums.get(name, torch.zeros((), device=place)) + part.detach().float()
        summed += 1
        # Where the first wrong loss was is kept on the device: to ask at every step would make a GPU wait.
        wrong = torch.where((wrong < 0) & ~torch.isfinite(total.detach()), step, wrong)
        saves = step % checkpoint_every == 0 or step == steps
        logs = step % log_every == 0 or step == steps
        if saves or logs or place.type == "cpu":
            _refuse_wrong(run, int(wrong), sums)
        if logs and parallel.leads:
            means = {name: float(value) / summed for name, value in sums.items()}
            rate = optimizer.param_groups[0]["lr"]
            run.log(step, {**means, "loss": sum(means.values()), "learning_rate": float(rate)})
            told(step, steps, means)
        if logs:
            sums, summed = {}, 0
        if saves and parallel.leads:
            _refuse_weights(run, network, step)
            state = {name: part.state_dict() for name, part in resuming.items() if part is not None}
            run.save(step, state if mean is None else {**state, "average": mean.tensors})
    if mean is not None:
        mean.into_network()


def moved(batch: Any, device: torch.device) -> Any:
    """A pytree (dictionaries, lists, tuples) with all its tensors on ``device``."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, Mapping):
        return {key: moved(value, device) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        parts = [moved(value, device) for value in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    return batch


class _Losses(nn.Module):
    """The loss as a module: what DDP wraps, so that ``loss_of`` may use the network's methods as they are."""

    def __init__(self, network: nn.Module, loss_of: LossOf) -> None:
        super().__init__()
        self.network = network
        self._loss_of = loss_of

    def forward(self, batch: Any) -> Mapping[str, Tensor]:
        return self._loss_of(self.network, batch)


class _Average:
    """An exponential moving average of a network's floating tensors."""

    def __init__(self, network: nn.Module, decay: float, saved: Mapping[str, Any] | None) -> None:
        self._decay = decay
        self._current = {k: v for k, v in network.state_dict().items() if v.is_floating_point()}
        self.tensors = dict(saved["average"]) if saved else {k: v.clone() for k, v in self._current.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.tensors.values()), list(self._current.values()), share)

    @torch.no_grad()
    def into_network(self) -> None:
        for name, value in self._current.items():
            value.copy_(self.tensors[name])


def _precision(amp: Amp, place: torch.device) -> torch.dtype | None:
    if isinstance(amp, str):
        return {"float16": torch.float16, "bfloat16": torch.bfloat16}[amp]
    if not amp or place.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def _cast(place: torch.device, precision: torch.dtype | None) -> AbstractContextManager[Any]:
    return nullcontext() if precision is None else torch.autocast(place.type, precision)


def _refuse_wrong(run: Run, step: int, sums: Mapping[str, Tensor]) -> None:
    if step >= 0:
        names = [name for name, value in sums.items() if not torch.isfinite(value)]
        raise LossNotFiniteError(
            f"{run.folder}: the loss ({', '.join(names)}) of step {step} is not finite. The last checkpoint is kept: "
            "lower the learning rate or clip the gradient in the recipe, and begin in another folder"
        )


def _refuse_weights(run: Run, network: nn.Module, step: int) -> None:
    for name, value in network.state_dict().items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise LossNotFiniteError(
                f"{run.folder}: {name} of the network is not finite after step {step}. The last checkpoint is kept: "
                "lower the learning rate or clip the gradient in the recipe, and begin in another folder"
            )
