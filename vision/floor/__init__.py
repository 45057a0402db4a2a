"""People on the floor in metres: what all cameras see, joined into one track a visit.

Boxes become observations with an error; cameras and moments are joined; ``FloorTracker`` holds it together.
"""

from vision.floor.settings import FloorSettings
from vision.floor.tracking import FloorTracker
from vision.floor.tracks import FloorMoment, FloorTracks

__all__ = ["FloorMoment", "FloorSettings", "FloorTracker", "FloorTracks"]
