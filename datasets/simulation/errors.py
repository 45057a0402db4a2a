"""What can go wrong with a scenario."""

from __future__ import annotations


class ScenarioError(ValueError):
    """A scenario that cannot be played: who, which step, where and when, what is wrong, what to do about it."""


class UnluckyDrawError(ScenarioError):
    """A scenario that cannot be played with the people, places and times that the seed drew; with others it may be."""
