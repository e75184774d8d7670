"""What can be refused before anything that computes is imported: names, paths, masks, the data's header, the machine.

Importing torch takes seconds, and a typing error is to be answered at once, with all that is wrong beside it. The jobs
themselves check everything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from glob import has_magic
from pathlib import Path
from typing import Any

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import EnvironmentFault, InpaintError, InputError, UsageError, printable, unknown
from inpaint_cli.jobs.declared import Declared, declared
from inpaint_cli.jobs.run_list import CONFIGURATION
from inpaint_cli.jobs.shipped import header_of
from inpaint_cli.jobs.training.logs import refuse_logs
from inpaint_cli.masks import MaskProcess, grammar, parse_masks
from inpaint_cli.masks.arguments import MaskFile
from inpaint_cli.masks.folders import MaskFolder
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

Check = Callable[[], object]
DEVICES = ("auto", "cpu", "cuda")
# In /dev, of NVIDIA's drivers, of a Jetson's, of Windows' and of AMD's: where none of them is, there is no GPU.
DRIVERS = ("nvidiactl", "nvidia0", "nvhost-ctrl-gpu", "dxg", "kfd")


class Several(InpaintError):
    """More than one thing is wrong. The exit code is that of the first."""

    def __init__(self, problems: list[InpaintError]):
        texts = sorted(map(str, problems), key=lambda text: "\n" in text)  # what has a table below it comes last
        super().__init__("\n".join([f"{len(problems)} things are wrong", *(f"- {text}" for text in texts)]))
        self.exit_code = problems[0].exit_code


def refuse(checks: Iterable[Check]) -> None:
    """Run all of them; raise what the one raises that fails, or `Several`."""
    problems = list({str(problem): problem for problem in _problems(checks)}.values())  # each once
    if problems:
        raise problems[0] if len(problems) == 1 else Several(problems)


def _problems(checks: Iterable[Check]) -> list[InpaintError]:
    found = []
    for check in checks:
        try:
            check()
        except InpaintError as problem:
            found.append(problem)
    return found


def refuse_at_once(
    methods: Iterable[str] = (),
    data: Path | None = None,
    checkpoints: Iterable[Path] = (),
    paths: Iterable[Path] = (),
    mask: Path | None = None,
    masks: Iterable[str] = (),
    gpus: int = 1,
    device: str = "auto",
    untrained: bool = False,
    also: Iterable[Check] = (),
) -> None:
    """Of the names and paths that a command was given, whatever cannot be.

    data: a prepared file, if one was given; checkpoints: runs, files or models' names; paths: of what is to be read,
    globs among them; mask: a file that was given as one; masks: specifications; gpus, device: what is to compute;
    untrained: the methods have to complete without a checkpoint; also: further checks.
    """
    refuse(
        [
            *(partial(refuse_unlearned if untrained else refuse_unknown, name) for name in methods),
            partial(refuse_machine, gpus, device),
            *([partial(PreparedFile, data)] if data is not None else []),
            *(partial(header_of, path) for path in checkpoints),
            *(partial(_refuse_absent, path) for path in paths),
            *([partial(_refuse_absent, mask, "--mask ")] if mask is not None else []),
            *also,
            *(partial(_refuse_masks, spec, data) for spec in masks),
        ]
    )


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
    if own and chosen and own.defaults and data is None and not resume:
        checks.append(partial(_refuse_without_data, own.defaults["recipe"], chosen))
        here = Path(f"{own.defaults['recipe']}.h5")
        data = here if here.exists() else None
    if data is not None:
        checks.append(partial(PreparedFile, data))
    if outdir is not None and (outdir / CONFIGURATION).exists() and not (resume or overwrite):
        checks.append(partial(refuse_run, outdir))
    if start_from is not None:
        checks.append(partial(_refuse_start, start_from, method))
    if logs:
        checks.append(partial(refuse_logs, logs))
    if masks is not None:
        checks.append(partial(_refuse_masks, masks, data, own))
    elif own and own.defaults and data and not resume:
        checks.append(partial(_refuse_usual_masks, own.defaults["masks"], data, own))
    if chosen and data and not resume:
        checks.append(partial(_refuse_missing_labels, data, chosen))
    if not resume:
        checks.append(partial(refuse_validation, validate_every, patience, data))
    if chosen and not resume:
        checks.append(partial(_refuse_missing_weights, weights, chosen))
    refuse(checks)


def refuse_machine(gpus: int, device: str) -> None:
    """`UsageError` for no device; `EnvironmentFault` for GPUs where no driver of any is there: torch counts them."""
    if device not in DEVICES:
        raise UsageError(unknown("device", device, DEVICES))
    if device == "cuda" and not _has_gpu():
        raise EnvironmentFault("--device cuda: there is no usable NVIDIA GPU here; --device cpu works everywhere")
    if gpus > 1 and device != "cpu" and not _has_gpu():
        raise EnvironmentFault(f"--gpus {gpus}: this machine has 0 GPUs; --device cpu runs {gpus} CPU processes")


def _has_gpu() -> bool:
    return any((Path("/dev") / name).exists() for name in DRIVERS)


def refuse_untrained(method: str) -> None:
    """`UsageError` for a method that needs no training."""
    if declared(method).defaults is None:
        raise UsageError(
            f"{method} needs no training: inpaint complete --method {method}, inpaint evaluate --method {method}"
        )


def refuse_unlearned(method: str) -> None:
    """`UsageError` for a method that completes with what it learned, where no checkpoint says what that is."""
    if declared(method).defaults is not None:
        raise UsageError(
            f"{method} completes with what it learned: give --checkpoint RUN|FILE|NAME "
            f"(inpaint train --method {method}, or inpaint models)"
        )


def refuse_run(path: Path) -> None:
    """`UsageError` for a run that is there, where nobody said what becomes of it."""
    raise UsageError(f"{path} holds a run already: --resume goes on with it, --overwrite begins anew")


def refuse_single_channels(method: str, per_channel: bool, masks: MaskProcess) -> None:
    """`UsageError` where masks differ from channel to channel and the method takes one for all.

    per_channel: whether it takes such masks.
    """
    if masks.per_channel and not per_channel:
        able = [other for other in method_names() if declared(other).per_channel]
        hiding = " and ".join(part.spec for part in masks.parts if part.per_channel)
        raise UsageError(
            f"{method} completes pixels that are missing whole, and {hiding} hides single channels, which only "
            f"{', '.join(able)} can do\n{grammar()}"
        )


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


def _refuse_masks(spec: str, data: Path | None, method: Declared | None = None) -> None:
    """What is no specification, names files that are not there, or fits neither the data nor the method."""
    process = parse_masks(spec)
    taken = [argument for part in process.parts for argument in part.arguments]
    for source in taken:
        if isinstance(source, MaskFile | MaskFolder):
            _refuse_absent(Path(source.path), "--masks ")
    if method:
        refuse_single_channels(method.name, method.per_channel, process)
    drawn = process.without_files
    if drawn is not None and data is not None:
        with suppress(InputError):  # which is said of the data
            drawn.check(PreparedFile(data).shape)


def _refuse_usual_masks(spec: str, data: Path, method: Declared) -> None:
    """Those of the method's paper, which are taken where the data does not say itself what is missing."""
    with suppress(InputError):  # which is said of the data
        if PreparedFile(data).observed is not None:
            return
    try:
        _refuse_masks(spec, data, method)
    except UsageError as problem:
        raise UsageError(f"{problem}: {spec} are the paper's masks, --masks names others") from None


def _refuse_absent(path: Path, option: str = "") -> None:
    if not path.exists() and not has_magic(str(path)):
        raise InputError(f"{option}{printable(path)}: no such file{'' if path.suffix else ' or folder'}")
