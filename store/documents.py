"""YAML and JSON files whose every value knows its line, so that a mistake can be shown where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from store.faults import Fault, FaultsError, Loc
from store.views import PlanError

Model = TypeVar("Model", bound=BaseModel)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, eq=False)
class Document:
    """A file that was read: ``data`` is what stands in it, ``what`` is what messages call it (``plan``)."""

    path: Path
    what: str
    data: Any
    root: yaml.Node | None

    @classmethod
    def read(cls, path: Path, what: str) -> Document:
        """Read YAML, or JSON from a file called ``.json``.

        Raises ``PlanError`` with the file, and the line, where it cannot be read or a field stands there twice.
        """
        text = read_text(path, what)
        is_json = path.suffix.lower() == ".json"
        try:
            data = json.loads(text) if is_json else None
            # JSON allows tabs between values, YAML does not.
            root = yaml.compose(text.replace("\t", " ") if is_json else text, Loader=_Loader)
            # Before a document is made of the nodes: that writes merged mappings out.
            for key in _repeated_keys(root):
                line = key.start_mark.line + 1
                raise PlanError(f"{what} {path}, line {line}: the field {key.value} stands here a second time")
            if not is_json and root is not None:
                data = _Loader("").construct_document(root)
        except PlanError:
            raise
        except json.JSONDecodeError as error:
            raise PlanError(f"{what} {path}, line {error.lineno}: not JSON ({error.msg})") from None
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            raise PlanError(f"{what} {path}{where}: not YAML ({getattr(error, 'problem', error)})") from None
        return cls(path, what, data, root)

    def parse(self, model: type[Model]) -> Model:
        """The document as ``model``. Raises ``PlanError`` with file, line, field and reason of all that is wrong."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise self.error(list(_faults(error))) from None

    def error(self, faults: list[Fault]) -> PlanError:
        """The error that says all ``faults``, each with its line; several stand in lines of their own."""
        said = [f"line {self.line_of(loc)}, {self.field(loc)}: {message}" for loc, message in faults]
        between = "\n  "
        return PlanError(f"{self.what} {self.path}:{between if len(said) > 1 else ' '}{between.join(said)}")

    def field(self, loc: Loc) -> str:
        """How messages call the value at ``loc``: ``fixtures.0.shelves.2``."""
        return ".".join(map(str, loc)) or self.what

    def line_of(self, loc: Loc) -> int:
        """The line, from 1, of the value at ``loc``, or of the innermost value on the way there that is written."""
        node = self.root
        line = 1 if node is None else node.start_mark.line + 1
        for part in loc:
            if isinstance(node, yaml.MappingNode):
                found = _entry(node, str(part))
                if found is None:
                    break
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                break
        return line


def read_text(path: Path, what: str) -> str:
    """The text of a file. Raises ``PlanError`` naming ``what`` it should have been."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{what} {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _faults(error: ValidationError) -> Iterator[Fault]:
    for item in error.errors(include_url=False):
        inner = item.get("ctx", {}).get("error")
        if isinstance(inner, FaultsError):
            for fault in inner.faults:
                yield Fault((*item["loc"], *fault.loc), fault.message)
        else:
            yield Fault(item["loc"], item["msg"].removeprefix("Value error, "))


def _entry(node: yaml.MappingNode, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    # The last one counts: what a merge key (<<) brought in stands ahead of what the mapping itself says.
    return next(((key, value) for key, value in reversed(node.value) if key.value == name), None)


def _repeated_keys(root: yaml.Node | None) -> Iterator[yaml.Node]:
    left, seen = [root] if root is not None else [], set()
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in names:
                        yield key
                    names.add(key.value)
                left.append(value)
        elif isinstance(node, yaml.SequenceNode):
            left.extend(node.value)
