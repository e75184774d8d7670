"""A training that cannot be is refused before torch is imported: its options, data, labels, weights and place."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import InputError, UsageError, printable
from inpaint_cli.files import refuse_file
from inpaint_cli.jobs.declared import Declared, declared
from inpaint_cli.jobs.refusals import Check, refuse, refuse_machine, refuse_masks
from inpaint_cli.jobs.run_list import CONFIGURATION, RUNS
from inpaint_cli.jobs.shipped import header_of
from inpaint_cli.jobs.training.logs import refuse_logs
from inpaint_cli.methods import method_names, refuse_unknown
from inpaint_cli.records.checkpoints import Header
from inpaint_cli.settings import (
    AnySettings,
    Assignments,
    HelperSettings,
    LabelSettings,
    assigned,
    make_settings,
    recalled,
)
from inpaint_cli.weight_files import SOURCES, TRAINED_HELPERS, parse_weights, refuse_absent


def refuse_training(
    method: str,
    data: Path | None,
    masks: str | None = None,
    settings: Assignments = (),
    gpus: int = 1,
    device: str = "auto",
    *,
    resume: bool = False,
    overwrite: bool = False,
    outdir: Path | None = None,
    start_from: Path | None = None,
    weights: Assignments = (),
    validate_every: int | None = None,
    patience: int | None = None,
    logs: Sequence[str] = (),
) -> None:
    """Of a training, whatever cannot be. A resumed one has its data, masks and settings from its run."""
    checks: list[Check] = [partial(refuse_unknown, method), partial(refuse_machine, gpus, device)]
    own = declared(method) if method in method_names() else None
    chosen = partial(_settings, own, settings, start_from) if own else None
    if chosen:
        checks += [partial(refuse_untrained, method), chosen]
    if own and chosen and own.defaults and data is None and not (resume and _goes_on(outdir, method)):
        checks.append(partial(_refuse_without_data, own.defaults["recipe"], chosen))
        here = Path(f"{own.defaults['recipe']}.h5")
        data = here if here.exists() else None
    if data is not None:
        checks.append(partial(PreparedFile, data))
    if outdir is not None:
        checks.append(partial(refuse_file, outdir, "--outdir"))
    if outdir is not None and (outdir / CONFIGURATION).exists() and not (resume or overwrite):
        checks.append(partial(refuse_run, outdir))
    if start_from is not None:
        checks.append(partial(_refuse_start, start_from, method))
    if logs:
        checks.append(partial(refuse_logs, logs))
    if masks is not None:
        checks.append(partial(refuse_masks, masks, data, own))
    elif own and own.defaults and data and not resume:
        checks.append(partial(_refuse_usual_masks, own.defaults["masks"], data, own))
    if chosen and data and not resume:
        checks.append(partial(_refuse_missing_labels, data, chosen))
    if not resume:
        checks.append(partial(refuse_validation, validate_every, patience, data))
    if chosen and not resume:
        checks.append(partial(_refuse_missing_weights, weights, chosen))
    refuse(checks)


def _goes_on(outdir: Path | None, method: str) -> bool:
    """Whether a run is there that says what its data is."""
    places = [outdir] if outdir is not None else RUNS.glob(f"{method}*")
    return any((place / name).exists() for place in places for name in (CONFIGURATION, "checkpoints"))


def refuse_untrained(method: str) -> None:
    """`UsageError` for a method that needs no training."""
    if declared(method).defaults is None:
        raise UsageError(
            f"{method} needs no training: inpaint complete --method {method}, inpaint evaluate --method {method}"
        )


def refuse_run(path: Path) -> None:
    """`UsageError` for a run that is there, where nobody said what becomes of it."""
    raise UsageError(f"{path} holds a run already: --resume goes on with it, --overwrite begins anew")


def data_path(given: Path | str | None, recipe: str, labels: Iterable[str] = ()) -> Path:
    """The prepared file: what was given, or the recipe's here; `UsageError` where there is none.

    labels: that are learned from, to be named where the data is.
    """
    path = Path(given or f"{recipe}.h5")
    if given is None and not path.exists():
        needed = f", with labels: {' and '.join(labels)}" if labels else ""
        raise UsageError(
            f"give --data FILE.h5, which `inpaint prepare` writes{needed}; without it {path} is looked for here "
            f"(the paper's data: inpaint prepare {recipe} --source FOLDER -o {path})"
        )
    return path


def _settings(method: Declared, given: Assignments, start_from: Path | None) -> AnySettings:
    """Those of a training: what was given, and the rest as where it begins."""
    kept: Mapping[str, Any] = {}
    if start_from is not None:
        with suppress(InputError):  # which is said of --start-from
            header = header_of(start_from)
            refuse_start(start_from, header, method.name)
            kept = recalled(method.settings_type, header.settings)
    return make_settings(method.settings_type, {**kept, **assigned(given)})


def _refuse_without_data(recipe: str, settings: Callable[[], AnySettings]) -> None:
    """Where the paper's data is not here; the labels are named that it needs."""
    labels: tuple[str, ...] = ()
    with suppress(UsageError):  # which is said of the settings
        chosen = settings()
        labels = chosen.learned_labels if isinstance(chosen, LabelSettings) else ()
    data_path(None, recipe, labels)


def _refuse_missing_labels(data: Path, settings: Callable[[], AnySettings]) -> None:
    with suppress(UsageError):  # which is said of the settings
        chosen = settings()
        if isinstance(chosen, LabelSettings):
            chosen.check_labels(PreparedFile(data).labels)


def _refuse_missing_weights(given: Assignments, settings: Callable[[], AnySettings]) -> None:
    """Files of frozen networks that the losses look through."""
    named = parse_weights(given, TRAINED_HELPERS)
    with suppress(UsageError):  # which is said of the settings
        chosen = settings()
        for name in chosen.needed_helpers if isinstance(chosen, HelperSettings) else ():
            if name in SOURCES:
                refuse_absent(name, named.get(name))


def refuse_validation(validate_every: int | None, patience: int | None, data: Path | None) -> None:
    """What is asked of validations that there are not."""
    if patience and not validate_every:
        raise UsageError("--patience counts validations: give --validate-every STEPS")
    if validate_every and data is not None and "validation" not in PreparedFile(data).splits:
        raise InputError(f"{printable(data)} has no validation split, which --validate-every looks at")


def refuse_start(named: Path | str, header: Header, method: str) -> None:
    """`InputError` for what `--start-from` names, where it is not of this method."""
    if header.transfer is not None or header.method != method:
        kind = f"a transfer of {header.method}" if header.transfer is not None else header.method
        raise InputError(f"--start-from {printable(named)}: a checkpoint of {kind}, not of {method}")


def _refuse_start(named: Path, method: str) -> None:
    refuse_start(named, header_of(named), method)


def _refuse_usual_masks(spec: str, data: Path, method: Declared) -> None:
    """Those of the method's paper, which are taken where the data does not say itself what is missing."""
    with suppress(InputError):  # which is said of the data
        if PreparedFile(data).observed is not None:
            return
    try:
        refuse_masks(spec, data, method)
    except UsageError as problem:
        raise UsageError(f"{problem}: {spec} are the paper's masks, --masks names others") from None
