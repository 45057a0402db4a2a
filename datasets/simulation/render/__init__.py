"""Pictures of the simulated shop, drawn by OpenGL on a CPU or a GPU.

``Renderer`` draws a timeline's moments as cameras see them, ``CameraLook`` is how a camera turns light into a picture,
``Photographer`` takes catalogue photos.
"""

from datasets.simulation.render.gl import RendererError
from datasets.simulation.render.look import CameraLook, camera_look
from datasets.simulation.render.photos import Photographer
from datasets.simulation.render.renderer import Picture, Renderer
from datasets.simulation.render.setting import Setting, shop_setting

__all__ = [
    "CameraLook",
    "Photographer",
    "Picture",
    "Renderer",
    "RendererError",
    "Setting",
    "camera_look",
    "shop_setting",
]
