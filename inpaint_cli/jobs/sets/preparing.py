"""Original files in, one prepared file out."""

import io
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from inpaint_cli.data import preparing
from inpaint_cli.data.labelling import Labeller
from inpaint_cli.data.layouts import Choice
from inpaint_cli.data.masking import Masker
from inpaint_cli.data.pool import default_workers
from inpaint_cli.data.preparing import Plan, Prepared
from inpaint_cli.data.recipes import Recipe, load_recipe, recipe_names
from inpaint_cli.data.room import available
from inpaint_cli.errors import UsageError
from inpaint_cli.files import refuse_inputs
from inpaint_cli.jobs.audience import Audience, Progress, heard_by

Mode = Literal["rgb", "gray"]


class RecipeEntry(NamedTuple):
    """One data set that `prepare` makes."""

    name: str
    title: str
    paper: str
    size: int  # side in pixels
    terms: str  # of the source


def recipes() -> list[RecipeEntry]:
    """Every recipe that comes with the package, by name."""
    found = [load_recipe(name)[0] for name in recipe_names()]
    return [RecipeEntry(recipe.name, recipe.title, recipe.paper, recipe.size, recipe.terms) for recipe in found]


def prepare(
    recipe: str,
    source: Path | str | None = None,
    output: Path | str | None = None,
    *,
    limit: int | None = None,
    workers: int | None = None,
    size: int | None = None,
    mode: Mode | None = None,
    strict: bool = False,
    parsing: Path | str | None = None,
    landmarks: bool = False,
    masks: str | None = None,
    observe: str | None = None,
    splits: Choice | None = None,
    allow_leaks: bool = False,
    device: str = "auto",
    download: bool = False,
    overwrite: bool = False,
    progress: Progress = None,
) -> Prepared:
    """Make one file that every method trains on and is evaluated on.

    recipe: a name, such as celeba-96 or folder, or the path of a `.toml` file; source: the folder of the original
        files, first fetched into it with `download`; output: default RECIPE.h5 here.
    limit: rows of each split at most; workers: processes that decode; size: the side in pixels, where the recipe allows
        another; strict: an unreadable image is an error.
    parsing: a trained face-parser that labels images, with `landmarks` by the five points that its maps show, too.
    masks: a mask is stored with each image, "folder:PATH" or another specification; "stored" stands for it afterwards.
    observe: such masks, too, and what they hide is not written, nor are labels: there are observations alone, of which
        methods learn that need nothing else.
    splits: whether folders called train, validation, test … are splits ("folders") or images are dealt by their names
        ("hash"); None asks where that is not plain. allow_leaks: exact copies may lie in several splits.
    Returns what was made: `file` (a `PreparedFile`), rows by split, labels, what was skipped and why.
    """
    audience = heard_by(progress)
    chosen, text = _chosen(recipe, size, mode, splits)
    labeller, masker = _labeller(parsing, landmarks, device), _masker(masks, observe, audience)
    if download:
        fetch(chosen, source, audience)
    with audience.progress("preparing") as advance:
        return preparing.prepare_file(
            chosen,
            text,
            _path(source),
            _output(chosen, output, recipe),
            limit=limit,
            workers=workers or default_workers(),
            strict=strict,
            overwrite=overwrite,
            allow_leaks=allow_leaks,
            labeller=labeller,
            masker=masker,
            progress=advance,
        )


@dataclass(frozen=True)
class Forecast:
    """What `prepare` would make."""

    recipe: Recipe
    output: Path
    plan: Plan

    @property
    def rows(self) -> int:
        """At most, in all splits."""
        return sum(self.plan.rows.values())

    @property
    def free(self) -> int:
        """Bytes of disk where the output is to be."""
        return available(self.output)


def forecast(
    recipe: str,
    source: Path | str | None = None,
    output: Path | str | None = None,
    *,
    limit: int | None = None,
    size: int | None = None,
    mode: Mode | None = None,
    parsing: Path | str | None = None,
    landmarks: bool = False,
    masks: str | None = None,
    observe: str | None = None,
    splits: Choice | None = None,
    device: str = "auto",
    overwrite: bool = False,
) -> Forecast:
    """What `prepare` would make of the same arguments, and how much disk it needs; nothing is written."""
    chosen, _ = _chosen(recipe, size, mode, splits)
    target = _output(chosen, output, recipe)
    labeller, masker = _labeller(parsing, landmarks, device), _masker(masks, observe, Audience())
    plan = preparing.plan(chosen, _path(source), target, limit, overwrite, labeller, masker)
    return Forecast(chosen, target, plan)


def fetch(recipe: Recipe, source: Path | str | None, audience: Audience) -> None:
    """Download the original files into `source`; the terms, and what the readers print, become notes."""
    if source is None:
        raise UsageError("--download needs --source, the folder to fetch the original files into")
    audience.note(f"terms: {recipe.terms}")
    with redirect_stdout(_Notes(audience)):
        preparing.download(recipe, Path(source))


class _Notes(io.TextIOBase):
    """Standard output for readers that print."""

    def __init__(self, audience: Audience):
        self.audience = audience

    def write(self, text: str) -> int:
        for line in filter(None, map(str.strip, text.splitlines())):
            self.audience.note(line)
        return len(text)


def _chosen(recipe: str, size: int | None, mode: Mode | None, splits: Choice | None) -> tuple[Recipe, str]:
    chosen, text = load_recipe(recipe)
    return chosen.resized(size).splitting(splits).model_copy(update={"mode": mode} if mode else {}), text


def _path(source: Path | str | None) -> Path | None:
    return None if source is None else Path(source)


def _output(recipe: Recipe, output: Path | str | None, named: str) -> Path:
    path = Path(output or f"{recipe.name}.h5")
    refuse_inputs([path], [Path(named)])
    return path


def _labeller(parsing: Path | str | None, landmarks: bool, device: str) -> Labeller | None:
    """The parser that `--parsing` names, or None; `UsageError` for options that only go with one."""
    if parsing is not None:
        from inpaint_cli.jobs.sets.labelling import labeller_from  # torch, which nothing else here needs

        return labeller_from(Path(parsing), landmarks, device)
    if landmarks:
        raise UsageError("--landmarks takes the points from label maps: it needs --parsing CHECKPOINT")
    if device != "auto":
        raise UsageError("--device is where --parsing labels images; without it nothing is computed on one")
    return None


def _masker(masks: str | None, observe: str | None, audience: Audience) -> Masker | None:
    if masks is not None and observe is not None:
        raise UsageError("--observe stores its masks itself: leave out --masks")
    spec = observe or masks
    if spec is None:
        return None
    from inpaint_cli.jobs.sets.masking import masker_from  # torch, too

    return masker_from(spec, audience, observe is not None)
