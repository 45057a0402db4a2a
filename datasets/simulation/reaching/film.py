"""Films the reaches of simulated shops into a folder of clips.

python -m datasets.simulation.reaching.film --seeds 100:104 --out out/reach-clips
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.manifest import Manifest, entries, write_manifest
from datasets.reach_clips import (
    ANCHOR,
    FRAMES,
    PERIOD_S,
    SIDE_PX,
    ClipDeed,
    ReachClip,
    ReachClipError,
    read_clips,
    write_lines,
    write_pictures,
)
from datasets.simulation.errors import ScenarioError
from datasets.simulation.filming.recording import LICENCE
from datasets.simulation.reaching.deeds import Anchor, Deed, anchors, deeds, slot_front
from datasets.simulation.reaching.practice import NAME, practice
from datasets.simulation.reaching.views import FREE, Sight, View, cut, free_camera
from datasets.simulation.render.look import camera_look
from datasets.simulation.render.renderer import Renderer
from datasets.simulation.scenario import family, play
from datasets.simulation.scene import Scene, SceneState
from datasets.simulation.shop import load_shop
from datasets.simulation.timeline import Timeline
from store.plan import example_plan, load_plan

OFFSETS_S: Final = np.asarray((np.arange(FRAMES) - ANCHOR) * PERIOD_S, np.float64)
SEEN: Final = 0.6  # share of the pictures around the moment in which the wrist must be in sight
NEAR_M: Final = 1.5
DRAWS: Final = 3
IDLE: Final = 0.15  # idle hands for each gesture
ASIDE: Final = ("idle", "bag", "pocket")  # filmed from one side only: these are many and alike
MOST: Final = 60  # anchors of a run: a crowd's would be hundreds

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Take:
    """One run to film: ``family`` of scenarios (``reach_practice`` is drawn by the seed), played in ``store`` (nano or
    shop) by ``seed``, each moment from ``views`` sides.
    """

    family: str
    seed: int
    store: Literal["nano", "shop"] = "nano"
    views: int = 2

    @property
    def name(self) -> str:
        """What the clips' names begin with."""
        return f"{self.store}-{self.family}-{self.seed:04d}"


def film(take: Take, folder: Path, on_clip: Callable[[int, int], None] = lambda done, total: None) -> list[ReachClip]:
    """Film ``take`` into ``folder`` and give its clips. Raises ``ScenarioError``, ``PlanError``, ``RendererError``."""
    path = example_plan(take.store)
    timeline = _played(take, path)
    rng = np.random.default_rng([take.seed, zlib.crc32(take.name.encode())])
    done = deeds(timeline)
    moments = [anchor for anchor in anchors(timeline, done, rng, idle=IDLE) if _inside(timeline, anchor)]
    if len(moments) > MOST:
        moments = [moments[i] for i in sorted(rng.choice(len(moments), MOST, replace=False))]
    scene = Scene(timeline)
    sight = Sight(timeline)
    cameras = [CameraModel.of(view) for view in load_plan(path).cameras]
    shots = [_Shot.of(take, number, timeline, scene, anchor) for number, anchor in enumerate(moments)]
    for shot in shots:
        shot.choose(cameras, sight, rng, 1 if shot.anchor.what in ASIDE else take.views)
    views = [view for shot in shots for view in shot.views]
    looks = {view.model.camera: replace(camera_look(take.seed, view.model.camera), vignetting=0.0) for view in views}
    clips: list[ReachClip] = []
    with Renderer(timeline, scene, [view.model for view in views], looks=looks) as renderer:
        for number, shot in enumerate(shots):
            clips += shot.draw(renderer, done, folder, take)
            on_clip(number + 1, len(shots))
    return clips


def _played(take: Take, path: Path) -> Timeline:
    """What happens in the run; a practice that cannot be played is drawn anew."""
    plan, catalogue = load_shop(path, take.seed)
    if take.family != NAME:
        return play(plan, catalogue, family(take.family), take.seed)
    for draw in range(DRAWS - 1):
        try:
            return play(plan, catalogue, practice(take.seed, draw), take.seed)
        except ScenarioError:
            continue
    return play(plan, catalogue, practice(take.seed, DRAWS - 1), take.seed)


class _Shot:
    """A moment to film: the scene around it and the views of it."""

    def __init__(
        self, name: str, timeline: Timeline, anchor: Anchor, states: list[SceneState], blurred: list[SceneState]
    ) -> None:
        self.name, self.timeline, self.anchor = name, timeline, anchor
        self.states, self.blurred = states, blurred
        skeleton = timeline.actors[anchor.actor].character.skeleton
        self.joint = skeleton.index(("hand_l", "hand_r")[anchor.hand])
        rows = [int(np.flatnonzero(state.actors == anchor.actor)[0]) for state in states]
        self.wrist = np.array([state.joints[row, self.joint] for state, row in zip(states, rows, strict=True)])
        self.views: list[View] = []
        self.seen: list[NDArray[np.bool_]] = []

    @classmethod
    def of(cls, take: Take, number: int, timeline: Timeline, scene: Scene, anchor: Anchor) -> _Shot:
        times = anchor.time_s + OFFSETS_S
        shutter = 1 / 50
        return cls(f"{take.name}-{number:03d}", timeline, anchor, scene.states(times), scene.states(times - shutter))

    def choose(self, cameras: Sequence[CameraModel], sight: Sight, rng: np.random.Generator, views: int) -> None:
        """Keep views that see the hand around the moment: half by the plan's cameras, half by free ones."""
        point = self.wrist[ANCHOR]
        slots = {slot.id: slot for slot in self.timeline.plan.slots()}
        slot = slots.get(self.anchor.slot or "")
        order = [cameras[i] for i in rng.permutation(len(cameras))]
        own = views // 2 if rng.random() < 0.5 else views - views // 2
        for camera in order:
            if len(self.views) >= own:
                break
            self._keep(camera, camera.camera, sight, point)
        for _ in range(12 * views):
            if len(self.views) >= views:
                break
            drawn = free_camera(rng, self.timeline.plan, slot, point)
            if drawn is not None:
                self._keep(drawn, FREE, sight, point)

    def _keep(self, camera: CameraModel, source: str, sight: Sight, point: Float) -> None:
        view = cut(camera, point, f"{self.name}-{len(self.views)}", source)
        if view is None or not sight.clear(camera.position, point, self.anchor.slot):
            return
        seen = np.array([sight.seen(camera.position, state, self.anchor.actor, self.joint) for state in self.states])
        if seen[ANCHOR - 4 : ANCHOR + 5].mean() >= SEEN:
            self.views.append(view)
            self.seen.append(seen)

    def draw(self, renderer: Renderer, done: Sequence[Deed], folder: Path, take: Take) -> list[ReachClip]:
        pictures = np.zeros((len(self.views), FRAMES, SIDE_PX, SIDE_PX, 3), np.uint8)
        for n, (state, before) in enumerate(zip(self.states, self.blurred, strict=True)):
            for v, view in enumerate(self.views):
                image = renderer.picture(view.model.camera, state, before, n).image
                whole = image if image.shape[0] == SIDE_PX else cv2.resize(image, (SIDE_PX, SIDE_PX))
                pictures[v, n] = whole
        clips = [self._told(view, seen, done, take) for view, seen in zip(self.views, self.seen, strict=True)]
        for clip, own in zip(clips, pictures, strict=True):
            write_pictures(folder, clip, own)
        return clips

    def _told(self, view: View, seen: NDArray[np.bool_], done: Sequence[Deed], take: Take) -> ReachClip:
        anchor, model = self.anchor, view.model
        scale = SIDE_PX / model.size[0]
        slots = {slot.id: slot for slot in self.timeline.plan.slots()}
        box = None
        if anchor.slot is not None:
            corners = model.project(slot_front(slots[anchor.slot])) * scale
            if np.isfinite(corners).all():
                box = tuple(round(float(v), 1) for v in (*corners.min(axis=0), *corners.max(axis=0)))
        now = self.states[ANCHOR]
        place = int(np.flatnonzero(now.actors == anchor.actor)[0])
        near = int(np.count_nonzero(np.linalg.norm(now.xy - now.xy[place], axis=1) < NEAR_M))
        from_s, to_s = anchor.time_s + OFFSETS_S[0] - 1.0, anchor.time_s + OFFSETS_S[-1] + 1.0
        within = [deed for deed in done if from_s < deed.time_s < to_s]
        wrist = model.project(self.wrist) * scale
        return ReachClip(
            name=model.camera,
            family=take.family,
            seed=take.seed,
            store=take.store,
            what=anchor.what,
            source=view.source,
            elevation_deg=round(view.elevation_deg, 1),
            height_m=round(float(self.wrist[ANCHOR, 2]), 2),
            people=near,
            light=round(float(self.light(anchor.time_s)), 2),
            wrist=tuple((round(float(x), 1), round(float(y), 1)) for x, y in np.nan_to_num(wrist, nan=-999.0)),
            seen=tuple(bool(v) for v in seen),
            slot=anchor.slot,
            slot_xyxy=box,  # type: ignore[arg-type]
            deeds=tuple(
                ClipDeed(
                    deed.kind,
                    round(deed.time_s - anchor.time_s, 3),
                    deed.actor == anchor.actor and deed.hand == anchor.hand,
                    deed.slot,
                )
                for deed in within
            ),
        )

    def light(self, time_s: float) -> float:
        """The lights' level at a moment: that of the last change."""
        level = 1.0
        for change in self.timeline.lights:
            if change.time_s <= time_s:
                level = change.level
        return level


def _inside(timeline: Timeline, anchor: Anchor) -> bool:
    """Whether the person is in the shop for the whole clip."""
    walk = timeline.actors[anchor.actor].performance.walk
    first, last = anchor.time_s + OFFSETS_S[0], anchor.time_s + OFFSETS_S[-1]
    return bool(first - 0.1 > max(walk.time_s[0], 0.0) and last < min(walk.time_s[-1], timeline.duration_s))


def write_clips(
    folder: Path, takes: Sequence[Take], listener: Callable[[str, int, int], None] = lambda name, done, total: None
) -> Manifest:
    """Film ``takes`` into ``folder``; what is whole there is kept, what cannot be played is left out and noted.

    ``listener`` is told the name of a take and how many moments of how many are done. The manifest is written last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "takes").mkdir(exist_ok=True)
    clips: list[ReachClip] = []
    left_out: dict[str, str] = {}
    for take in takes:
        lines = folder / "takes" / f"{take.name}.json"
        if lines.is_file():
            document = json.loads(lines.read_text(encoding="utf-8"))
        else:
            document = _filmed(take, folder, listener)
            part = lines.with_suffix(".part")
            part.write_text(json.dumps(document), encoding="utf-8")
            part.replace(lines)
        if document["left_out"] is not None:
            left_out[take.name] = document["left_out"]
        clips += [ReachClip.of(line) for line in document["clips"]]
    if not clips:
        raise ReachClipError(f"none of {len(takes)} runs could be filmed: {'; '.join(left_out.values()) or 'no runs'}")
    write_lines(folder, clips)
    made: dict[str, Any] = {
        "by": "datasets.simulation.reaching",
        "takes": [take.name for take in takes],
        "seeds": sorted({take.seed for take in takes}),
        "left_out": left_out,
    }
    counts = {"clips": len(clips), "pictures": len(clips) * FRAMES, "takes": len(takes) - len(left_out)}
    manifest = Manifest(entries(folder), made, counts, LICENCE)
    write_manifest(folder, manifest)
    return manifest


def _filmed(take: Take, folder: Path, listener: Callable[[str, int, int], None]) -> dict[str, Any]:
    try:
        clips = film(take, folder, lambda done, total: listener(take.name, done, total))
    except ScenarioError as error:  # a draw that cannot be played in this shop
        return {"clips": [], "left_out": str(error)}
    return {"clips": [json.loads(clip.as_line()) for clip in clips], "left_out": None}


def takes_of(
    families: Sequence[str], seeds: Sequence[int], store: Literal["nano", "shop"] = "nano", views: int = 2
) -> list[Take]:
    """A take of every family by every seed; a shop's seed keeps its labels, so that runs of one seed come together."""
    return [Take(name, seed, store, views) for seed in seeds for name in families]


__all__ = ["NAME", "Take", "film", "read_clips", "takes_of", "write_clips"]


if __name__ == "__main__":

    def _main(
        seeds: Annotated[str, typer.Option()],
        out: Annotated[Path, typer.Option()],
        families: str = NAME,
        store: str = "nano",
        views: int = 2,
    ) -> None:
        """Film clips of the families (with commas between) by seeds A:B into a folder."""
        first, _, end = seeds.partition(":")
        wanted = range(int(first), int(end)) if end else [int(first)]
        takes = takes_of(families.split(","), list(wanted), "shop" if store == "shop" else "nano", views)
        last = ""

        def told(name: str, done: int, total: int) -> None:
            nonlocal last
            if name != last:
                typer.echo(f"{name}: {total} moments")
                last = name

        manifest = write_clips(out, takes, told)
        typer.echo(f"{manifest.counts['clips']} clips in {out}")

    typer.run(_main)
