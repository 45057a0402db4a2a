"""What can go wrong in a calibration: each says what was found and what to do."""

from __future__ import annotations


class CalibrationError(ValueError):
    """Base of everything that calibration raises by itself."""


class BadBoardError(CalibrationError):
    """A board's description cannot be read, or no such board can be made."""


class BoardNotFoundError(CalibrationError):
    """No picture shows the board."""


class WrongBoardError(CalibrationError):
    """The pictures show a board, and not the one that was described."""


class TooFewViewsError(CalibrationError):
    """The board was seen too rarely, too flat or in too small a part of the picture to know the lens."""


class PlacesError(CalibrationError):
    """The still parts of the footage and the places that were given do not go together."""


class TooFewPointsError(CalibrationError):
    """Fewer points than a pose needs."""


class CollinearPointsError(CalibrationError):
    """The points lie in a row, on the floor or in the picture: a pose cannot be told from them."""


class PointsDisagreeError(CalibrationError):
    """No camera sees these points at these pixels."""


class TooFewMeetingsError(CalibrationError):
    """Too few people were seen by two cameras at once."""


class BadFileError(CalibrationError):
    """A file of points or tracks cannot be read."""


class PlanChangedError(CalibrationError):
    """The plan's file changed while it was worked on, or cannot be edited without changing something else."""
