"""Slots that are marked in a camera's picture: what is taken from them and put there, where no camera is calibrated.

``slots`` cuts them out, ``changes`` sees that one changed after a hand was there, ``ways`` says which way.
"""

from vision.marked.changes import MarkedSlotWatcher
from vision.marked.slots import MarkedSlots

__all__ = ["MarkedSlotWatcher", "MarkedSlots"]
