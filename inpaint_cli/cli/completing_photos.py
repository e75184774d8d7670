"""Photos through a loaded method, one after the other or shared by several processes; one failure stops no other."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import typer

from inpaint_cli.cli.annotating import Asked, annotate, plan_annotations, refuse_unread, refuse_unsaid
from inpaint_cli.cli.masking import Hole, MaskOptions, check_mask, find_hole
from inpaint_cli.cli.pairing import Job, check_outputs, shown
from inpaint_cli.cli.progress import progress_bar
from inpaint_cli.cli.referring import read_reference, refuse_reference
from inpaint_cli.cli.remarks import remarks
from inpaint_cli.errors import EnvironmentFault, InpaintError, InputError, UsageError, is_out_of_memory, out_of_memory


@dataclass(frozen=True)
class PhotoOptions:
    """What holds for every photo."""

    masks: MaskOptions
    samples: int = 1
    source_mask: Path | None = None
    reference: Path | None = None
    quality: int | None = None
    framing: Any = None
    page: Path | None = None
    page_pixels: int = 0  # of each photo, that the page has room for
    overwrite: bool = False
    skip_existing: bool = False
    asked: Asked = field(default_factory=Asked)  # what is written about each photo


@dataclass
class Result:
    """What became of one photo, as --json reports it."""

    input: str
    mask: str | None
    outputs: list[str]
    status: str = "completed"  # or skipped, failed
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    error: str | None = None


@dataclass
class Outcome:
    """A result with what does not reach --json."""

    place: int  # of the photo among all
    result: Result
    exit_code: int = 0
    figure: Any = None  # of the page


def framing_of(context: float | None, blend: str | None) -> Any:
    """How windows are laid and pasted, or None where nothing was asked for."""
    from inpaint_cli.engine.framing import Framing

    given = {name: value for name, value in (("context", context), ("blend", blend)) if value is not None}
    return Framing(**given) if given else None


def complete_photos(
    photos: Sequence[Path],
    mask: str | None,
    output: str | None,
    options: PhotoOptions,
    load: Callable[[Any], Any],
    hardware: Any,
    team: Any,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Complete all photos, write, report. `load(shape)` gives the method (cli.assembly.Loaded)."""
    from inpaint_cli.files import refuse_existing
    from inpaint_cli.method import ImageShape
    from inpaint_cli.reports.page import pixels_each

    if options.overwrite and options.skip_existing:
        raise UsageError("--overwrite replaces what exists and --skip-existing leaves it: give one of them")
    check_mask(mask)
    loaded = load(ImageShape(3, 1, 1))  # methods without a checkpoint take any size
    _refuse_what_the_method_does_not_read(loaded, options, mask)
    jobs = plan_annotations(photos, mask, output, options.asked, loaded, options.samples)
    check_outputs(jobs, options.overwrite, options.skip_existing)
    _refuse_unread_quality(jobs, options)
    if options.page is not None:
        refuse_existing(options.page / "index.html", options.overwrite)
        options = replace(options, page_pixels=pixels_each(len(jobs)))
    team.wait()  # until every process has seen which files exist
    outcomes = complete_jobs(jobs, options, loaded, hardware, team, quiet)
    if team.leads:
        if options.page is not None:
            _write_page(outcomes, options)
        report(outcomes, loaded, options, as_json, quiet)
    refuse_failures(outcomes)


def _refuse_unread_quality(jobs: Sequence[Job], options: PhotoOptions) -> None:
    from inpaint_cli.imaging.photos import output_format

    if options.quality is not None and not any(output_format(path).has_quality for job in jobs for path in job.outputs):
        raise UsageError("--quality is for JPEG and WebP files; the others keep every pixel as it is")


def _refuse_what_the_method_does_not_read(loaded: Any, options: PhotoOptions, mask: str | None) -> None:
    refuse_unsaid(loaded, options.asked, mask)
    refuse_unread(loaded, options, mask)
    refuse_reference(loaded, options.reference)
    if options.source_mask is not None and not loaded.method.takes_sources:
        raise UsageError(f"--source-mask: {loaded.name} copies nothing from the photo; --method patch does")
    if options.framing is not None and loaded.method.any_size:
        raise UsageError(f"--context and --blend are for methods of a fixed size; {loaded.name} takes any size")


def complete_jobs(
    jobs: Sequence[Job], options: PhotoOptions, loaded: Any, hardware: Any, team: Any, quiet: bool
) -> list[Outcome]:
    """Every process completes its share; all outcomes, in the order of the photos, are known to all afterwards."""
    own = list(enumerate(jobs))[team.rank :: team.size]
    outcomes = []
    with progress_bar("complete", len(own) if len(own) > 1 else None, quiet or not team.leads) as advance:
        within = advance if len(own) == 1 else lambda done, total: None
        for done, (place, job) in enumerate(own, start=1):
            outcomes.append(_attempt(place, job, options, loaded, hardware, within))
            if len(own) > 1:
                advance(done)
    gathered = [outcome for share in team.gather(outcomes) for outcome in share]
    return sorted(gathered, key=lambda outcome: outcome.place)


def _attempt(
    place: int, job: Job, options: PhotoOptions, loaded: Any, hardware: Any, progress: Callable[[int, int], None]
) -> Outcome:
    result = Result(str(job.photo), None if job.mask is None else str(job.mask), [str(path) for path in job.files])
    if options.skip_existing and all(path.exists() for path in job.files):
        result.status = "skipped"
        return Outcome(place, result)
    start = time.monotonic()
    try:
        figure = _complete(job, options, loaded, hardware, result, progress)
        return Outcome(place, result, figure=figure)
    except (InpaintError, OSError, RuntimeError, MemoryError) as error:
        result.error, code = _reason(error)
        result.status = "failed"
        return Outcome(place, result, exit_code=code)
    finally:
        result.seconds = round(time.monotonic() - start, 3)


def _reason(error: Exception) -> tuple[str, int]:
    if isinstance(error, InpaintError):
        return str(error), error.exit_code
    if is_out_of_memory(error):
        return f"{out_of_memory(error)} for a photo of this size", EnvironmentFault.exit_code
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.filename or 'the disk'}: {error.strerror}", EnvironmentFault.exit_code
    raise error


def _complete(
    job: Job,
    options: PhotoOptions,
    loaded: Any,
    hardware: Any,
    result: Result,
    progress: Callable[[int, int], None],
) -> Any:
    """Read, complete or label, write; returns the photo's figure for the page."""
    from inpaint_cli.imaging.photos import read_photo

    photo = read_photo(job.photo)
    result.notes += photo.notes
    if job.problem:
        raise job.problem
    hole = find_hole(photo, job.photo.name, job.mask, options.masks)
    result.notes += hole.notes
    if job.outputs:
        with remarks(result.notes.append):
            return _fill(job, photo, hole, options, loaded, hardware, result, progress)
    result.notes += annotate(job, photo, photo.pixels, hole.pixels, options, loaded, hardware)
    return None


def _fill(
    job: Job,
    photo: Any,
    hole: Hole,
    options: PhotoOptions,
    loaded: Any,
    hardware: Any,
    result: Result,
    progress: Callable[[int, int], None],
) -> Any:
    """Complete and write; returns the photo's figure for the page."""
    from inpaint_cli.engine.completing import complete_photo
    from inpaint_cli.imaging.holes import dilated, faded, read_sources
    from inpaint_cli.imaging.photos import write_photo

    sources = None if options.source_mask is None else read_sources(options.source_mask, photo.size)
    feather = options.masks.feather
    completed = complete_photo(
        loaded.method,
        photo.pixels,
        dilated(hole.pixels, feather),
        hardware,
        samples=options.samples,
        seed=options.masks.seed,
        sources=sources,
        invisible=None if photo.alpha is None or photo.alpha.all() else photo.alpha == 0,
        framing=options.framing,
        reference=read_reference(options.reference, photo, job.photo.name, hole.pixels),
        progress=progress,
    )
    if feather:
        completed = faded(photo.pixels, completed, hole.pixels, feather)
    if options.samples > 1 and (completed == completed[0]).all():
        result.notes.append(f"all samples are the same: this {loaded.name} knows one completion of this hole")
    result.notes += _note_of_kind(job)
    written = _made_opaque(photo, hole) if hole.makes_opaque else photo
    for path, pixels in zip(job.outputs, completed, strict=True):
        if not (options.skip_existing and path.exists()):
            result.notes += write_photo(written, pixels, path, options.overwrite, options.quality)
    if job.annotations:
        result.notes += annotate(job, photo, completed[0], hole.pixels, options, loaded, hardware)
    result.notes = list(dict.fromkeys(result.notes))
    return None if options.page is None else _drawn(job, options, loaded, photo, hole, completed)


def _note_of_kind(job: Job) -> list[str]:
    from inpaint_cli.imaging.photos import FORMATS

    kind, written = job.photo.suffix.lower(), job.outputs[0].suffix.lower()
    if kind in FORMATS or written != ".png":
        return []
    return [f"{kind or 'such'} files are not written: the result is a PNG"]


def _made_opaque(photo: Any, hole: Hole) -> Any:
    """The photo with what was its transparent part as opaque as the rest."""
    import numpy as np

    alpha = np.where(hole.pixels, np.iinfo(photo.alpha.dtype).max, photo.alpha).astype(photo.alpha.dtype)
    return replace(photo, alpha=None if (alpha == np.iinfo(alpha.dtype).max).all() else alpha)


def _drawn(job: Job, options: PhotoOptions, loaded: Any, photo: Any, hole: Hole, completed: Any) -> Any:
    """The photo's part of the page, drawn where its pixels are: a page of many keeps no more of them."""
    import numpy as np

    from inpaint_cli.imaging.deep import to_eight_bits
    from inpaint_cli.reports.page import Completed, draw

    where, settings = np.atleast_3d(hole.pixels).any(axis=2), _settings_of(job, options, loaded)
    entry = Completed(job.photo.name, to_eight_bits(photo.pixels), where, to_eight_bits(completed), settings)
    return draw(entry, options.page_pixels)


def _settings_of(job: Job, options: PhotoOptions, loaded: Any) -> dict[str, str]:
    """All that made the completion: of the command line what was given, of the method every setting."""
    from inpaint_cli.engine.framing import Framing
    from inpaint_cli.settings import settings_values

    asked = {
        "method": loaded.name,
        "checkpoint": loaded.digest and f"{loaded.digest[:12]}, step {loaded.step}",
        "mask": job.mask,
        "inverted": options.masks.invert,
        "dilated": options.masks.dilate and f"{options.masks.dilate} pixels",
        "feathered": options.masks.feather and f"{options.masks.feather} pixels",
        "sources": options.source_mask,
        "reference": options.reference,
        "seed": str(options.masks.seed),
    }
    given = {name: value for name, value in asked.items() if value}
    framing = {} if loaded.method.any_size else asdict(options.framing or Framing())
    used = given | framing | settings_values(loaded.method.settings)
    return {name: shown(value) for name, value in used.items()}


def _write_page(outcomes: Sequence[Outcome], options: PhotoOptions) -> None:
    from inpaint_cli.reports.page import write_page

    figures = [outcome.figure for outcome in outcomes if outcome.figure is not None]
    if figures:
        write_page(options.page, figures, options.overwrite)


def report(outcomes: Sequence[Outcome], loaded: Any, options: PhotoOptions, as_json: bool, quiet: bool) -> None:
    """Paths, or one JSON document, on stdout; notes on stderr."""
    results = [outcome.result for outcome in outcomes]
    if as_json:
        checkpoint = None if loaded.digest is None else {"digest": loaded.digest, "step": loaded.step}
        heading = {
            "method": loaded.name,
            "checkpoint": checkpoint,
            "seed": options.masks.seed,
            "notes": list(loaded.notes),
        }
        typer.echo(json.dumps({**heading, "results": [asdict(result) for result in results]}, indent=2))
    else:
        for result in results:
            for path in result.outputs if result.status == "completed" else []:
                typer.echo(path)
    if quiet:
        return
    for note in loaded.notes:
        typer.echo(f"note: {note}", err=True)
    for result in results:
        prefix = f"{shown(result.input)}: " if len(results) > 1 else ""
        for note in [*result.notes, *(["exists already: skipped"] if result.status == "skipped" else [])]:
            typer.echo(f"note: {prefix}{note}", err=True)


def refuse_failures(outcomes: Sequence[Outcome]) -> None:
    """One photo's failure is the command's own; of several a list, exit 3."""
    failed = [outcome for outcome in outcomes if outcome.result.error]
    if not failed:
        return
    if len(outcomes) == 1:
        error = InpaintError(failed[0].result.error)
        error.exit_code = failed[0].exit_code
        raise error
    reasons = "".join(f"\n  {_named(outcome.result)}" for outcome in failed)
    raise InputError(f"{len(failed)} of {len(outcomes)} photos could not be completed:{reasons}")


def _named(result: Result) -> str:
    name = shown(result.input)
    return result.error if name in result.error else f"{name}: {result.error}"
