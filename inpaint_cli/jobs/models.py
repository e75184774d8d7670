"""Methods in the hands of a program: loaded once, asked as often as one likes; nothing is printed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import torch
from PIL import Image

from inpaint_cli.engine.annotating import annotate_photo
from inpaint_cli.engine.devices import Hardware, choose_hardware
from inpaint_cli.engine.feeding import to_signed
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.files import refuse_existing, refuse_inputs, refuse_missing_folder
from inpaint_cli.imaging.limits import most_pixels
from inpaint_cli.imaging.mask_files import read_sources
from inpaint_cli.imaging.photos import Photo, output_format
from inpaint_cli.jobs.audience import Audience, Progress, heard_by, remarks
from inpaint_cli.jobs.loading import Loaded, load_for_completion
from inpaint_cli.jobs.photos.annotating import refuse_without_completion, said_by
from inpaint_cli.jobs.photos.choosing import load_for_photos
from inpaint_cli.jobs.photos.completing import refuse_what_the_method_does_not_read
from inpaint_cli.jobs.photos.filling import Within, fill, fill_pages, made_opaque
from inpaint_cli.jobs.photos.holes import Hole, MaskOptions
from inpaint_cli.jobs.photos.options import EVERY_PAGE, PhotoOptions, check_pages, framing_of
from inpaint_cli.jobs.photos.pairing import numbered, result_path
from inpaint_cli.jobs.photos.pictures import NAMELESS, Picture, answered, hole_of, name_of, photo_of, written
from inpaint_cli.jobs.photos.references import read_reference
from inpaint_cli.method import Method
from inpaint_cli.settings import Assignments, settings_values

Answer = Path | Image.Image | np.ndarray


class Model:
    """A method ready to use; `load` makes one of a checkpoint."""

    def __init__(self, loaded: Loaded, hardware: Hardware):
        self._loaded, self._hardware = loaded, hardware

    def __repr__(self) -> str:
        step = "" if self._loaded.step is None else f", step {self._loaded.step}"
        return f"<{self.name}{step}, {self._hardware.device}>"

    @property
    def name(self) -> str:
        """The method's."""
        return self._loaded.name

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting of the method, by name."""
        return settings_values(self._loaded.method.settings)

    @property
    def card(self) -> Mapping[str, Any]:
        """What the checkpoint says about itself: method, step, seed, masks, shape, data, versions, digest, …"""
        header = self._loaded.header
        return header.plain() if header else {"method": self.name, "settings": self.settings}

    @property
    def annotates(self) -> tuple[str, ...]:
        """What `annotate` gives: parsing, landmarks, maps."""
        return said_by(self._loaded.method)

    def complete(
        self,
        photo: Picture,
        mask: Picture | None = None,
        *,
        output: Path | str | None = None,
        invert_mask: bool = False,
        dilate: int = 0,
        feather: int = 0,
        source_mask: Path | None = None,
        reference: Picture | None = None,
        samples: int = 1,
        seed: int = 0,
        context: float | None = None,
        blend: str | None = None,
        fit_mask: str | None = None,
        max_megapixels: float | None = None,
        pages: str | int | None = None,
        overwrite: bool = False,
        progress: Progress = None,
    ) -> Answer | list[Answer]:
        """As `inpaint_cli.complete`, with this model."""
        audience, target = heard_by(progress), None if output is None else Path(output)
        options = PhotoOptions(
            MaskOptions(invert_mask, dilate, feather, seed, fit_mask), samples, source_mask, reference,
            framing=framing_of(context, blend), pages=None if pages is None else str(pages),
        )  # fmt: skip
        check_pages(options)
        refuse_without_completion(self._loaded, "complete", "ask it to `annotate`")
        refuse_what_the_method_does_not_read(self._loaded, options, mask if isinstance(mask, str) else None)
        outputs = _files(photo, target, samples)
        refuse_inputs(outputs, [Path(p) for p in (photo, mask, source_mask, reference) if isinstance(p, Path | str)])
        for path in outputs:
            output_format(path)
            refuse_existing(path, overwrite)
            refuse_missing_folder(path.parent)
        if isinstance(photo, Path | str) and options.pages == EVERY_PAGE:
            paths = self._every_page(
                Path(photo), mask, target, options, most_pixels(max_megapixels), overwrite, audience
            )
            return paths[0] if samples == 1 else list(paths)
        read = photo_of(photo, most_pixels(max_megapixels), options.pages)
        hole = hole_of(mask, photo, read, options.masks)
        sources = None if source_mask is None else read_sources(source_mask, read.size)
        whom = read_reference(reference, read, name_of(photo), hole.pixels)
        for note in (*read.notes, *self._loaded.notes, *hole.notes):
            audience.note(note)
        with audience.progress("complete") as advance, remarks(audience.note):
            completed = fill(read, hole, self._loaded, self._hardware, options, sources, whom, advance)
        if isinstance(photo, Path | str):
            opaque = made_opaque(read, hole)
            found: list[Any] = written(photo, opaque, completed, hole.anywhere, target, overwrite, audience.note)
        else:
            found = list(answered(photo, made_opaque(read, hole, keep=True), completed, hole.anywhere))
        return found[0] if samples == 1 else found

    def _every_page(
        self,
        photo: Path,
        mask: Picture | None,
        output: Path | None,
        options: PhotoOptions,
        most: int,
        overwrite: bool,
        audience: Audience,
    ) -> list[Path]:
        """Complete all pages or frames of a file into files of as many."""

        def filled(read: Photo, hole: Hole, within: Within) -> np.ndarray:
            sources = None if options.source_mask is None else read_sources(options.source_mask, read.size)
            whom = read_reference(options.reference, read, name_of(photo), hole.pixels)
            return fill(read, hole, self._loaded, self._hardware, options, sources, whom, within)

        with audience.progress("complete") as advance, remarks(audience.note):
            pages = fill_pages(photo, most, lambda read: hole_of(mask, photo, read, options.masks), filled, advance)
        paths = numbered(output or result_path(photo, None), options.samples)
        lost = [note for sample, path in enumerate(paths) for note in pages.write(sample, path, overwrite)]
        for note in dict.fromkeys([*pages.notes, *self._loaded.notes, *lost]):
            audience.note(note)
        return paths

    def annotate(
        self, photo: Picture, mask: Picture = "none", *, context: float | None = None, seed: int = 0
    ) -> dict[str, np.ndarray]:
        """What the model says of a photo, by name, in the photo's pixels.

        Returns `parsing`, uint8 [H, W]; `landmarks`, float64 [5, 2] as x and y; `maps`, float32 [N, h, w] at the
        network's own size: those of them that `annotates` names. mask: where the photo is not to be believed.
        """
        wanted = {*self.annotates}
        if not wanted:
            raise UsageError(f"{self.name} completes photos and says nothing else of them")
        read = photo_of(photo)
        hole = hole_of(mask, photo, read, MaskOptions(seed=seed))
        found = annotate_photo(
            self._loaded.method, read.pixels, hole.anywhere, wanted, self._hardware, seed=seed,
            invisible=read.invisible, framing=framing_of(context, None),
        )  # fmt: skip
        said = {"parsing": found.parsing, "landmarks": found.landmarks, "maps": found.maps}
        return {name: value for name, value in said.items() if value is not None}

    def features(self, images: np.ndarray) -> np.ndarray:
        """What transfer probes, float32 [B, N], of whole images uint8 [B, H, W, C] of the model's own size."""
        method = self._loaded.method
        if type(method).features is Method.features:
            raise UsageError(f"{self.name} has no encoder whose features could be read")
        channels, height, width = method.shape
        if images.dtype != np.uint8 or images.shape[1:] != (height, width, channels):
            raise InputError(
                f"the images are an array of {images.dtype} with the shape {images.shape}; this model reads uint8 "
                f"[B, {height}, {width}, {channels}]"
            )
        image = to_signed(torch.from_numpy(np.array(images)).to(self._hardware.device))
        with torch.no_grad():
            return method.features(image, torch.ones_like(image[:, :1])).float().cpu().numpy()


def _files(photo: Picture, output: Path | None, samples: int) -> list[Path]:
    """Where a photo that is a file is written to."""
    if isinstance(photo, Path | str):
        return numbered(output or result_path(Path(photo), None), samples)
    if output is not None:
        raise UsageError(f"output={output}: {NAMELESS} is no file, and its completion is what is returned")
    return []


def load(checkpoint: Path | str, *, settings: Assignments = (), device: str = "auto") -> Model:
    """A trained model: a run directory (its newest checkpoint), a checkpoint file, or the name of one of `models()`.

    settings: those that concern completion may be other ones than in training, `{"search_steps": 128}`.
    """
    hardware = choose_hardware(device, "fp32")
    return Model(load_for_completion(Path(checkpoint), None, settings, hardware), hardware)


class CompletionOptions(TypedDict, total=False):
    """What `complete` takes beside photo, mask and what completes; `Model.complete` says what each is by default."""

    output: Path | str | None
    invert_mask: bool
    dilate: int
    feather: int
    source_mask: Path | None
    reference: Picture | None
    samples: int
    seed: int
    context: float | None
    blend: str | None
    fit_mask: str | None
    max_megapixels: float | None
    pages: str | int | None
    overwrite: bool
    progress: Progress


def complete(
    photo: Picture,
    mask: Picture | None = None,
    *,
    method: str | None = None,
    checkpoint: Path | str | None = None,
    settings: Assignments = (),
    device: str = "auto",
    **options: Unpack[CompletionOptions],
) -> Answer | list[Answer]:
    """Fill the hole of a photo; every known pixel stays as it is.

    photo: a file's path, a Pillow image, an array of uint8 or uint16, [H, W] or [H, W, C], or a raster [H, W] of any
        other numbers.
    mask: any of these, white is the hole; a boolean array, True is missing; or a specification such as "alpha" or
        "block:64". For a photo that is a file, None is PHOTO_mask.EXT beside it.
    method: one that needs no training, "patch" (default) or "tv", or "auto": the model `faces` for holes on faces and
        patch for others, which an `Audience` hears as notes; checkpoint: a trained one's run, file or name.
    samples: how many different completions; dilate, feather: pixels by which the hole grows, over which the completion
        fades into the photo; source_mask: a file, white may be copied from (patch); reference: a face of the photo's
        size whose features are taken over (semantic); context, blend: of the windows of methods of a fixed size.
    fit_mask: "resize", "top-left" or "bottom-right" for a mask of another size; max_megapixels: of a photo that is
        decoded, by default what the free memory holds; pages: of a file of several pictures "all", which come into one
        file, or the number of one, from 1.
    output: for a file, where its completion goes, PHOTO_inpaint.EXT by default; progress: called with what is done and
        how much there is.

    Returns the completion in the kind that was given, for a file the path of what was written; of samples a list.
    Raises what is in `inpaint_cli.errors`: `InputError` for what is wrong with photo or mask, `UsageError` for options
    that do not exist or do not go together, `EnvironmentFault` for what the machine lacks.
    """
    hardware = choose_hardware(device, "fp32")
    loaded = load_for_photos(None if checkpoint is None else Path(checkpoint), method, settings, hardware)
    return Model(loaded, hardware).complete(photo, mask, **options)
