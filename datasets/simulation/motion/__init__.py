"""How simulated people move: a performance and a body give bones at any time.

Feet are planned once and stand where they bear weight; hands reach by solving arms, the trunk helps; nothing is kept
between calls.
"""

from datasets.simulation.motion.poser import Poser, bone_matrices
from datasets.simulation.motion.reach import can_reach, reach_times, standing_place

__all__ = ["Poser", "bone_matrices", "can_reach", "reach_times", "standing_place"]
