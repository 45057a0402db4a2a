"""The card of a person embedder: what a stranger has to know before using it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_TEXT = """# {name}

## What for

To know a visitor again in another camera of the same shop, or after an occlusion, within one visit. Boxes of people go
in, vectors come out; vectors of one visitor are alike whatever the camera, from level to straight overhead.

Not for knowing anybody on another day: clothes are most of what it sees, so that who changes them is another person to
it. It is trained to tell clothes and builds apart, and on no face and no real person. Aisle keeps vectors in memory for
the length of a visit, and writes none.

## Input and output

- `pictures`: {input}.
- `vectors`: float32 (people, {dims}), of length 1; compare two by their scalar product.
- `calibration`: float32 (people, 2), the same in each row: slope and offset of the logistic function that makes a
  scalar product the probability of one visitor, where "one" and "two" are as probable beforehand.

In Python: `models.persons.open_person_embedder()`, with `embed(image, xyxy)` and `same_person_probability(a, b)`.

## Trained on

{pictures} cut-outs of {people} simulated people: bodies in ever new clothes, filmed from all sides in simulated shops
(`datasets.simulation.lineup`, simulator seeds {seeds}; free for any use). Half of the cloth is shared between people
who are seen together. The first {kept} convolutions are EfficientNet-Lite0's as Google trained them on ImageNet
(Apache-2.0), the next {trained} began as those; the head began from nothing. {steps} steps on a CPU.

## Figures

Simulated, on {tuned}, which the calibration was fitted on:

{figures}

`aisle evaluate persons DATASET` measures it on any simulated dataset; its protocol is in `docs/persons.md`.

## Where it fails

- Real footage: nothing is known, for no real person was ever looked at, in training or in measuring.
- People in the same clothes (a uniform, two friends in black): build and hair tell little from above.
- People of whom less than half is seen, and boxes under 60 pixels high: cloth without pattern, other people's cloth.
- Light of another colour in one camera of a shop than in the others; night views without colour.
- Coats put on or off within the visit, and large bags or trolleys that hide the body.

## Reproduce

    python -m training.person_embedder --data DIR --out RUN{tune}

with the recipe in this network's facts (`training/recipes/persons.yaml` of the commit that they name).
"""


def card(
    *,
    name: str,
    input: str,
    dims: int,
    kept: int,
    cut: int,
    steps: int,
    seeds: Sequence[int],
    people: int,
    pictures: int,
    tuned: str,
    tune_option: str,
    metrics: Mapping[str, float],
) -> str:
    """The card as Markdown; ``tuned`` says in words what ``metrics`` were found on."""
    return _TEXT.format(
        name=name,
        input=input,
        dims=dims,
        kept=kept,
        trained=cut - kept,
        steps=steps,
        seeds=" ".join(map(str, seeds)),
        people=people,
        pictures=f"{pictures:,}",
        tuned=tuned,
        tune=tune_option,
        figures="\n".join(f"- {key.removeprefix('tune_')} {value:.3f}" for key, value in metrics.items()),
    )
