"""Scenarios: who does what in a shop, and what comes of it in a plan, with a catalogue, by a seed."""

from datasets.simulation.errors import ScenarioError
from datasets.simulation.scenario.accounts import census, receipts, stocked, unpaid
from datasets.simulation.scenario.gates import GateCode, gate_codes
from datasets.simulation.scenario.playing import play
from datasets.simulation.scenario.reading import families, family, load_scenario
from datasets.simulation.scenario.schema import Scenario

__all__ = [
    "GateCode",
    "Scenario",
    "ScenarioError",
    "census",
    "families",
    "family",
    "gate_codes",
    "load_scenario",
    "play",
    "receipts",
    "stocked",
    "unpaid",
]
