"""What can be refused before anything that computes is imported: names, paths, masks, the data's header, the machine.

Importing torch takes seconds, and a typing error is to be answered at once, with all that is wrong beside it. The jobs
themselves check everything.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from glob import has_magic
from pathlib import Path

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import EnvironmentFault, InpaintError, InputError, UsageError, printable, unknown
from inpaint_cli.jobs.declared import DEFAULT_METHOD, Declared, declared
from inpaint_cli.jobs.shipped import header_of
from inpaint_cli.masks import MaskProcess, grammar, parse_masks
from inpaint_cli.masks.arguments import MaskFile
from inpaint_cli.masks.folders import MaskFolder
from inpaint_cli.methods import method_names, refuse_unknown
from inpaint_cli.records.checkpoints import Header
from inpaint_cli.settings import (
    Assignments,
    assigned,
    changed_for_completion,
    make_settings,
)

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
            *(partial(refuse_masks, spec, data) for spec in masks),
        ]
    )


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


def refuse_unlearned(method: str) -> None:
    """`UsageError` for a method that completes with what it learned, where no checkpoint says what that is."""
    if declared(method).defaults is not None:
        raise UsageError(
            f"{method} completes with what it learned: give --checkpoint RUN|FILE|NAME "
            f"(inpaint train --method {method}, or inpaint models)"
        )


def refuse_untimed(method: str) -> None:
    """`UsageError` for a method that has no training steps to be timed."""
    if method in method_names() and declared(method).defaults is None:
        raise UsageError(f"{method} needs no training, and bench times training steps")


def refuse_no_encoder(checkpoint: Path | None, method: str | None, untrained: bool) -> None:
    """`UsageError` where no encoder is named, or one that has learned nothing and is not said to."""
    if checkpoint is None and method is None:
        raise UsageError("give --checkpoint RUN|FILE|NAME, whose encoder is used, or --method NAME --untrained")
    if checkpoint is None and not untrained:
        raise UsageError(
            f"--method {method} alone has learned nothing: give --checkpoint RUN|FILE|NAME "
            f"(inpaint train --method {method}), or --untrained for random weights"
        )


def refuse_bare_method(source: Path | str) -> None:
    """`UsageError` for a method in place of a run that is to be exported."""
    if not Path(source).exists() and str(source) in method_names():
        untrained = declared(str(source)).defaults is None
        reason = "needs no training: there is no network to export" if untrained else "is a method: give a run of it"
        raise UsageError(f"{source} {reason}")


def refuse_completer(checkpoint: Path | None, method: str | None, settings: Assignments) -> None:
    """What a method or a checkpoint cannot be, or cannot be set to, where it completes."""
    header = header_of(checkpoint) if checkpoint is not None else None
    if header is not None and method is not None:
        refuse_other_method(checkpoint, header, method)
    name, given = header.method if header is not None else method or DEFAULT_METHOD, assigned(settings)
    if given and name in method_names():
        kind = declared(name).settings_type
        make_settings(kind, given) if header is None else changed_for_completion(kind, header.settings, given)


def refuse_other_method(where: object, header: Header, method: str) -> None:
    """`InputError` for a checkpoint of another method than it was said to be."""
    if method != header.method:
        raise InputError(f"{printable(where)}: a checkpoint of {header.method}, not of {method}")


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


def refuse_masks(spec: str, data: Path | None, method: Declared | None = None) -> None:
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


def _refuse_absent(path: Path, option: str = "") -> None:
    if not path.exists() and not has_magic(str(path)):
        raise InputError(f"{option}{printable(path)}: no such file{'' if path.suffix else ' or folder'}")
