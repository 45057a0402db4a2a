"""What a format has no place for, kept beside it: ``samples.jsonl``, a line a picture.

YOLO's labels know neither people nor cameras, and without them a later split leaks. Each line has the picture's
``name`` from the dataset's folder, its ``sequence`` and ``frame``, its ``groups``, and a ``track_id`` and ``person``
for each object.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from datasets.formats.files import read_lines
from datasets.sample import DatasetFileError, Sample

REMARKS: Final = "samples.jsonl"


def remark_line(sample: Sample, name: str) -> str:
    """The line of ``sample``, called ``name`` in the dataset that is written."""
    said: dict[str, Any] = {"name": name, "sequence": sample.sequence, "frame": sample.frame}
    said["groups"] = {key: list(values) for key, values in sorted(sample.groups.items())}
    said |= {what: list(values) for what in ("track_id", "person") if (values := getattr(sample, what))}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_remarks(folder: Path) -> dict[str, dict[str, Any]]:
    """The remarks of ``folder`` by picture; none without a file. Raises ``DatasetFileError`` naming the line."""
    return {said["name"]: said for said in json_lines(folder / REMARKS, "name")}


def json_lines(path: Path, *wanted: str) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file, each with the fields ``wanted``; none if there is no such file.

    Raises ``DatasetFileError`` naming the line.
    """
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except ValueError as error:
            raise DatasetFileError(f"{path}, line {number}: no JSON ({error})") from None
        if not isinstance(said, dict) or any(name not in said for name in wanted):
            raise DatasetFileError(f"{path}, line {number}: expected an object with {', '.join(wanted)}")
        found.append(said)
    return found


def with_remarks(sample: Sample, said: dict[str, Any] | None) -> Sample:
    """``sample`` with what its line says; names of objects only where there are as many as objects."""
    if said is None:
        return sample
    groups = {**sample.groups, **{key: tuple(values) for key, values in said.get("groups", {}).items()}}
    named: dict[str, Any] = {
        what: tuple(values) for what in ("track_id", "person") if len(values := said.get(what, ())) == len(sample)
    }
    return replace(sample, sequence=said.get("sequence", ""), frame=said.get("frame", 0), groups=groups, **named)
