"""Sets that are cut into shards, whose names say their splits: `train-00000-of-00004.parquet`, `val/0003.tar`."""

import re
from collections.abc import Sequence

from inpaint_cli.data.layouts import SPLIT_FOLDERS, Choice, layout_of

WORDS = re.compile(r"[^A-Za-z]+")


def splits_of(shards: Sequence[str], choice: Choice, where: object) -> tuple[dict[str, str], str]:
    """The split of each shard that has one, and what was recognised; asked for where it may be meant in two ways."""
    named = {shard: f"{_word(shard) or 'other'}/{shard}.png" for shard in shards}
    layout = layout_of(named.values(), choice, where)
    found = {shard: layout.splits[name] for shard, name in named.items() if name in layout.splits}
    counts = ", ".join(f"{list(found.values()).count(split)} of {split}" for split in dict.fromkeys(found.values()))
    return found, f"shards: {counts}" if found else f"{len(shards)} shards, dealt by names"


def _word(shard: str) -> str | None:
    """What a shard's name, or the folder nearest to it, calls its split."""
    for part in reversed(shard.split("/")):
        word = next((word for word in WORDS.split(part) if word.lower() in SPLIT_FOLDERS), None)
        if word is not None:
            return word.lower()
    return None
