"""What does not go together in an evaluation, and names that do not exist: said before torch is imported."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import UsageError, unknown
from inpaint_cli.jobs.refusals import refuse_at_once, refuse_completer
from inpaint_cli.metrics import METRICS
from inpaint_cli.settings import Assignments

FOLDERS = "--completed FOLDER --originals FOLDER measures what other programs completed"
SEVERAL = ("all", "default")  # words for some of the metrics


def refuse_misuse(
    data: Path | str | None,
    masks: Sequence[str],
    own: Sequence[str],
    completed: bool,
    originals: Path | str | None,
    mask_folder: str | None,
    samples: int = 1,
) -> None:
    """`UsageError` for options that do not go together.

    own: systems of ours, as they were named; completed: whether others' images are measured.
    """
    if data is None:
        return _refuse_without_data(masks, own, completed, samples)
    if originals is not None:
        raise UsageError("--data and --originals both say what the original images are: give one of them")
    if not (own or completed):
        raise UsageError("give --checkpoint RUN|FILE|NAME, --method patch, which needs no training, or --completed")
    if mask_folder is not None and masks:
        raise UsageError("--masks and --mask-folder both say what is missing: give one of them")
    if own and not (masks or mask_folder):
        raise UsageError("give --masks SPEC, such as block:24: what is missing of each image")
    if completed and len(set(masks)) > 1:
        raise UsageError("a completed folder was made behind one kind of masks: give --masks once")
    return None


def _refuse_without_data(masks: Sequence[str], own: Sequence[str], completed: bool, samples: int) -> None:
    if own:
        raise UsageError(f"--data FILE.h5 is what {own[0]} completes: inpaint prepare folder makes one")
    if not completed:
        raise UsageError(f"give --data FILE.h5, which `inpaint prepare` writes; or {FOLDERS}")
    if masks:
        raise UsageError("--masks goes with --data; --mask-folder FOLDER says what was missing of images in files")
    if samples > 1:
        raise UsageError("--samples goes with --data: files hold one completion of each image")


def refuse_names(
    data: Path | None,
    split: str,
    masks: Sequence[str],
    methods: Sequence[str],
    checkpoints: Sequence[Path],
    metrics: Sequence[str],
    gpus: int,
    device: str,
    settings: Assignments = (),
) -> None:
    """All at once: methods, paths, masks, metrics and splits that there are not, and settings of a single system."""
    also = [partial(_refuse_unknown_metrics, metrics), *([partial(_refuse_no_split, data, split)] if data else [])]
    if len(methods) + len(checkpoints) == 1:
        checkpoint, method = next(iter(checkpoints), None), next(iter(methods), None)
        also.append(partial(refuse_completer, checkpoint, method, settings))
    refuse_at_once(
        methods, data, checkpoints, masks=masks, gpus=gpus, device=device, untrained=not checkpoints, also=also
    )


def _refuse_no_split(data: Path, split: str) -> None:
    PreparedFile(data).split(split)


def _refuse_unknown_metrics(named: Sequence[str]) -> None:
    for name in (name.strip() for text in named for name in text.split(",")):
        if name not in (*SEVERAL, *METRICS):
            raise UsageError(unknown("metric", name, METRICS))
