"""A run -> one slim checkpoint: what completion needs, in 16 bits where no one can see the difference, with a card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.checkpoints import (
    SLIM,
    Checkpoint,
    completion_weights,
    find_checkpoint,
    load_weights,
    read_checkpoint,
    write_checkpoint,
)
from inpaint_cli.engine.devices import Hardware, choose_hardware
from inpaint_cli.engine.outlines import refuse_misfits
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.engine.slimming import EXACT, KINDS, Rounded, Trial, keep_what_completes, rounded
from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.files import refuse_existing, refuse_inputs
from inpaint_cli.jobs.audience import Audience, Progress, heard_by, remarks
from inpaint_cli.jobs.cards import data_facts, figures_of
from inpaint_cli.jobs.loading import Loaded, loaded_from
from inpaint_cli.jobs.refusals import refuse_bare_method, refuse_other_method
from inpaint_cli.jobs.shipped import checkpoint_of
from inpaint_cli.masks import parse_masks
from inpaint_cli.records.checkpoints import HEADER

OF_THE_FILE = ("digest", "format")  # in a header: written anew
OF_THE_UNBLENDED = ("about", "made_from", "rounding", "figures")  # what is true of neither in a blend


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    card: dict[str, Any]  # as the header has it
    bytes: int
    bytes_before: int  # of the checkpoint that it was made from


def export(
    source: Path | str,
    output: Path | str,
    *,
    data: Path | str | None = None,
    about: str | None = None,
    results: Sequence[Path | str] = (),
    blend: tuple[Path | str, float] | None = None,
    images: int = 64,
    device: str = "auto",
    overwrite: bool = False,
    progress: Progress = None,
) -> Exported:
    """Write what completion needs of a run or checkpoint, and no more, as a checkpoint that completes like any other.

    data: what it was trained on, default the run's own: rounded weights are tried on it, and terms and number of images
        are taken from it; images: how many of it at most; about: what it is for and what not; results: what
        `evaluate(output=…)` wrote of it; blend: another model of the same networks, and the share of its weights in the
        average that is written (network interpolation, Wang et al. 2018): between one that was trained against a
        discriminator and the truer, softer one that it began with.
    What is exported once may be exported again, with another `about` or with `results` of what was exported.
    """
    refuse_bare_method(source)
    audience, output = heard_by(progress), Path(output)
    refuse_existing(output, overwrite)
    _refuse_unprintable(about)
    found = find_checkpoint(checkpoint_of(source))
    inputs = [source, data, *results, *(blend[:1] if blend else ())]
    refuse_inputs([output], [found.path, *(Path(path) for path in inputs if path is not None)])
    before = found.path.stat().st_size
    hardware = choose_hardware(device, "fp32")
    loaded = loaded_from(found, None, {}, hardware)
    if blend is not None:
        found = _blended(found, loaded, *blend, results)
    said = found.header.plain()
    figures = figures_of(_digests(found), results) if results else said.get("figures")
    prepared = _training_data(found, Path(source), data, audience)
    slim = _slim(found, loaded, prepared, images, hardware, audience)
    header = {
        **{name: value for name, value in said.items() if name not in OF_THE_FILE},
        **SLIM,
        "made_from": None if blend else found.header.made_from or found.digest,
        "about": about if about is not None else found.header.about,
        "data": said.get("data") if prepared is None else data_facts(prepared),
        "rounding": slim.facts,
        "figures": figures,
    }
    tensors = {f"model/{name}": weight for name, weight in slim.weights.items()}
    write_checkpoint(output, tensors, {name: value for name, value in header.items() if value is not None})
    return Exported(output, read_checkpoint(output).header.plain(), output.stat().st_size, before)


def _digests(found: Checkpoint) -> list[str]:
    """Under which results may name these weights: their own, and that of what they were made from."""
    return [found.digest, *([found.header.made_from] if found.header.made_from else [])]


def _refuse_unprintable(about: str | None) -> None:
    try:
        (about or "").encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("--about: the text is not in UTF-8, as the terminal hands it over") from None


# ---- the data --------------------------------------------------------------------------------------------------------


def _training_data(
    found: Checkpoint, source: Path, given: Path | str | None, audience: Audience
) -> PreparedFile | None:
    """The prepared file of the training: the one that was named, else the one of run.json where that is at hand."""
    if given is not None:
        return _of_the_training(found, Path(given))
    if found.slim:
        return None
    try:
        return _of_the_training(found, _data_of_the_run(found, source))
    except InputError as problem:
        audience.note(f"{problem}; weights stay {EXACT}, since rounded ones cannot be tried: give --data FILE.h5")
        return None


def _data_of_the_run(found: Checkpoint, source: Path) -> Path:
    run = RunDirectory(source if source.is_dir() else found.path.parent.parent)
    if not run.configuration.exists():
        raise InputError(f"{found.path}: no run.json says where the data of its training is")
    return Path(run.read_configuration()["data"])


def _of_the_training(found: Checkpoint, path: Path) -> PreparedFile:
    prepared = PreparedFile(path)
    if prepared.identity != found.header.data_identity:
        raise InputError(
            f"{path}: other data than {found.path} was trained on (identity {prepared.identity[:16]}, not "
            f"{found.header.data_identity[:16]})"
        )
    return prepared


# ---- the weights of two ----------------------------------------------------------------------------------------------


def _blended(
    found: Checkpoint, loaded: Loaded, named: Path | str, share: float, results: Sequence[Path | str]
) -> Checkpoint:
    """What completes of both, averaged; the method that is loaded completes with it, too."""
    if results:
        raise UsageError(
            "no results are of a blend before it is made: export it, evaluate it, export it again with them"
        )
    if not 0 < share < 1:
        raise UsageError(f"the share of {printable(named)} in the blend has to be between 0 and 1, not {share:g}")
    other = find_checkpoint(checkpoint_of(named))
    refuse_other_method(other.path, other.header, found.header.method)
    names = keep_what_completes(loaded.method).state_dict()
    own, theirs = completion_weights(found), completion_weights(other)
    refuse_misfits({name: own[name] for name in names}, {n: theirs[n] for n in names if n in theirs}, other.path)
    average = {
        name: own[name].float().lerp(theirs[name].float(), share) if own[name].is_floating_point() else own[name]
        for name in names
    }
    load_weights(loaded.method, average, found.path)
    said = {name: value for name, value in found.header.plain().items() if name not in OF_THE_UNBLENDED}
    blended = {"first": found.digest, "second": other.digest, "share": share}
    header = HEADER.validate_python({**said, "blended": blended})
    return Checkpoint(found.path, header, {f"model/{name}": weight for name, weight in average.items()})


# ---- the weights -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slim:
    """Weights as they are written, by name, and what the card says of their rounding."""

    weights: Mapping[str, Any]
    facts: dict[str, Any]


def _slim(
    found: Checkpoint,
    loaded: Loaded,
    prepared: PreparedFile | None,
    images: int,
    hardware: Hardware,
    audience: Audience,
) -> Slim:
    """The networks that complete, averaged weights in place. What was rounded before stays as it is."""
    whole = completion_weights(found)
    weights = {name: whole[name] for name in keep_what_completes(loaded.method).state_dict()}
    known = found.header.plain().get("rounding", {"weights": EXACT, "changes": {}})
    if known["weights"] in KINDS or prepared is None:
        return Slim(weights, known)
    split = prepared.split("validation" if "validation" in prepared.splits else "train")
    try:
        masks = parse_masks(found.header.masks).of(split)
        masks.check(prepared.shape)
    except InputError as problem:  # masks from files that are out of reach
        audience.note(f"{problem}; weights stay {EXACT}, since rounded ones cannot be tried without those masks")
        return Slim(weights, known)
    trial = Trial(split, min(images, len(split)), masks, hardware, found.header.seed)
    with audience.progress("rounding") as advance, remarks(audience.note):
        result = rounded(loaded.method, weights, trial, advance)
    return Slim(result.weights, _facts(result, trial))


def _facts(result: Rounded, trial: Trial) -> dict[str, Any]:
    return {
        "weights": result.kind,
        "changes": result.changes,
        "images": trial.images,
        "split": trial.split.name,
        "masks": trial.masks.spec,
    }
