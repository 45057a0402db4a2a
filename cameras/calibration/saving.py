"""A calibrated camera into the plan's file: only that camera's entry changes, comments stay, the old file is kept."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from cameras.calibration.errors import PlanChangedError
from store.documents import Document
from store.layout import Plan
from store.plan import PlanFile
from store.views import CameraView, PlanError

FIELDS = ("size", "lens", "pose", "homography", "clock_offset_s")


def save_view(path: Path, view: CameraView) -> Path:
    """Write lens, pose, homography and clock of ``view`` into its entry of the plan at ``path``; return the backup.

    The rest of the file stays as it is, to the letter. The new text is read as a plan before it takes the file's place
    at once; the old file is kept beside it. A camera that the plan does not have is added. Raises ``PlanError`` for a
    plan that cannot be read, and ``PlanChangedError`` where the file changed meanwhile or cannot be edited so.
    """
    before = PlanFile.read(path)
    text = path.read_bytes().decode("utf-8")
    wanted = _with_view(before.plan, view)
    fresh = _edited(text, before.document, before.plan, view)
    _check(path, fresh, wanted, view)
    return _replace(path, text, fresh)


def entry_text(view: CameraView) -> str:
    """The camera's entry as one would write it into a plan by hand."""
    return "\n".join(f"    {name}: {_flow(value)}" for name, value in _values(view).items())


def _with_view(plan: Plan, view: CameraView) -> Plan:
    names = [each.camera for each in plan.cameras]
    if view.camera not in names:
        return plan.model_copy(update={"cameras": (*plan.cameras, view)})
    own = plan.view(view.camera).model_copy(update={name: getattr(view, name) for name in FIELDS})
    return plan.model_copy(
        update={"cameras": tuple(own if each.camera == view.camera else each for each in plan.cameras)}
    )


def _values(view: CameraView) -> dict[str, Any]:
    found = view.model_dump(mode="json", exclude_defaults=True, include=set(FIELDS))
    return {name: found[name] for name in FIELDS if name in found}


def _flow(value: Any) -> str:
    """A value on one line, which YAML reads and, being JSON's way of writing numbers, lists and plain keys, we too."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value)


def _edited(text: str, document: Document, plan: Plan, view: CameraView) -> str:
    is_json = document.path.suffix.lower() == ".json"
    write = json.dumps if is_json else _flow
    index = next((n for n, each in enumerate(plan.cameras) if each.camera == view.camera), None)
    root = document.root
    assert isinstance(root, yaml.MappingNode)
    cameras = _value(root, "cameras")
    if index is None:
        return _appended(text, root, cameras, view, is_json)
    assert isinstance(cameras, yaml.SequenceNode)
    entry = cameras.value[index]
    if not isinstance(entry, yaml.MappingNode):
        raise _not_editable(document.path, view)
    edits: list[tuple[int, int, str]] = []
    missing = ""
    after = _value(entry, "size") or _value(entry, "camera")
    assert after is not None
    values = _values(view)
    # What is said in the file and is now as where nothing is said, is said too.
    values |= {name: getattr(view, name) for name in FIELDS if name not in values and _value(entry, name) is not None}
    for name, value in values.items():
        found = _value(entry, name)
        key = json.dumps(name) if is_json else name
        if found is not None:
            if _same(found, value):
                continue
            edits.append((found.start_mark.index, _end(found), write(value)))
        elif entry.flow_style:
            missing += f", {key}: {write(value)}"
        else:
            column = entry.value[0][0].start_mark.column
            missing += f"\n{' ' * column}{key}: {write(value)}"
    if missing:
        edits.append((_end(after), _end(after), missing))
    for start, end, fresh in sorted(edits, reverse=True):
        text = text[:start] + fresh + text[end:]
    return text


def _appended(text: str, root: yaml.MappingNode, cameras: yaml.Node | None, view: CameraView, is_json: bool) -> str:
    values = {"camera": view.camera, "size": list(view.size), **_values(view)}
    entry = json.dumps(values) if is_json else _flow(values)
    if isinstance(cameras, yaml.SequenceNode):
        if cameras.flow_style or not cameras.value:
            end = _end(cameras) - 1
            return text[:end] + (", " if cameras.value else "") + entry + text[end:]
        last = cameras.value[-1]
        # A dash stands before its entry, on the same line.
        line = text.rfind("\n", 0, last.start_mark.index) + 1
        dash = text[line : last.start_mark.index]
        return text[: _end(last)] + f"\n{dash}{entry}" + text[_end(last) :]
    if root.flow_style:
        end = _end(root) - 1
        key = '"cameras"' if is_json else "cameras"
        return text[:end] + (", " if root.value else "") + f"{key}: [{entry}]" + text[end:]
    return text.rstrip("\n") + f"\n\ncameras:\n  - {entry}\n"


def _value(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in node.value if key.value == name), None)


def _same(node: yaml.Node, value: Any) -> bool:
    return bool(yaml.SafeLoader("").construct_object(node, deep=True) == value)


def _end(node: yaml.Node) -> int:
    """Where the last thing that is written of a node ends: the mark of a block's end lies past its blank lines."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, yaml.MappingNode) else last)


def _check(path: Path, fresh: str, wanted: Plan, view: CameraView) -> None:
    """Read the new text as a plan of its own; it must say what was there before and the camera's new entry."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / path.name
        trial.write_text(fresh, encoding="utf-8")
        try:
            found = PlanFile.read(trial).plan
        except PlanError as error:
            raise _not_editable(path, view) from error
    if found != wanted:
        raise _not_editable(path, view)


def _not_editable(path: Path, view: CameraView) -> PlanChangedError:
    return PlanChangedError(
        f"plan {path}: the entry of camera {view.camera} shares lines with others (anchors, merge keys) and is not "
        f"edited; write into it:\n{entry_text(view)}"
    )


def _replace(path: Path, old: str, fresh: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    backup = path.with_name(f"{path.stem}.{stamp}{path.suffix}.bak")
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, target.stat().st_mode & 0o777)
        if target.read_bytes().decode("utf-8") != old:
            raise PlanChangedError(
                f"plan {path} was changed by somebody else meanwhile; nothing was written, try again"
            )
        backup.write_bytes(old.encode("utf-8"))
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return backup
