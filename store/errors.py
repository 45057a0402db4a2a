"""Errors that more than one module of the store raises."""

from __future__ import annotations


class UnavailableError(RuntimeError):
    """A server that this needs cannot be reached or is overloaded; the same call may work later."""


class RecordsError(RuntimeError):
    """The database cannot be used as it is: a wrong URL, or a schema of a newer version."""


class BusError(RuntimeError):
    """The bus cannot be used as it is: no server program, refused credentials, a wrong URL."""


class BusClosedError(BusError):
    """The bus was closed in this process."""


class BusUnavailableError(UnavailableError):
    """The server of the bus cannot be reached or has no memory left."""
