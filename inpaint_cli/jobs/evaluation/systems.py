"""The systems of one evaluation: what they are loaded from, and how shortly they can be told apart."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from inpaint_cli.errors import UsageError
from inpaint_cli.jobs.loading import Loaded
from inpaint_cli.methods import method_class
from inpaint_cli.probes import Settings as HowToProbe
from inpaint_cli.records.transfers import Transfer
from inpaint_cli.settings import recalled, settings_values


class Source(NamedTuple):
    """What one system is loaded from."""

    checkpoint: Path | None
    method: str | None

    def __str__(self) -> str:
        return str(self.checkpoint or self.method)


def sources_of(checkpoints: Sequence[Path], methods: Sequence[str]) -> list[Source]:
    """One checkpoint with one method means that it is to be of that method; else each stands for a system."""
    if len(checkpoints) == len(methods) == 1 and method_class(methods[0]).defaults is not None:
        return [Source(checkpoints[0], methods[0])]
    return [*(Source(path, None) for path in checkpoints), *(Source(None, name) for name in methods)]


class Label(NamedTuple):
    """What tells a system from others."""

    name: str
    settings: dict[str, Any]
    trained_on: str | None
    step: int | None
    seed: int | None
    digest: str | None

    @classmethod
    def of(cls, loaded: Loaded) -> "Label":
        transfer = transfer_of(loaded)
        learned_on = trained_on(loaded) if transfer is None else (transfer.learned_on or "untrained")
        return cls(loaded.name, settings_of(loaded), learned_on, loaded.step, loaded.seed, loaded.digest)

    def parts(self, others: Iterable["Label"]) -> dict[str, str]:
        """What may stand behind the name, from what says most to what says least."""
        namesakes = [other for other in others if other.name == self.name]
        own = self.settings.items()
        differing = [f"{n}={v}" for n, v in own if any(other.settings.get(n) != v for other in namesakes)]
        learned = {
            "trained_on": str(self.trained_on), "step": f"step {self.step}", "seed": f"seed {self.seed}",
            "digest": str(self.digest)[:8],
        }  # fmt: skip
        learned = {name: text for name, text in learned.items() if getattr(self, name) is not None}
        return {"settings": " ".join(differing)} | (learned if self.digest else {})


def distinct_names(labels: list[Label]) -> list[str]:
    """The systems of one table, named as shortly as they can be told apart: `mde`, `mde rec:0.1`, `mde step 400`, …"""
    found = [label.parts(labels) for label in labels]
    kinds = ("settings", "trained_on", "step", "seed", "digest")
    names: list[str] = []
    for count in range(len(kinds) + 1):
        for chosen in itertools.combinations(kinds, count):
            names = [
                " ".join(filter(None, [label.name, *(parts.get(kind) for kind in chosen)]))
                for label, parts in zip(labels, found, strict=True)
            ]
            if len({*names}) == len(names):
                return names
    twice = next(name for name in names if names.count(name) > 1)
    raise UsageError(f"{twice} is named twice: give each checkpoint and each method once")


def transfer_of(loaded: Loaded) -> Transfer | None:
    """Of a transferred checkpoint: whose features it puts to use."""
    return loaded.header.transfer if loaded.header else None


def settings_of(loaded: Loaded) -> dict[str, Any]:
    """The method's; of a transfer its encoder's, whether that stayed as it was, and how the new layers learned."""
    transfer = transfer_of(loaded)
    own = settings_values(loaded.method.settings)
    if transfer is None:
        return own
    how = recalled(HowToProbe, transfer.settings)
    return {**own, "frozen": transfer.frozen, "start": how["start"], "landmark_weight": how["landmark_weight"]}


def trained_on(loaded: Loaded) -> str | None:
    """The masks of its training."""
    return loaded.method.masks.spec if loaded.method.masks else None
