"""Line-ups: the same simulated people filmed from many sides at once, cut out, to learn and to test who is who.

``take`` films one shop's line-up, ``LineUp`` says how large it is, ``Crops`` are the people cut out.
"""

from datasets.simulation.lineup.crops import Crops, CropsError, cut
from datasets.simulation.lineup.taking import LineUp, folder_of, take, written

__all__ = ["Crops", "CropsError", "LineUp", "cut", "folder_of", "take", "written"]
