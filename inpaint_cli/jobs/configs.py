"""What `--config FILE` says: options in a TOML file by their names, or what a run's own run.json says of that run."""

import tomllib
from pathlib import Path
from typing import Any

from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.files import read_whole
from inpaint_cli.records.runs import read_configuration

LARGEST = 1 << 20  # bytes
# Of run.json what can be asked for again; the rest is what came of it, such as the device.
ASKED = (
    "method", "masks", "batch", "steps", "accumulate", "seed", "clip_gradients", "sync_batchnorm", "compile",
    "checkpoint_every", "sample_every", "validate_every", "patience", "keep", "keep_every", "data", "precision",
)  # fmt: skip


def to_train(path: Path) -> dict[str, Any]:
    """Options of `inpaint train` by their names; tables, of `--set` and `--weights`, as mappings.

    `InputError` where the file is none of the two kinds.
    """
    if path.suffix != ".json":
        return _options(path)
    saved = read_configuration(path)
    if saved.get("transfer"):
        raise UsageError(f"{printable(path)}: a run of inpaint transfer, which --config does not begin again")
    asked = {name: saved[name] for name in ASKED if saved.get(name)}
    given = {name: value for name, value in saved["settings"].items() if value is not None}
    return {**asked, "set": given, "weights": saved.get("weights", {})}


def to_evaluate(path: Path) -> dict[str, Any]:
    """Options of `inpaint evaluate`; a run.json stands for its run, on its data, behind its masks."""
    if path.suffix != ".json":
        return _options(path)
    saved = read_configuration(path)
    return {"checkpoint": [str(path.parent)], "data": saved["data"], "masks": [saved["masks"]]}


def _options(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_whole(path, LARGEST).decode("utf-8"))
    except ValueError as error:
        raise InputError(f"{printable(path)}: not TOML ({error}); a run's own is called run.json") from None
