"""MOT sequences: a folder each, with ``gt/gt.txt`` (or ``gt.txt``), ``seqinfo.ini`` and pictures in ``img1/``.

https://motchallenge.net/instructions. In place of pictures there may be one video. Where neither is, the truth can
still be read, and whoever asks for pixels is told. Boxes are of whole bodies and may leave the picture.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

from datasets.formats.files import VIDEO_SUFFIXES, folders_in, is_picture, natural, stated_licence
from datasets.formats.mot import MotBoxes, read_truth, write_mot
from datasets.formats.remarks import REMARKS, read_remarks, remark_line, with_remarks
from datasets.pictures import Footage, Picture, PictureError, PictureFile, VideoFrame, picture_size
from datasets.sample import Dataset, DatasetFileError, OnFault, Sample, refuse

EXPECTED: Final = "MOT: SEQUENCE/gt/gt.txt or SEQUENCE/gt.txt, seqinfo.ini, and img1/ or one video"
# https://motchallenge.net, classes 1 to 13; "person" is their pedestrian.
CLASSES: Final = (
    "person", "person on vehicle", "car", "bicycle", "motorbike", "non motorised vehicle", "static person",
    "distractor", "occluder", "occluder on the ground", "occluder full", "reflection", "crowd",
)  # fmt: skip
_RATE: Final = 30


def truth_file(folder: Path) -> Path | None:
    """The truth of the sequence in ``folder``; None if it is none."""
    return next((path for path in (folder / "gt" / "gt.txt", folder / "gt.txt") if path.is_file()), None)


def sequences(folder: Path) -> list[Path]:
    """The sequences in ``folder``, or itself if it is one; none if it is no MOT dataset."""
    if truth_file(folder):
        return [folder]
    return [path for path in folders_in(folder) if truth_file(path)]


@dataclass(frozen=True)
class MotFolder:
    """The MOT sequences in ``folder``. Raises ``MotFileError`` and ``DatasetFileError``."""

    folder: Path
    kind: str = field(default="mot", init=False)
    keypoint_names: tuple[str, ...] = field(default=(), init=False)

    @cached_property
    def _sequences(self) -> list[_Sequence]:
        return [_Sequence(path) for path in sequences(self.folder)]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """MOT's classes where a truth file has them, else people alone."""
        return CLASSES if any(one.boxes.category is not None for one in self._sequences) else CLASSES[:1]

    @property
    def licence(self) -> str:
        """What the manifest or a LICENSE file says."""
        return stated_licence(self.folder)

    def __len__(self) -> int:
        return sum(one.length for one in self._sequences)

    def samples(self, on_fault: OnFault = refuse) -> Iterator[Sample]:
        """Every frame of every sequence."""
        remarks = read_remarks(self.folder)
        for sequence in self._sequences:
            try:
                for sample in sequence.samples(self.folder, on_fault):
                    yield with_remarks(sample, remarks.get(sample.name))
            finally:
                sequence.close()


class _Sequence:
    """One sequence: its truth, and where its pictures are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        truth = truth_file(folder)
        assert truth is not None
        self.boxes: MotBoxes = read_truth(truth)
        info = _read_info(folder / "seqinfo.ini")
        self._pictures = folder / info.get("imdir", "img1")
        self._files = sorted(filter(is_picture, self._pictures.glob("*")), key=natural)
        self._suffix = info.get("imext", ".jpg")
        videos = sorted(path for path in folder.glob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
        self._footage = Footage(videos[0]) if len(videos) == 1 and not self._files else None
        stated = int(info.get("seqlength", 0))
        self.length = max(stated, len(self._files), self.boxes.last_frame)
        self._size = (int(info.get("imwidth", 0)), int(info.get("imheight", 0)))

    def close(self) -> None:
        """Free the video, if there is one."""
        if self._footage is not None:
            self._footage.close()

    def _size_of(self, picture: Picture) -> tuple[int, int]:
        if self._footage is None:
            return picture_size(picture.path)
        height, width = picture.read().shape[:2]
        self._size = width, height  # of the whole video
        return self._size

    def samples(self, folder: Path, on_fault: OnFault) -> Iterator[Sample]:
        """The frames in order."""
        name = self.folder.relative_to(folder).as_posix() if self.folder != folder else folder.name
        ends = self.boxes.offsets(1, self.length)
        for frame in range(self.length):
            picture, called = self._picture(frame, folder)
            try:
                size = self._size if all(self._size) else self._size_of(picture)
            except PictureError as error:
                on_fault(called, error)
                continue
            boxes = self.boxes[slice(int(ends[frame]), int(ends[frame + 1]))]
            people = boxes.confidence.astype(np.int64) == 0
            seen: tuple[dict[str, Any], ...] = ()
            if boxes.visibility is not None:
                seen = tuple({"visible_share": share} for share in boxes.visibility.tolist())
            yield Sample(
                called,
                picture,
                size,
                boxes.xyxy,
                np.zeros(len(boxes), np.int64) if boxes.category is None else boxes.category - 1,
                None,
                people,
                tuple(map(str, boxes.id.tolist())),
                tuple(f"{name}/{track}" for track in boxes.id.tolist()),
                seen,
                name,
                frame,
                "",
                {"run": (name,), "camera": (name,)},
            )

    def _picture(self, frame: int, folder: Path) -> tuple[Picture, str]:
        if self._footage is not None:
            video = self._footage.path.relative_to(folder).as_posix()
            return VideoFrame(self._footage, frame), f"{video}#{frame}"
        # By number where files are called so; a file that is missing is then told as missing, and shifts no other.
        path = self._pictures / f"{frame + 1:06d}{self._suffix}"
        if not path.is_file() and len(self._files) == self.length:
            path = self._files[frame]
        return PictureFile(path), path.relative_to(folder).as_posix()


def _read_info(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
        found = dict(parser["Sequence"]) if parser.has_section("Sequence") else {}
        for name in ("seqlength", "imwidth", "imheight"):
            int(found.get(name, 0))
    except (configparser.Error, ValueError) as error:
        raise DatasetFileError(f"{path}: not a seqinfo.ini ({error})") from None
    return found


class MotWriter:
    """Writes a folder a sequence: pictures in ``img1/``, ``gt/gt.txt`` and ``seqinfo.ini``; frames are numbered anew.

    Raises ``DatasetFileError`` for what MOT has no way to say: pictures that are no footage, objects without tracks,
    classes that are not MOT's.
    """

    def __init__(self, folder: Path, source: Dataset) -> None:
        self._folder = folder
        names = ["person" if name == "pedestrian" else name for name in source.classes]
        if unknown := [name for name in names if name not in CLASSES]:
            raise DatasetFileError(f"MOT has no class {unknown[0]!r}; it knows {', '.join(CLASSES)}")
        self._category = np.array([CLASSES.index(name) + 1 for name in names], np.int64)
        self._open: dict[str, _Written] = {}
        self._remarks: TextIO = (folder / REMARKS).open("w", encoding="utf-8")

    def add(self, sample: Sample, stem: str) -> int:
        """Write a sample as the next frame of its sequence; how many objects were written. ``stem`` is not used."""
        if not sample.sequence:
            raise DatasetFileError(f"{sample.name} is no frame of any footage: MOT is for sequences")
        if len(sample) and not all(sample.track_id or ("",)):
            raise DatasetFileError(f"{sample.name} has objects without track_id: MOT needs one for each")
        name = sample.sequence.replace("/", "-")
        if name not in self._open:
            self._open[name] = _Written(self._folder / name)
        written = self._open[name].add(sample, self._category)
        self._remarks.write(remark_line(sample, f"{name}/img1/{written}"))
        return len(sample)

    def finish(self) -> None:
        """Write the truth of all sequences."""
        for written in self._open.values():
            written.finish()
        self._remarks.close()

    def close(self) -> None:
        """Free what is open; safe to call twice."""
        self._remarks.close()


class _Written:
    """One sequence while it is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "img1").mkdir(parents=True)
        (folder / "gt").mkdir()
        self._ids: dict[str, int] = {}
        self._rows: list[list[float]] = []
        self._category: list[int] = []
        self._share: list[float] = []
        self._frames, self._size, self._suffix = 0, (0, 0), ".jpg"

    def add(self, sample: Sample, category: np.ndarray[Any, np.dtype[np.int64]]) -> str:
        """Take the next frame; the name of its file."""
        data, suffix = sample.picture.encoded()
        if self._frames and (sample.size, suffix) != (self._size, self._suffix):
            raise DatasetFileError(f"{sample.name}: a MOT sequence has pictures of one size and kind")
        self._frames += 1
        self._size, self._suffix = sample.size, suffix
        name = f"{self._frames:06d}{suffix}"
        (self._folder / "img1" / name).write_bytes(data)
        for place, box in enumerate(sample.xyxy.tolist()):
            track = self._ids.setdefault(sample.track_id[place], len(self._ids) + 1)
            size = [box[2] - box[0], box[3] - box[1]]
            self._rows.append([self._frames, track, *box[:2], *size, float(sample.counted[place])])
            self._category.append(int(category[sample.label[place]]))
            said = sample.details[place] if sample.details else {}
            self._share.append(float(said.get("visible_share", 1.0)))
        return name

    def finish(self) -> None:
        """Write the truth."""
        rows = np.array(self._rows, np.float64).reshape(-1, 7)
        boxes = MotBoxes.from_rows(rows, np.array(self._category, np.int64), np.array(self._share))
        write_mot(self._folder / "gt" / "gt.txt", boxes)
        said = {"name": self._folder.name, "imDir": "img1", "frameRate": _RATE, "seqLength": self._frames}
        said |= {"imWidth": self._size[0], "imHeight": self._size[1], "imExt": self._suffix}
        lines = "".join(f"{name}={value}\n" for name, value in said.items())
        (self._folder / "seqinfo.ini").write_text(f"[Sequence]\n{lines}", encoding="utf-8")
