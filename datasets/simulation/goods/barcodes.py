"""The bars of a retail product's number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# GS1 General Specifications, section 5.2 (EAN-13): sets A, B and C, and which of A and B the first digit chooses.
_SET_A = ("0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011")
_SET_C = tuple("".join("10"[int(bit)] for bit in code) for code in _SET_A)
_SET_B = tuple(code[::-1] for code in _SET_C)
_FIRST = ("AAAAAA", "AABABB", "AABBAB", "AABBBA", "ABAABB", "ABBAAB", "ABBBAA", "ABABAB", "ABABBA", "ABBABA")


def ean13_modules(gtin: str) -> NDArray[np.bool_]:
    """The 95 modules of the EAN-13 symbol of ``gtin`` (14 digits, the first of them 0), True where dark.

    Raises ``ValueError`` for a number that no EAN-13 symbol can carry.
    """
    if len(gtin) != 14 or not gtin.isdigit() or gtin[0] != "0":
        raise ValueError(f"GTIN {gtin!r} has no EAN-13 symbol: expected 14 digits that begin with 0")
    first, left, right = gtin[1], gtin[2:8], gtin[8:]
    sets = {"A": _SET_A, "B": _SET_B}
    halves = "".join(sets[kind][int(digit)] for kind, digit in zip(_FIRST[int(first)], left, strict=True))
    modules = "101" + halves + "01010" + "".join(_SET_C[int(digit)] for digit in right) + "101"
    return np.array([module == "1" for module in modules])
