"""What can go wrong with a scenario."""

from __future__ import annotations


class ScenarioError(ValueError):
    """A scenario that cannot be played: who, which step, where and when, what is wrong, what to do about it."""
