"""What an evaluation found."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inpaint_cli.engine.comparing import paired_differences
from inpaint_cli.engine.figures import HOLE_SHARE, Example
from inpaint_cli.errors import EnvironmentFault
from inpaint_cli.reports.tables import comparison_table, definitions, results_table

Rows = dict[str, np.ndarray]  # figures of single images, float64 [N] by name


@dataclass
class Measured:
    """Everything that was found."""

    results: list[dict[str, Any]] = field(default_factory=list)  # one for each system and masks
    comparisons: list[dict[str, Any]] = field(default_factory=list)  # each two systems behind the same masks
    missing: dict[str, str] = field(default_factory=dict)  # metrics whose weights are not there, and what to do
    names: list[str] = field(default_factory=list)  # of the images
    rows: dict[tuple[str, str], Rows] = field(default_factory=dict)  # by system and masks
    examples: dict[tuple[str, str], list[Example]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What a results file holds: JSON."""
        content = {"results": self.results, "comparisons": self.comparisons, "missing": self.missing}
        return json.dumps(content, indent=2, allow_nan=False) + "\n"

    @property
    def tables(self) -> str:
        """The figures, and the comparisons of the main ones, as a terminal shows them."""
        compared = comparison_table(self.comparisons, self.results)
        return "\n\n".join(filter(None, [results_table(self.results), compared]))

    @property
    def definitions(self) -> list[str]:
        """What each metric is, as `text` has it, too."""
        return definitions(self.results)

    def raise_for_missing(self) -> None:
        """`EnvironmentFault` where weights were missing; all else is measured and written by now."""
        if self.missing:
            messages = dict.fromkeys(self.missing.values())
            raise EnvironmentFault(f"not measured: {', '.join(self.missing)}\n" + "\n".join(messages))


def compare(rows: Mapping[tuple[str, str], Rows], seed: int) -> list[dict[str, Any]]:
    """Each two systems behind the same masks: mean differences of what both have image by image."""
    found = []
    for spec in dict.fromkeys(spec for _, spec in rows):
        systems = {
            system: {name: values for name, values in own.items() if name != HOLE_SHARE}
            for (system, own_spec), own in rows.items()
            if own_spec == spec
        }
        together = paired_differences(systems, seed)
        found += [
            {"masks": spec, "first": first, "second": second, "differences": differences}
            for (first, second), differences in together.items()
        ]
    return found
