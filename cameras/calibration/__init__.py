"""Calibration that a shop can do itself: from a board, from points, from people walking; and noticing a bumped camera.

Every way ends in a ``CameraModel`` with its error in pixels and in centimetres on the floor; ``saving`` writes it into
the plan.
"""
