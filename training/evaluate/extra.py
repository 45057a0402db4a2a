"""The optional packages that measuring needs, and what to do when they are absent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtraError(ImportError):
    """A package of the extra ``evaluate`` is not installed."""


@contextmanager
def extra() -> Iterator[None]:
    """Around imports of the extra ``evaluate``: raises ``MissingExtraError`` saying how to install what is absent."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{error.name} is not installed; it comes with: pip install 'aisle[evaluate]'", name=error.name
        ) from None
