"""Put a candidate among the networks that come with Aisle: ``python -m training.ship CANDIDATE``.

Its file, facts and card become ``models/shipped/NAME.onnx``, ``.json`` and ``.md``; commit them. ``--card FILE`` is a
card that somebody wrote, in place of the one that the training script made.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from models.candidates import SHIPPED_DIR, Candidate, candidate_of, registry_dir
from models.cards import missing_sections
from models.errors import ModelError
from models.facts import write_facts
from models.selftest import self_test
from store.settings import SettingsError

MOST_BYTES: Final = 12_000_000


class ShippingError(ModelError):
    """A candidate cannot be shipped as it is."""


def ship(candidate: Candidate, folder: Path = SHIPPED_DIR, card: Path | None = None) -> Path:
    """Copy a candidate into ``folder`` under its network's name, in place of an earlier one; gives the .onnx file.

    ``card`` is the card to ship, by default the candidate's own. Raises ``ShippingError`` where the network is larger
    than ``MOST_BYTES`` or the card lacks a section, and ``SelfTestError``.
    """
    facts = candidate.facts
    if facts.bytes > MOST_BYTES:
        raise ShippingError(
            f"{candidate.id} has {facts.bytes / 1e6:.1f} MB, and {MOST_BYTES / 1e6:g} MB may be shipped: "
            "train a smaller network"
        )
    card = card or candidate.card
    try:
        missing = missing_sections(card.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ShippingError(f"the card {card} cannot be read: {error}") from error
    if missing:
        raise ShippingError(f"the card {card} has no section on: {', '.join(missing)}. Write one and give --card FILE")
    if facts.commit.endswith("+changes") or facts.commit == "unknown":
        sys.stderr.write(f"{candidate.id} was trained from code that is in no commit ({facts.commit})\n")
    self_test(candidate.entry(), threads=None)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{facts.name}.onnx"
    for source, place in ((candidate.network, target), (card, target.with_suffix(".md"))):
        part = place.with_name(f".{place.name}.part")
        shutil.copyfile(source, part)
        os.replace(part, place)
    # The facts last: with them the network is in the registry.
    write_facts(target.with_suffix(".json"), facts)
    return target


def main(arguments: Sequence[str] | None = None) -> int:
    """Ship the candidate that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("candidate", help="its id, as `aisle models list` shows it")
    parser.add_argument("--card", type=Path, metavar="FILE", help="ship this card in place of the candidate's own")
    given = parser.parse_args(arguments)
    try:
        target = ship(candidate_of(given.candidate, registry_dir()), card=given.card)
    except (ModelError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{target} ({target.stat().st_size / 1e6:.2f} MB)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
