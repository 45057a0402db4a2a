"""What a dataset holds, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from datasets.sample import Dataset, OnFault, refuse
from datasets.splits import split_key

# Upper ends of the bins of box heights, in pixels; the last bin has none.
HEIGHTS = (16, 32, 64, 96, 128, 192, 256, 384, 512)
_BAR = 40


@dataclass(frozen=True)
class Overview:
    """``classes`` objects by class, ``sizes`` pictures by (width, height), ``heights`` objects by bin of ``HEIGHTS``,
    ``splits`` pictures by split ("" for none), ``groups`` how many values each key has.
    """

    kind: str
    folder: str
    licence: str
    pictures: int
    empty: int
    ignored: int
    classes: dict[str, int]
    keypoints: int
    sizes: dict[tuple[int, int], int]
    heights: tuple[int, ...]
    splits: dict[str, int]
    split_by: str
    groups: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        ends = [*(f"<{end}" for end in HEIGHTS), f">={HEIGHTS[-1]}"]
        return {
            **{name: getattr(self, name) for name in ("kind", "folder", "licence", "pictures", "empty", "ignored")},
            "objects": sum(self.classes.values()),
            "classes": self.classes,
            "keypoints": self.keypoints,
            "sizes": {f"{width}x{height}": count for (width, height), count in self.sizes.items()},
            "heights_px": dict(zip(ends, self.heights, strict=True)),
            "splits": self.splits,
            "split_by": self.split_by,
            "groups": self.groups,
        }

    def lines(self, most: int = 12) -> list[str]:
        """The same as lines of text, ``most`` classes and sizes."""
        said = [f"{self.folder}: {self.kind}, licence: {self.licence or 'not stated'}"]
        total = sum(self.classes.values())
        poses = f", {self.keypoints} with keypoints" if self.keypoints else ""
        said.append(f"pictures {self.pictures}, {self.empty} of them without objects; objects {total}{poses}")
        if self.ignored:
            said.append(f"ignored objects {self.ignored} (crowds, flagged not to be considered)")
        said += _table("classes", self.classes, most)
        said += _table("sizes", {f"{w}x{h}": count for (w, h), count in self.sizes.items()}, most)
        if any(self.splits):
            by = f", by {self.split_by}" if self.split_by else ""
            said += _table(f"splits{by}", {name or "(none)": count for name, count in self.splits.items()}, most)
        else:
            said.append("splits: none")
        if self.groups:
            said.append("groups: " + ", ".join(f"{count} of {key}" for key, count in self.groups.items()))
        said.append("box heights in pixels")
        starts = (0, *HEIGHTS)
        for place, count in enumerate(self.heights):
            span = f"{starts[place]}-{starts[place + 1] - 1}" if place < len(HEIGHTS) else f"{starts[place]}-"
            said.append(f"  {span:>8} {count:>8} {'#' * round(_BAR * count / max(*self.heights, 1))}".rstrip())
        return said


def _table(title: str, counts: dict[str, int], most: int) -> list[str]:
    shown = sorted(counts.items(), key=lambda item: -item[1])[:most]
    width = max((len(name) for name, _ in shown), default=0)
    rest = [f"  ... and {len(counts) - most} more"] if len(counts) > most else []
    return [title, *(f"  {name:<{width}} {count:>8}" for name, count in shown), *rest]


def overview(
    dataset: Dataset, on_fault: OnFault = refuse, on_picture: Callable[[int, int], None] = lambda done, total: None
) -> Overview:
    """Go through a dataset's labels; no picture is decoded. Raises what reading it raises."""
    classes: Counter[int] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    splits: Counter[str] = Counter()
    heights = np.zeros(len(HEIGHTS) + 1, np.int64)
    groups: dict[str, set[str]] = {}
    pictures = empty = ignored = keypoints = 0
    total = len(dataset)
    for sample in dataset.samples(on_fault):
        pictures += 1
        kept = sample.take(sample.counted)
        empty += not len(kept)
        ignored += len(sample) - len(kept)
        classes.update(kept.label.tolist())
        sizes[sample.size] += 1
        splits[sample.split] += 1
        tall = kept.xyxy[:, 3] - kept.xyxy[:, 1]
        heights += np.bincount(np.searchsorted(HEIGHTS, tall, side="right"), minlength=len(heights))
        if kept.keypoints is not None:
            keypoints += int((kept.keypoints[..., 2] > 0).any(axis=1).sum())
        for key in (*sample.groups, "person"):
            groups.setdefault(key, set()).update(sample.values(key))
        on_picture(pictures, total)
    names = dataset.classes
    return Overview(
        dataset.kind,
        str(dataset.folder),
        dataset.licence,
        pictures,
        empty,
        ignored,
        {names[label]: count for label, count in sorted(classes.items())},
        keypoints,
        dict(sizes.most_common()),
        tuple(heights.tolist()),
        dict(sorted(splits.items())),
        split_key(dataset),
        {key: len(values) for key, values in sorted(groups.items()) if values},
    )
