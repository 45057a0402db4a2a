"""What can go wrong with a training run that its user can mend."""

from __future__ import annotations


class TrainingError(Exception):
    """A training run cannot start or go on; the message says why and what to do."""


class RecipeChangedError(TrainingError):
    """The folder holds a run of another recipe."""


class DiskFullError(TrainingError):
    """There is no room for what must be written."""


class LossNotFiniteError(TrainingError):
    """The loss or the weights became infinite or no number."""
