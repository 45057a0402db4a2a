"""Errors that more than one module of the store raises."""

from __future__ import annotations


class UnavailableError(RuntimeError):
    """A server that this needs cannot be reached or is overloaded; the same call may work later."""


class RecordsError(RuntimeError):
    """The database cannot be used as it is: a wrong URL, or a schema of a newer version."""
