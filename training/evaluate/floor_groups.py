"""Whether those who are told of as together came together, against who shops in one session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from datasets.floor_scene import FloorScene
from training.evaluate.floor_metrics import SAME_PERSON_M
from vision.floor import FloorMoment


@dataclass(frozen=True, slots=True)
class GroupScores:
    """Pairs of people: those ``told`` of as together, those of them that were ``right``, and those ``there``."""

    told: int
    right: int
    there: int

    def __add__(self, other: GroupScores) -> GroupScores:
        return GroupScores(self.told + other.told, self.right + other.right, self.there + other.there)


def score_groups(scene: FloorScene, moments: Sequence[FloorMoment], groups: Sequence[Sequence[int]]) -> GroupScores:
    """The scores of ``groups`` of tracks, of which ``moments`` tell where they were.

    A track is the person within 1 m of whom it was the most often; one that was near nobody is right with nobody.
    """
    shown = {pair for group in groups for pair in combinations(sorted(group), 2)}
    people = {track: _person(scene, moments, track) for pair in shown for track in pair}
    right = {tuple(sorted((people[a], people[b]))) for a, b in shown if _together(scene, people[a], people[b])}
    everybody = np.unique(scene.person).tolist()
    there = sum(_together(scene, a, b) for a, b in combinations(everybody, 2))
    return GroupScores(len(shown), len(right), there)


def _person(scene: FloorScene, moments: Sequence[FloorMoment], track: int) -> int:
    near: list[int] = []
    for frame, moment in enumerate(moments):
        row = np.flatnonzero(scene.frame == frame)
        for xy in moment.tracks.xy[moment.tracks.track_id == track]:
            apart = np.linalg.norm(scene.xy_m[row] - xy, axis=1)
            near += scene.person[row[apart <= SAME_PERSON_M]].tolist()
    return int(np.bincount(near).argmax()) if near else -1


def _together(scene: FloorScene, one: int, other: int) -> bool:
    if one == other or one < 0 or other < 0 or scene.party is None:
        return False
    return bool(scene.party[one] == scene.party[other])
