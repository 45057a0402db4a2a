"""Frames to facts: detect, track, place on the floor, blur; the loop that does it for a camera.

Third-party objects are converted at the border and go no further.
"""
