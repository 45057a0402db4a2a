"""The one door to OpenVINO: it is imported here so that it does not phone home."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def import_openvino() -> ModuleType:
    """The package ``openvino``, without its telemetry.

    OpenVINO reports its import and every conversion to its makers unless the package ``openvino_telemetry`` is missing,
    so that package is made to look missing.
    """
    if "openvino" not in sys.modules:
        # None makes Python's import fail as if nothing were installed under that name.
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    module: ModuleType = openvino
    return module
