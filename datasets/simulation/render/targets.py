"""The pictures that a frame is drawn into, one set a picture size."""

from __future__ import annotations

from typing import Any

from datasets.simulation.render.gl import nearest, smooth


class Targets:
    """For pictures of ``size`` (width, height): what moves, twice as fine; shadows, half as fine; the finished one."""

    def __init__(self, context: Any, size: tuple[int, int]) -> None:
        width, height = size
        fine, coarse = (2 * width, 2 * height), ((width + 1) // 2, (height + 1) // 2)
        self.moving_colour = smooth(context.texture(fine, 4))
        self.marks = nearest(context.texture(fine, 4))
        self.moving_depth = context.depth_renderbuffer(fine)
        self.moving = context.framebuffer([self.moving_colour, self.marks], self.moving_depth)
        self.shadow_depth = smooth(context.texture(coarse, 1))
        self.shadow = context.framebuffer([self.shadow_depth])
        self.finished_colour = context.renderbuffer(size, 4)
        self.finished = context.framebuffer([self.finished_colour])
        self.buffer = bytearray(width * height * 4)

    def release(self) -> None:
        """Give the device's memory back."""
        for name in ("moving", "shadow", "finished", "moving_colour", "marks", "moving_depth", "shadow_depth"):
            getattr(self, name).release()
        self.finished_colour.release()
