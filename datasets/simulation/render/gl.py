"""OpenGL by EGL: opening a context, loading programs, handing values to them."""

from __future__ import annotations

import contextlib
import ctypes.util
import importlib
import re
from importlib import resources
from types import TracebackType
from typing import Any, Self

import moderngl
import numpy as np
from numpy.typing import NDArray

HEADER = "#version 330\n"
PACKAGES = "libegl1 libegl-mesa0 libgl1-mesa-dri"
# Every sampler has its own texture unit, in all programs.
UNITS = {
    name: unit
    for unit, name in enumerate(
        (
            "atlas",
            "clothes",
            "sky_depth",
            "panel_light",
            "still",
            "still_nearness",
            "shadow",
            "moving",
            "marks",
            "flat_picture",
            "flat_place",
            "flat_depth",
        )
    )
}


class RendererError(RuntimeError):
    """Pictures cannot be drawn: what is missing, and what to do about it."""


class OwnsContext:
    """Something that draws in a context of its own until it is closed; use it in a ``with`` block.

    Raises ``RendererError`` where EGL or a driver is missing.
    """

    def __init__(self) -> None:
        self._context: Any = open_context()

    def close(self) -> None:
        """Free the context and all that it holds. Pictures already given stay."""
        if self._context is not None:
            self._context.release()
            self._context = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_context() -> Any:
    """A context of its own without a window, current in this thread.

    Raises ``RendererError`` where EGL or a driver is missing.
    """
    if ctypes.util.find_library("EGL") is None:
        raise RendererError(f"no libEGL on this machine; on Debian: apt-get install {PACKAGES}")
    try:
        _before_mesa()
        make: Any = moderngl.create_context  # its stubs do not know backends
        context = make(standalone=True, backend="egl", require=330)
    except Exception as error:  # moderngl raises plain Exception
        raise RendererError(
            f"EGL gives no OpenGL 3.3 context ({error}); on Debian: apt-get install {PACKAGES}, "
            "on a machine with a GPU its driver's EGL library"
        ) from error
    # What is not released lives as long as the context: a collector could run while another context is current.
    context.gc_mode = None
    return context


def _before_mesa() -> None:
    """Load triton where torch brought it along: after Mesa's LLVM its own crashes, the other way round it does not."""
    with contextlib.suppress(ImportError):
        importlib.import_module("triton")


def source(name: str, define: str = "") -> str:
    """The text of a shader with its includes put in, ``define`` being defined."""
    text = _included(name)
    return HEADER + (f"#define {define}\n" if define else "") + text


def _included(name: str) -> str:
    text = (resources.files(__package__) / "shaders" / name).read_text(encoding="utf-8")
    return re.sub(r"^#include (\S+)$", lambda found: _included(found[1]), text, flags=re.MULTILINE)


def program(context: Any, vertex: str, fragment: str, define: str = "") -> Any:
    """A program of two shaders, its samplers bound to their units."""
    made = context.program(vertex_shader=source(vertex, define), fragment_shader=source(fragment, define))
    return bound(made)


def bound(made: Any) -> Any:
    """``made`` with its samplers bound to their units."""
    for name, unit in UNITS.items():
        if name in made:
            made[name].value = unit
    return made


def put(made: Any, **values: Any) -> None:
    """Set uniforms; those that the compiler left out are passed over.

    Arrays are float32 in the order of GLSL (columns of matrices one after the other).
    """
    for name, value in values.items():
        if name not in made:
            continue
        if isinstance(value, np.ndarray):
            # The compiler cuts off the end of an array that no index reaches.
            room = made[name].array_length * made[name].dimension
            made[name].write(np.ascontiguousarray(value, np.float32).reshape(-1)[:room].tobytes())
        else:
            made[name].value = value


def use(texture: Any, sampler: str) -> None:
    """Put ``texture`` on the unit of ``sampler``."""
    texture.use(UNITS[sampler])


def texture_layers(context: Any, pictures: NDArray[np.uint8]) -> Any:
    """A texture of layers (k, size, size, 4) with mipmaps."""
    layers, height, width, _ = pictures.shape
    made = context.texture_array((width, height, layers), 4, np.ascontiguousarray(pictures).tobytes())
    made.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
    made.build_mipmaps()
    return made


def nearest(texture: Any) -> Any:
    """``texture``, read without filtering and not repeated."""
    texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
    texture.repeat_x = texture.repeat_y = False
    return texture


def smooth(texture: Any) -> Any:
    """``texture``, read between its texels and not repeated."""
    texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    return texture
