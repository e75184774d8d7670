"""Photos through a loaded method, one after the other or shared by several processes; one failure stops no other."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.framing import Framing
from inpaint_cli.engine.processes import Team
from inpaint_cli.errors import EnvironmentFault, InpaintError, InputError, UsageError, is_out_of_memory, out_of_memory
from inpaint_cli.files import refuse_existing, replacing
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.deep import to_eight_bits
from inpaint_cli.imaging.limits import most_pixels
from inpaint_cli.imaging.mask_files import read_sources
from inpaint_cli.imaging.photos import FORMATS, Photo, output_format, read_photo
from inpaint_cli.imaging.writing import write_photo
from inpaint_cli.jobs.audience import Audience, Progress, heard_by, remarks
from inpaint_cli.jobs.loading import Loaded
from inpaint_cli.jobs.photos.annotating import annotate, plan_annotations, refuse_unread, refuse_unsaid
from inpaint_cli.jobs.photos.choosing import load_for_photos
from inpaint_cli.jobs.photos.filling import Within, fill, fill_pages, made_opaque
from inpaint_cli.jobs.photos.finding import Found, find_photos
from inpaint_cli.jobs.photos.holes import Hole, MaskOptions, check_mask, find_hole, refuse_mask_among_photos
from inpaint_cli.jobs.photos.options import (
    EVERY_PAGE,
    UNCERTAINTY,
    Asked,
    Outcome,
    PhotoOptions,
    Result,
    check_pages,
    framing_of,
)
from inpaint_cli.jobs.photos.pairing import PhotoJob, check_outputs
from inpaint_cli.jobs.photos.pictures import name_of, page_of
from inpaint_cli.jobs.photos.references import read_reference, refuse_reference
from inpaint_cli.jobs.teams import joined
from inpaint_cli.reports.page import Completed, Figure, draw, pixels_each, write_page
from inpaint_cli.reports.terms import time_words
from inpaint_cli.reports.uncertainty import uncertainty_drawn
from inpaint_cli.settings import Assignments, describe, settings_values


@dataclass(frozen=True)
class PhotosCompleted:
    """What became of all photos, in their order."""

    loaded: Loaded
    seed: int
    outcomes: Sequence[Outcome]

    @property
    def results(self) -> list[Result]:
        return [outcome.result for outcome in self.outcomes]

    def raise_for_failures(self) -> None:
        """One photo's failure is the whole's own; of several a list."""
        faults = [(outcome.result, outcome.fault) for outcome in self.outcomes if outcome.fault]
        if len(self.outcomes) == 1:
            for _, fault in faults:
                raise fault
        if faults:
            reasons = "".join(f"\n  {_named(result, fault)}" for result, fault in faults)
            raise InputError(f"{len(faults)} of {len(self.outcomes)} photos could not be completed:{reasons}")


def _named(result: Result, fault: InpaintError) -> str:
    name, error = printable(result.input), str(fault)
    return error if name in error else f"{name}: {error}"


def complete_photos(
    photos: Sequence[Path],
    mask: str | None = None,
    output: str | None = None,
    *,
    invert_mask: bool = False,
    dilate: int = 0,
    feather: int = 0,
    source_mask: Path | None = None,
    reference: Path | None = None,
    checkpoint: Path | None = None,
    method: str | None = None,
    settings: Assignments = (),
    samples: int = 1,
    seed: int = 0,
    context: float | None = None,
    blend: str | None = None,
    quality: int | None = None,
    page: Path | None = None,
    parsing: str | None = None,
    landmarks: str | None = None,
    maps: str | None = None,
    uncertainty: str | None = None,
    skip_existing: bool = False,
    overwrite: bool = False,
    recursive: bool = False,
    fit_mask: str | None = None,
    max_megapixels: float | None = None,
    pages: str | None = None,
    device: str = "auto",
    command: str = "",
    progress: Progress = None,
) -> PhotosCompleted:
    """Complete photos and write the results; what could not be completed is an outcome, too, and no error.

    photos: files, folders or globs; mask: a file, a folder or a specification, None for PHOTO_mask.EXT beside each;
    output: a file or a folder, None for beside each photo; dilate, feather: in pixels; max_megapixels: None for what
    the free memory holds; command: what was typed, for the page; the others as the command's options. Of several
    processes that a launcher started each completes a share.
    """
    options = PhotoOptions(
        MaskOptions(invert_mask, dilate, feather, seed, fit_mask), samples, source_mask, reference, quality,
        framing_of(context, blend), page, overwrite, skip_existing, Asked(parsing, landmarks, maps, uncertainty),
        most_pixels(max_megapixels), pages, command,
    )  # fmt: skip
    found = _found(photos, recursive, mask, options)
    with joined(device) as (hardware, team):
        loaded = load_for_photos(checkpoint, method, settings, hardware)
        refuse_what_the_method_does_not_read(loaded, options, mask)
        jobs = plan_annotations(found, mask, output, options.asked, loaded, samples)
        check_outputs(jobs, overwrite, skip_existing, (source_mask, reference, checkpoint))
        _refuse_unread_quality(jobs, options)
        audience = heard_by(progress, team.leads)
        for note in found.notes:
            audience.note(note)
        completing = Completing(options, loaded, hardware, audience)
        return PhotosCompleted(loaded, seed, completing.all_with_page(jobs, team))


def _found(photos: Sequence[Path], recursive: bool, mask: str | None, options: PhotoOptions) -> Found:
    """The photos, once nothing speaks against the options by themselves."""
    check_pages(options)
    if options.overwrite and options.skip_existing:
        raise UsageError("--overwrite replaces what exists and --skip-existing leaves it: give one of them")
    check_mask(mask, options.masks.fit)
    found = find_photos(photos, recursive)
    if mask is None:
        refuse_mask_among_photos(found.photos)
    return found


def _refuse_unread_quality(jobs: Sequence[PhotoJob], options: PhotoOptions) -> None:
    if options.quality is not None and not any(output_format(path).has_quality for job in jobs for path in job.outputs):
        raise UsageError("--quality is for JPEG and WebP files; the others keep every pixel as it is")


def refuse_what_the_method_does_not_read(loaded: Loaded, options: PhotoOptions, mask: str | None) -> None:
    """`UsageError` for an option that this method, or this mask, leaves without meaning."""
    refuse_unsaid(loaded, options.asked, mask)
    refuse_unread(loaded, options, mask)
    refuse_reference(loaded, options.reference)
    if options.source_mask is not None and not loaded.method.takes_sources:
        raise UsageError(f"--source-mask: {loaded.name} copies nothing from the photo; --method patch does")
    if options.asked.uncertainty is not None and options.samples < 2:
        raise UsageError("--uncertainty draws how several completions differ: give --samples 10")
    if options.framing is not None and loaded.method.any_size:
        raise UsageError(f"--context and --blend are for methods of a fixed size; {loaded.name} takes any size")


@dataclass(frozen=True)
class Completing:
    """What is the same for all photos."""

    options: PhotoOptions
    loaded: Loaded
    hardware: Hardware
    audience: Audience

    def all_with_page(self, jobs: Sequence[PhotoJob], team: Team) -> list[Outcome]:
        """As `all_of`, and the page where one was asked for."""
        folder, overwrite = self.options.page, self.options.overwrite
        if folder is not None:
            refuse_existing(folder / "index.html", overwrite)
        team.wait()  # until every process has seen which files exist
        for note in self.loaded.notes:
            self.audience.note(note)
        outcomes = self.all_of(jobs, team)
        figures = [outcome.figure for outcome in outcomes if outcome.figure is not None]
        if folder is not None and figures and team.leads:
            write_page(folder, figures, overwrite, self.options.command)
        return outcomes

    def all_of(self, jobs: Sequence[PhotoJob], team: Team) -> list[Outcome]:
        """Every process completes its share; all outcomes, in the order of the photos, are known to all afterwards."""
        own = list(enumerate(jobs))[team.rank :: team.size]
        page_pixels, outcomes = pixels_each(len(jobs)), []
        with self.audience.progress("complete", len(own) if len(own) > 1 else None) as advance:
            within: Within = advance if len(own) == 1 else lambda done, total: None
            for done, (place, job) in enumerate(own, start=1):
                outcomes.append(self.one(place, job, page_pixels, within))
                if len(own) > 1:
                    advance(done)
        gathered = [outcome for share in team.gather(outcomes) for outcome in share]
        gathered.sort(key=lambda outcome: outcome.place)
        for outcome in gathered:
            self._tell(outcome.result, f"{printable(outcome.result.input)}: " if len(gathered) > 1 else "")
        return gathered

    def _tell(self, result: Result, prefix: str) -> None:
        self.audience.result(result)
        for note in [*result.notes, *(["exists already: skipped"] if result.status == "skipped" else [])]:
            self.audience.note(f"{prefix}{note}")

    def one(self, place: int, job: PhotoJob, page_pixels: int, within: Within) -> Outcome:
        """Complete, label or skip one photo, the `place`-th; whatever goes wrong with it is part of the outcome."""
        result = Result(str(job.photo), None if job.mask is None else str(job.mask), [str(path) for path in job.files])
        if self.options.skip_existing and all(path.exists() for path in job.files):
            result.status = "skipped"
            return Outcome(place, result)
        start = time.monotonic()
        try:
            return Outcome(place, result, figure=self._read_and_fill(job, result, page_pixels, within))
        except (InpaintError, OSError, RuntimeError, MemoryError) as error:
            fault = _fault(error)
            result.error, result.status = str(fault), "failed"
            return Outcome(place, result, fault)
        finally:
            result.seconds = round(time.monotonic() - start, 3)

    def _read_and_fill(self, job: PhotoJob, result: Result, page_pixels: int, within: Within) -> Figure | None:
        """Read, complete or label, write; returns the photo's figure for the page."""
        if job.problem or job.mask is None:
            read_photo(job.photo, self.options.most)  # what is wrong with the photo goes before
            raise job.problem or InputError(f"{printable(job.photo)}: no mask")
        if self.options.pages == EVERY_PAGE:
            return self._every_page(job, job.mask, result, page_pixels, within)
        photo = read_photo(job.photo, self.options.most, page_of(job.photo, self.options.pages))
        result.notes += photo.notes
        hole = find_hole(photo, job.photo.name, job.mask, self.options.masks)
        result.notes += hole.notes
        if not job.outputs:
            result.notes += self._annotated(job, photo, photo.pixels, hole)
            return None
        said: list[str] = []
        with remarks(said.append):
            began = time.monotonic()
            completed = self._completed(job, photo, hole, within)
            took = time.monotonic() - began
            result.notes += self._notes(job, completed)
            result.notes += self._write(job, photo, hole, completed)
            if job.annotations:
                result.notes += self._said(job, photo, completed, hole)
        result.notes = list(dict.fromkeys([*result.notes, *said]))
        if self.options.page is None:
            return None
        return draw(self._drawn(job, photo, hole, completed, took, said), page_pixels)

    def _every_page(
        self, job: PhotoJob, mask: Path | str, result: Result, page_pixels: int, within: Within
    ) -> Figure | None:
        """Complete all pages or frames of a file and write them into one; the first is the figure."""
        first, said = list[Completed](), list[str]()

        def filled(photo: Photo, hole: Hole, within: Within) -> np.ndarray:
            began = time.monotonic()
            completed = self._completed(job, photo, hole, within)
            if self.options.page is not None and not first:
                first.append(self._drawn(job, photo, hole, completed, time.monotonic() - began, said))
            return completed

        with remarks(said.append):
            pages = fill_pages(
                job.photo,
                self.options.most,
                lambda photo: find_hole(photo, job.photo.name, mask, self.options.masks),
                filled,
                within,
            )
        result.notes += [*said, *pages.notes, *self._notes(job, pages.completed[0])]
        for sample, path in enumerate(job.outputs):
            if not (self.options.skip_existing and path.exists()):
                result.notes += pages.write(sample, path, self.options.overwrite)
        result.notes = list(dict.fromkeys(result.notes))
        return draw(first[0], page_pixels) if first else None

    def _completed(self, job: PhotoJob, photo: Photo, hole: Hole, within: Within) -> np.ndarray:
        """[samples, H, W, C] of the photo's type."""
        options = self.options
        sources = None if options.source_mask is None else read_sources(options.source_mask, photo.size)
        reference = read_reference(options.reference, photo, job.photo.name, hole.pixels)
        return fill(photo, hole, self.loaded, self.hardware, options, sources, reference, within)

    def _notes(self, job: PhotoJob, completed: np.ndarray) -> list[str]:
        notes = []
        if len(completed) > 1 and (completed == completed[0]).all():
            notes.append(f"all samples are the same: this {self.loaded.name} knows one completion of this hole")
        kind, written = job.photo.suffix.lower(), job.outputs[0].suffix.lower()
        if kind not in FORMATS and written == ".png":
            notes.append(f"{kind or 'such'} files are not written: the result is a PNG")
        return notes

    def _write(self, job: PhotoJob, photo: Photo, hole: Hole, completed: np.ndarray) -> list[str]:
        notes: list[str] = []
        written = made_opaque(photo, hole)
        for path, pixels in zip(job.outputs, completed, strict=True):
            if not (self.options.skip_existing and path.exists()):
                notes += write_photo(written, pixels, path, self.options.overwrite, self.options.quality, hole.anywhere)
        return notes

    def _said(self, job: PhotoJob, photo: Photo, completed: np.ndarray, hole: Hole) -> list[str]:
        """What was asked for about a photo and its completions, [samples, H, W, C]."""
        said = {kind: paths for kind, paths in job.annotations.items() if kind != UNCERTAINTY}
        for path in job.annotations.get(UNCERTAINTY, ()):
            if not (self.options.skip_existing and path.exists()):
                with replacing(path, self.options.overwrite) as temporary:
                    uncertainty_drawn(to_eight_bits(completed)).save(temporary, format="PNG")
        return self._annotated(replace(job, annotations=said), photo, completed[0], hole) if said else []

    def _annotated(self, job: PhotoJob, photo: Photo, shown_as: np.ndarray, hole: Hole) -> list[str]:
        return annotate(job, photo, shown_as, hole, self.options, self.loaded, self.hardware)

    def _drawn(
        self, job: PhotoJob, photo: Photo, hole: Hole, completed: np.ndarray, seconds: float, said: Sequence[str]
    ) -> Completed:
        """The photo's part of the page: drawn at once, where its pixels are, so that a page of many keeps few.

        said: what the method remarked of its completion.
        """
        before, after = to_eight_bits(photo.pixels), to_eight_bits(completed)
        asked, usual = self._settings_of(job)
        told = {**asked, **({"remarks": "; ".join(said)} if said else {}), "time taken": time_words(seconds)}
        return Completed(job.photo.name, before, hole.anywhere, after, told, usual)

    def _settings_of(self, job: PhotoJob) -> tuple[dict[str, str], dict[str, str]]:
        """All that made the completion: what was given and what is not as by default, and the rest."""
        options, loaded = self.options, self.loaded
        asked = {
            "method": loaded.name,
            "checkpoint": loaded.digest and f"{loaded.digest[:12]}, step {loaded.step}",
            "mask": job.mask,
            "inverted": options.masks.invert,
            "dilated": options.masks.dilate and f"{options.masks.dilate} pixels",
            "feathered": options.masks.feather and f"{options.masks.feather} pixels",
            "sources": options.source_mask,
            "reference": None if options.reference is None else name_of(options.reference),
            "seed": str(options.masks.seed),
        }
        given = {name: value for name, value in asked.items() if value}
        method, framing = loaded.method, _windows(options.framing or Framing())
        own = settings_values(method.settings)
        usual = {name: default for name, _, default, _ in describe(method.Settings)}
        if not method.any_size:
            own, usual = own | framing, usual | _windows(Framing())
        shown = {name: value for name, value in own.items() if value != usual.get(name)}
        folded = {name: value for name, value in own.items() if name not in shown}
        as_text = ({name: printable(value) for name, value in part.items()} for part in (given | shown, folded))
        return next(as_text), next(as_text)


def _windows(framing: Framing) -> dict[str, Any]:
    """What the options say of windows."""
    return {"context": framing.context, "blend": framing.blend}


def _fault(error: Exception) -> InpaintError:
    """One photo's error as one that a user can act on; what is a bug of ours is raised again."""
    if isinstance(error, InpaintError):
        return error
    if is_out_of_memory(error):
        return EnvironmentFault(f"{out_of_memory(error)} for a photo of this size")
    if isinstance(error, OSError) and error.errno is not None:
        return EnvironmentFault(f"{error.filename or 'the disk'}: {error.strerror}")
    raise error
