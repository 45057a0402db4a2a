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


class DataError(TrainingError):
    """The data cannot be trained on."""


class CorruptPictureError(DataError):
    """Pictures are missing, cut off, or none."""


class BrokenLabelError(DataError):
    """Labels are no numbers, have no area, lie outside their picture or are there twice."""


class EmptyLabelFileError(DataError):
    """Label files are there and say nothing."""


class NoLabelsError(DataError):
    """A split has no picture, or none of its pictures has a label."""


class ClassCountError(DataError):
    """The data has other classes than the recipe expects."""
