"""The optional packages that measuring needs, and what to do when they are absent."""

from __future__ import annotations

import importlib
from typing import Any


class MissingExtraError(ImportError):
    """A package of the extra ``evaluate`` is not installed."""


def need(module: str) -> Any:
    """Import a module of the extra ``evaluate``; raises ``MissingExtraError`` saying how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtraError(
            f"{error.name} is not installed; it comes with: pip install 'aisle[evaluate]'", name=error.name
        ) from None
