"""Whose boxes are whose, in all cameras at once.

Each camera gives each person at most one box and each box to at most one person, so that the likelihood ratio of
"theirs" against "made up by the detector" is largest (Hungarian method). At first each camera only knows where people
were expected. Then the choice is made anew, each camera knowing what the others saw (iterated conditional modes, Besag
1986): a box that fits the expected place and contradicts the other cameras changes hands. All cameras choose at once,
so that their order is of no matter.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.association import assign
from vision.floor.motion import States
from vision.floor.observations import Observations

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

NOBODY: Final = -1
LEAST: Final = 0.05
"""What a pair that may be is worth at least, however unlike they look."""


def gains(
    observations: Observations, place: Float, variance: Float, box: Ints, person: Ints, found: Float
) -> tuple[Float, Float]:
    """For pairs (m,) of boxes and people: the log likelihood ratio that the box is theirs, and the squared distance.

    ``place`` (m, 3) and ``variance`` (m, 3, 3) are where each pair's person is thought to be, ``found`` (m,) the chance
    that the camera finds the person; the ratio is against a made-up box and a person who was not found.
    """
    weight = observations.weight[box]
    missing = observations.value[box] - (weight @ place[..., None])[..., 0]
    spread = weight @ variance @ np.swapaxes(weight, 1, 2) + np.eye(3)
    distance = (missing[:, None] @ np.linalg.solve(spread, missing[..., None]))[:, 0, 0]
    ratio = observations.rarity[box] - (distance + np.log(np.linalg.det(spread))) / 2
    return ratio + np.log(found) - np.log1p(-found), distance


def associate(observations: Observations, states: States, found: Float, gate: float, rounds: int, alike: Float) -> Ints:
    """For each box (n,) the row of the person whose it is, or ``NOBODY``.

    ``found`` (people, cameras) is the chance of each camera to find each person, ``gate`` the largest squared distance
    of a pair, ``rounds`` how often the choice is made, and ``alike`` (people, n) what looks speak for a pair: they
    decide between people, and not whether a box may be somebody's.
    """
    owner = np.full(len(observations), NOBODY, np.int64)
    if not len(observations) or not len(states):
        return owner
    place, variance = states.place, states.place_variance
    person, box = _near(observations, place, variance, gate)
    camera = observations.camera[box]
    chance = np.clip(found[person, camera], 1e-3, 0.995)
    information = np.asarray(np.linalg.inv(variance), np.float64)
    pull = (information @ place[..., None])[..., 0]
    told = np.swapaxes(observations.weight, 1, 2) @ observations.weight
    told_pull = (np.swapaxes(observations.weight, 1, 2) @ observations.value[..., None])[..., 0]
    here, around = place[person], variance[person]
    for step in range(rounds):
        if step:
            before = owner
            here, around = _without_own(
                information, pull, told, told_pull, owner, observations.camera, person, camera, found.shape[1]
            )
        gain, distance = gains(observations, here, around, box, person, chance)
        allowed = (distance < gate) & (gain > 0)
        worth = np.maximum(gain + alike[person, box], LEAST)
        owner = _chosen(observations, person[allowed], box[allowed], worth[allowed])
        if step and (owner == before).all():
            break
    return owner


def gathered(observations: Observations, owner: Ints, people: int) -> tuple[Float, Float]:
    """What their boxes tell of each person: information (people, 3, 3) and pull (people, 3), zero without boxes."""
    own = np.flatnonzero(owner >= 0)
    weight = np.swapaxes(observations.weight[own], 1, 2)
    information, pull = np.zeros((people, 3, 3)), np.zeros((people, 3))
    np.add.at(information, owner[own], weight @ observations.weight[own])
    np.add.at(pull, owner[own], (weight @ observations.value[own][..., None])[..., 0])
    return information, pull


def evidence(
    observations: Observations, owner: Ints, place: Float, variance: Float, found: Float, saw: NDArray[np.bool_]
) -> Float:
    """The log likelihood ratio (people,) that everyone is there and their boxes are theirs, against nobody there.

    ``place`` and ``variance`` are what was expected, ``owner`` (n,) the boxes' people, ``found`` and ``saw`` (people,
    cameras) the chance to find each and who did. The joint density of a person's boxes integrates over the place.
    """
    people = len(place)
    own = np.flatnonzero(owner >= 0)
    square, rarity = np.zeros(people), np.zeros(people)
    residual = observations.value[own] - (observations.weight[own] @ place[owner[own], :, None])[..., 0]
    np.add.at(square, owner[own], (residual**2).sum(axis=1))
    np.add.at(rarity, owner[own], observations.rarity[own])
    weight = np.swapaxes(observations.weight[own], 1, 2)
    information, pull = np.zeros((people, 3, 3)), np.zeros((people, 3))
    np.add.at(information, owner[own], weight @ observations.weight[own])
    np.add.at(pull, owner[own], (weight @ residual[..., None])[..., 0])
    spread = np.eye(3) + variance @ information
    explained = (pull[:, None] @ np.linalg.solve(spread, variance @ pull[..., None]))[:, 0, 0]
    chance = np.clip(found, 1e-3, 0.995)
    heard = np.where(saw, np.log(chance), np.log1p(-np.minimum(found, 0.995))).sum(axis=1)
    return np.asarray(rarity - (square - explained) / 2 - np.log(np.linalg.det(spread)) / 2 + heard)


def _near(observations: Observations, place: Float, variance: Float, gate: float) -> tuple[Ints, Ints]:
    """Pairs of people and boxes that may be near enough: a circle around both errors."""
    reach = np.sqrt(gate * np.trace(variance[:, :2, :2], axis1=1, axis2=2))
    seen = np.sqrt(gate * np.trace(observations.variance[:, :2, :2], axis1=1, axis2=2))
    apart = np.linalg.norm(place[:, None, :2] - observations.place[None, :, :2], axis=2)
    person, box = np.nonzero(apart < reach[:, None] + seen)
    return person, box


def _without_own(
    information: Float,
    pull: Float,
    told: Float,
    told_pull: Float,
    owner: Ints,
    seen_by: Ints,
    person: Ints,
    camera: Ints,
    cameras: int,
) -> tuple[Float, Float]:
    """Where each pair's person is by all that is known but the own camera's box."""
    own = np.flatnonzero(owner >= 0)
    people = len(information)
    each, each_pull = np.zeros((people, cameras, 3, 3)), np.zeros((people, cameras, 3))
    each[owner[own], seen_by[own]] = told[own]
    each_pull[owner[own], seen_by[own]] = told_pull[own]
    left = (information + each.sum(axis=1))[person] - each[person, camera]
    variance = np.linalg.inv(left)
    rest = (pull + each_pull.sum(axis=1))[person] - each_pull[person, camera]
    return (variance @ rest[..., None])[..., 0], variance


def _chosen(observations: Observations, person: Ints, box: Ints, gain: Float) -> Ints:
    owner = np.full(len(observations), NOBODY, np.int64)
    camera = observations.camera[box]
    for place in np.unique(camera):
        own = np.flatnonzero(camera == place)
        rows, columns = assign(person[own], box[own], gain[own] - 1.0)
        owner[columns] = rows
    return owner
