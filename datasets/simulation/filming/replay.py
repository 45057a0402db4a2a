"""A run of the simulator played again from what its folder holds: all that is true of it, in memory."""

from __future__ import annotations

import json
from pathlib import Path

from datasets.manifest import ManifestError, read_manifest
from datasets.sample import DatasetFileError
from datasets.simulation.filming.recording import RUN
from datasets.simulation.scenario import play
from datasets.simulation.scenario.reading import parse_scenario
from datasets.simulation.shop import load_shop
from datasets.simulation.timeline import Timeline


def replayed(run: Path) -> Timeline:
    """What happened in the run in the folder ``run``.

    Raises ``DatasetFileError`` where it is no run of the simulator, or where the simulator plays it otherwise today:
    then the run must be recorded anew.
    """
    try:
        settings = read_manifest(run, RUN).made["settings"]
        seed, start = int(settings["seed"]), float(settings["start"])
        path = run / "scenario.yaml"
        # The run's name counts where the scenario has none: names of people are drawn by it.
        scenario = parse_scenario(path.read_text(encoding="utf-8"), str(path), str(settings["scenario"]))
        timeline = play(*load_shop(run / "plan.yaml"), scenario, seed, start=start)
        lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
        told = [(line["id"], line["type"], line["time"]) for line in map(json.loads, lines)]
    except (OSError, ValueError, TypeError, KeyError, ManifestError) as error:
        raise DatasetFileError(f"{run} is no run of the simulator ({type(error).__name__}: {error})") from None
    events = [event.to_cloudevent() for event in timeline.events]
    played = [(event["id"], event["type"], event["time"]) for event in events]
    if played != told:
        raise DatasetFileError(f"{run} was recorded by another simulator, which played it otherwise: record it anew")
    return timeline
