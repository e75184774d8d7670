"""Models that come with the package, and what `--checkpoint` may name: a run, a file, or one of them."""

from pathlib import Path
from typing import Any, NamedTuple

from inpaint_cli.errors import InputError, printable, unknown
from inpaint_cli.records.checkpoints import Header, best_or_newest, read_header

FOLDER = Path(__file__).parents[1] / "shipped"
ENDING = ".safetensors"
AUTO = "auto"  # the method of photos that hands holes on faces to one of them
FACES = "faces"  # that one


class ModelEntry(NamedTuple):
    """One model that comes with the package, or a checkpoint of the user's own."""

    name: str  # that `--checkpoint` and `load` take
    path: Path
    bytes: int  # on disk
    card: dict[str, Any]  # what its checkpoint says of itself


def model_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob(f"*{ENDING}"))


def models() -> list[ModelEntry]:
    """Every model that comes with the package, by name; each is read and its digest compared."""
    return [_entry(name, FOLDER / f"{name}{ENDING}") for name in model_names()]


def named(text: Path | str) -> ModelEntry:
    """What `checkpoint_of` finds under a name, read and verified."""
    return _entry(printable(text), checkpoint_of(text))


def _entry(name: str, path: Path) -> ModelEntry:
    from inpaint_cli.engine.checkpoints import find_checkpoint  # torch, which names do without

    found = find_checkpoint(path)
    return ModelEntry(name, found.path, found.path.stat().st_size, found.header.plain())


def checkpoint_of(named: Path | str) -> Path:
    """The run directory or file that a user means: what exists under this name, else the model of this name.

    `InputError` for a name that is neither; a path with folders that does not exist is given back as it is.
    """
    path, names = Path(named), model_names()
    if path.exists() or path.name != str(path):
        return path
    if path.name in names:
        return FOLDER / f"{path.name}{ENDING}"
    models = unknown("model", printable(path), names) if names else "no models come with this version of inpaint"
    raise InputError(f"{printable(path)}: no such file or run, and {models}")


def header_of(named: Path | str) -> Header:
    """What the checkpoint says of itself that a user means; its weights are neither read nor verified."""
    path = checkpoint_of(named)
    if not path.exists():
        raise InputError(f"{printable(named)}: no such file or run")
    return best_or_newest(path, read_header)[0] if path.is_dir() else read_header(path)
