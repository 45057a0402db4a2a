"""What the weight plates of a shop read while a timeline runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from datasets.simulation.timeline import PlateReading, Timeline
from store.events import ShelfReached
from store.layout import Plate

Float = NDArray[np.float64]

SETTLE_S = 0.15  # time constant in which a plate follows its load
PRESS_G = (5.0, 45.0)  # a hand in a slot presses with so many grams


def plate_readings(timeline: Timeline, rate_hz: float, seed: int) -> tuple[PlateReading, ...]:
    """The readings of every plate that has a slot, at ``rate_hz``.

    ``true_weight_g`` is what stands in the plate's slots. The sensor adds hands that press on it, follows in
    ``SETTLE_S``, drifts as a random walk of ``drift_g_per_h`` in an hour, adds Gaussian noise of ``noise_g`` and rounds
    to ``resolution_g``.
    """
    times = np.arange(0.0, timeline.duration_s, 1.0 / rate_hz)
    plates = {plate.name: plate for plate in timeline.plan.plates}
    plate_of = {slot.id: slot.slot.plate for slot in timeline.plan.slots() if slot.slot.plate is not None}
    true = {name: np.zeros(len(times)) for name in dict.fromkeys(plate_of.values())}
    _add_stock(timeline, plate_of, true, times)
    pressed = _presses(timeline, plate_of, times, seed)
    readings = []
    for number, (name, grams) in enumerate(true.items()):
        rng = np.random.default_rng([seed, 37, number])
        load = grams + pressed.get(name, 0.0)
        readings.append(
            PlateReading(name, times, _sensed(plates.get(name) or Plate(name=name), load, rate_hz, rng), grams)
        )
    return tuple(readings)


def _add_stock(timeline: Timeline, plate_of: dict[str, str], true: dict[str, Float], times: Float) -> None:
    weight = {product.id: product.weight_g for product in timeline.catalogue.products}
    own = {slot.id: slot.slot.product for slot in timeline.plan.slots()}
    for slot, name in plate_of.items():
        true[name] += weight[own[slot]] * len(timeline.stock.get(slot, ()))
    for item, origin in zip(timeline.moved, timeline.from_stock, strict=True):
        grams = weight[item.product]
        if origin is not None and origin[0] in plate_of:
            true[plate_of[origin[0]]] -= grams
        ends = [stay.start_s for stay in item.stays[1:]] + [np.inf]
        for number, (stay, end_s) in enumerate(zip(item.stays, ends, strict=True)):
            if stay.where == "slot" and stay.slot in plate_of:
                start_s = -np.inf if number == 0 else stay.start_s
                true[plate_of[stay.slot]] += grams * ((times >= start_s) & (times < end_s))


def _presses(timeline: Timeline, plate_of: dict[str, str], times: Float, seed: int) -> dict[str, Float]:
    """Grams by which hands in slots press on each plate, (n,)."""
    actors = {actor.track_id: actor for actor in timeline.actors}
    rng = np.random.default_rng([seed, 41])
    pressed: dict[str, Float] = {}
    for event in timeline.events:
        if not isinstance(event, ShelfReached):
            continue
        grams = float(rng.uniform(*PRESS_G))
        contact = event.time - timeline.start
        gesture = min(actors[event.track_id].performance.gestures, key=lambda g: abs(g.contact_s - contact))
        if event.slot in plate_of:
            there = (times >= gesture.contact_s) & (times < gesture.release_s)
            pressed.setdefault(plate_of[event.slot], np.zeros(len(times)))[there] += grams
    return pressed


def _sensed(plate: Plate, load: Float, rate_hz: float, rng: np.random.Generator) -> Float:
    keep = float(np.exp(-1.0 / (rate_hz * SETTLE_S)))
    settled, _ = lfilter([1.0 - keep], [1.0, -keep], load, zi=[keep * load[0]]) if len(load) else (load, None)
    steps = rng.normal(0.0, plate.drift_g_per_h / np.sqrt(3600.0 * rate_hz), len(load))
    noisy = settled + np.cumsum(steps) + rng.normal(0.0, plate.noise_g, len(load))
    return np.asarray(np.round(noisy / plate.resolution_g) * plate.resolution_g)
