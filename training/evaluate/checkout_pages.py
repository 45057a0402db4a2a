"""Pages of what went wrong: the worst failures of each family with the pictures around the moment, and the curve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.files import VideoFile
from cameras.geometry import CameraModel
from datasets.simulation.survey.obstacles import Boxes
from training.evaluate.checkout_causes import Mistake
from training.evaluate.checkout_clip import Clip
from training.evaluate.checkout_curve import curve_svg
from training.evaluate.checkout_identity import place
from training.evaluate.checkout_judging import Failure, RunOutcome, clock
from training.evaluate.checkout_report import CheckoutReport, by_family, summary

WORST: Final = 2
_BESIDE_S: Final = (-0.8, 0.0, 0.8)
_CAMERAS: Final = 2
_SIZE: Final = (426, 240)
_MARK: Final = (0, 220, 255)
_HAND_M: Final = 1.0  # where hands are where nothing better is known

Image = NDArray[np.uint8]
Float = NDArray[np.float64]


def write_pages(report: CheckoutReport, clips: Sequence[Clip], folder: Path) -> None:
    """Write ``README.md`` with the scores and the curve, and ``FAMILY.md`` with the worst failures of each family.

    With several choices of sensors each has a folder of its own.
    """
    known = {clip.name: clip for clip in clips}
    for sensors, runs in report.outcomes.items():
        home = folder if len(report.outcomes) == 1 else folder / sensors.replace("+", "-and-")
        (home / "pictures").mkdir(parents=True, exist_ok=True)
        (home / "curve.svg").write_text(curve_svg(report.part(sensors)["review_curve"]), encoding="utf-8")
        lines = [f"# Checkout, {sensors}: {report.suite}", "", *_scores(runs), ""]
        lines.append("![Reviews and wrong charges](curve.svg)")
        for family, own in by_family(runs).items():
            worst = sorted((f for run in own for f in run.failures), key=lambda f: (-f.value, f.run, f.session))[:WORST]
            if worst:
                page = "\n".join(_page(family, sensors, worst, known, home))
                (home / f"{family}.md").write_text(f"{page}\n", encoding="utf-8")
        (home / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _scores(runs: Sequence[RunOutcome]) -> Iterator[str]:
    yield "| family | F1 | exact receipts | wrong charge | failures |"
    yield "|---|---:|---:|---:|---|"
    for name, own in {"all": list(runs), **by_family(runs)}.items():
        scores = summary(own)
        failures = [failure for run in own for failure in run.failures]
        link = f"[{len(failures)}]({name}.md)" if failures and name != "all" else str(len(failures))
        yield (
            f"| {name} | {scores['item_f1']:.3f} | {scores['exact_receipts']:.3f} "
            f"| {scores['wrong_charge']:.3f} | {link} |"
        )


def _page(family: str, sensors: str, worst: Sequence[Failure], clips: Mapping[str, Clip], home: Path) -> Iterator[str]:
    yield f"# {family}, {sensors}"
    for number, failure in enumerate(worst, 1):
        clip = clips[failure.run]
        names = {product.gtin: product.name for product in clip.catalogue.products}
        yield ""
        yield f"## {failure.run}, session {failure.session}: {failure.cause}"
        yield ""
        yield f"Owed: {_goods(failure.expected, names)}. Charged: {_goods(failure.got, names)}."
        yield ""
        for mistake in failure.mistakes:
            name = names.get(mistake.gtin, mistake.gtin)
            yield f"- {name}: {mistake.got} for {mistake.expected}, {mistake.cause}{_when(mistake)}"
        picture = home / "pictures" / f"{failure.run}-{number}.jpg"
        found = around(clip, failure.mistakes[0])
        if found is not None:
            cv2.imwrite(str(picture), found, [cv2.IMWRITE_JPEG_QUALITY, 80])
            yield ""
            yield f"![{failure.cause}](pictures/{picture.name})"
        yield ""
        yield "| what happened | what was told |"
        yield "|---|---|"
        yield f"| {'<br>'.join(failure.happened) or '-'} | {'<br>'.join(failure.told) or '-'} |"


def around(clip: Clip, mistake: Mistake) -> Image | None:
    """Pictures of the best cameras before, at and after a mistake, its place marked; None where no time is known.

    uint8 (H, W, 3) BGR: a row a camera.
    """
    if mistake.time_s is None:
        return None
    where = _place(clip, mistake)
    rows = []
    for camera in best_cameras(clip, where):
        pictures = _pictures(clip, camera.camera, [mistake.time_s + step for step in _BESIDE_S])
        rows.append(np.hstack([_shown(image, camera, where) for image in pictures]))
    return np.vstack(rows) if rows else None


def best_cameras(clip: Clip, where: Float | None) -> list[CameraModel]:
    """The cameras that show a place (3,) largest, of those that nothing hides it from; any where it is not known."""
    if where is None:
        return list(clip.cameras[:_CAMERAS])
    hiding = Boxes.of(clip.plan)
    found = []
    for camera in clip.cameras:
        at = camera.project(where)
        inside = np.isfinite(at).all() and bool(((at >= 0) & (at < camera.size)).all())
        if inside and not hiding.hide(camera.position, where[None])[0]:
            found.append((float(np.linalg.norm(where - camera.position)) / float(camera.matrix[0, 0]), camera))
    return [camera for _, camera in sorted(found, key=lambda pair: pair[0])[:_CAMERAS]] or list(clip.cameras[:_CAMERAS])


def _place(clip: Clip, mistake: Mistake) -> Float | None:
    """Where a mistake was made (3,): before its slot, else where its person stood."""
    slot = next((slot for slot in clip.plan.slots() if slot.id == mistake.slot), None)
    if slot is not None:
        along, normal = np.array([*slot.along, 0.0]), np.array([*slot.normal, 0.0])
        before = along * slot.width_m / 2 + normal * 0.05 + np.array([0.0, 0.0, 0.1])
        return np.asarray(np.array(slot.corner) + before, np.float64)
    person = next((person for person in clip.truth.people if person.track == mistake.person), None)
    if person is None or mistake.time_s is None or not len(person.time_s):
        return None
    return np.array([*place(person, mistake.time_s), _HAND_M])


def _pictures(clip: Clip, camera: str, times_s: Sequence[float]) -> list[Image]:
    """The camera's pictures nearest to ``times_s`` of the shop's clock."""
    offset_s = clip.clock_offset_s[camera]
    best: list[tuple[float, Image]] = [(np.inf, np.zeros((1, 1, 3), np.uint8)) for _ in times_s]
    for frame in VideoFile(clip.video(camera), camera=camera):
        for step, time_s in enumerate(times_s):
            away = abs(frame.captured_at - offset_s - time_s)
            if away < best[step][0]:
                best[step] = (away, frame.image)
    return [image for _, image in best]


def _shown(image: Image, camera: CameraModel, where: Float | None) -> Image:
    shown = cv2.resize(image, _SIZE, interpolation=cv2.INTER_AREA)
    if where is not None:
        at = camera.project(where)
        if np.isfinite(at).all():
            x, y = (at * np.array(_SIZE) / camera.size).round().astype(int).tolist()
            cv2.circle(shown, (x, y), 14, _MARK, 2, cv2.LINE_AA)
    cv2.putText(shown, camera.camera, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _MARK, 1, cv2.LINE_AA)
    return np.asarray(shown, np.uint8)


def _goods(counts: Mapping[str, int], names: Mapping[str, str]) -> str:
    return ", ".join(f"{n} x {names.get(gtin, gtin)}" for gtin, n in sorted(counts.items())) or "nothing"


def _when(mistake: Mistake) -> str:
    if mistake.time_s is None:
        return ""
    return f" at {clock(mistake.time_s)}" + (f", slot {mistake.slot}" if mistake.slot else "")
