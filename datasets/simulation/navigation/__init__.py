"""From scripts and a plan to walks in time: nobody runs into anybody or anything.

``direct`` makes the walks; ``places`` finds where people can stand, meet, come in and go out.
"""

from datasets.simulation.navigation.director import Blocking, direct
from datasets.simulation.navigation.places import browse_places, meeting_place, outside

__all__ = ["Blocking", "browse_places", "direct", "meeting_place", "outside"]
