"""Which picture is for training, which for testing: a file of JSON lines, honoured by whoever reads the dataset.

The first line says how the split was made, each further one a picture's ``name`` and ``split``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datasets.formats.remarks import json_lines
from datasets.manifest import SPLIT
from datasets.sample import Dataset, DatasetFileError, OnFault, Sample, refuse


@dataclass(frozen=True)
class SplitFile:
    """``splits`` gives pictures' splits by name, ``by`` the key that no two splits share a value of ("": unknown)."""

    splits: dict[str, str]
    by: str = ""
    seed: int = 0
    ratios: tuple[float, ...] = ()

    def write(self, path: Path) -> None:
        """Write the file; whoever reads it meanwhile finds the whole old or the whole new one."""
        head: dict[str, Any] = {"by": self.by, "seed": self.seed, "ratios": list(self.ratios)}
        lines = [head, *({"name": name, "split": split} for name, split in self.splits.items())]
        part = path.with_name(f".{path.name}.part")
        part.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> SplitFile:
        """Read a file. Raises ``DatasetFileError`` naming the line that is wrong."""
        if not path.is_file():
            raise DatasetFileError(f"{path}: there is no such split file")
        lines = json_lines(path)
        if not lines or "by" not in lines[0]:
            raise DatasetFileError(f"{path}, line 1: expected how it was split: by, seed, ratios")
        for number, line in enumerate(lines[1:], 2):
            if not isinstance(line.get("name"), str) or not isinstance(line.get("split"), str):
                raise DatasetFileError(f"{path}, line {number}: expected an object with name and split")
        head = lines[0]
        names = {line["name"]: line["split"] for line in lines[1:]}
        return cls(names, str(head["by"]), int(head.get("seed", 0)), tuple(head.get("ratios", ())))


@dataclass(frozen=True)
class SplitDataset:
    """``source`` with the splits of a file. Pictures that the file does not name are a fault."""

    source: Dataset
    file: SplitFile

    @property
    def kind(self) -> str:
        """The source's format."""
        return self.source.kind

    @property
    def folder(self) -> Path:
        """Where the source is."""
        return self.source.folder

    @property
    def classes(self) -> tuple[str, ...]:
        """The source's classes."""
        return self.source.classes

    @property
    def keypoint_names(self) -> tuple[str, ...]:
        """The source's keypoints."""
        return self.source.keypoint_names

    @property
    def licence(self) -> str:
        """The source's licence."""
        return self.source.licence

    def __len__(self) -> int:
        return len(self.source)

    def samples(self, on_fault: OnFault = refuse) -> Iterator[Sample]:
        """Every picture of the source that the file names."""
        for sample in self.source.samples(on_fault):
            split = self.file.splits.get(sample.name)
            if split is None:
                on_fault(sample.name, f"is not in the split file; split the dataset anew, or remove {SPLIT}")
            else:
                yield replace(sample, split=split)


def with_splits(dataset: Dataset, path: Path | None = None) -> Dataset:
    """``dataset`` with the splits of the file at ``path``, or of the split file in its folder, if there is one."""
    if path is None:
        path = dataset.folder / SPLIT
        if not path.is_file():
            return dataset
    return SplitDataset(dataset, SplitFile.read(path))


def split_key(dataset: Dataset) -> str:
    """By which key the splits of ``dataset`` were made, "" if nothing says so."""
    from datasets.manifest import ManifestError, read_manifest

    if isinstance(dataset, SplitDataset):
        return dataset.file.by
    try:
        return str(read_manifest(dataset.folder).made.get("split_by", ""))
    except ManifestError:
        return ""
