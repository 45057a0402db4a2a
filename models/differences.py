"""What sets two networks of ours apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from models.facts import Facts


def differences(a: Facts, b: Facts) -> list[tuple[str, str, str]]:
    """Rows of (what, in ``a``, in ``b``): every metric, and of the rest what differs; a dash for what one lacks."""
    rows = [(f"metric {name}", *values) for name, *values in _pairs(a.metrics, b.metrics)]
    for kind, one, two in (("", _plain(a), _plain(b)), ("recipe ", flat(a.recipe), flat(b.recipe))):
        rows += [(f"{kind}{name}", *values) for name, *values in _pairs(one, two) if values[0] != values[1]]
    return [(name, one, two) for name, one, two in rows]


def _plain(facts: Facts) -> dict[str, Any]:
    data = {f"data {each.name}": f"{each.sha256[:12]} {each.seeds}".strip() for each in facts.data}
    return {
        "role": facts.role,
        "created": f"{facts.created:%Y-%m-%d %H:%M}",
        "size": f"{facts.bytes / 1e6:.2f} MB",
        "input": facts.input,
        "commit": facts.commit,
        **data,
    }


def flat(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The leaves of a tree of mappings, by their path with dots."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            leaves |= flat(value, f"{above}{key}.")
        else:
            leaves[f"{above}{key}"] = value
    return leaves


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name in [*a, *(name for name in b if name not in a)]:
        yield name, _said(a.get(name)), _said(b.get(name))


def _said(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
