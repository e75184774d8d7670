"""What a run trains: from what was asked for in a new run, from run.json in a resumed one."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch

from inpaint_cli import __version__
from inpaint_cli.data.reader import PreparedFile, Split
from inpaint_cli.engine.checkpoints import Checkpoint
from inpaint_cli.engine.devices import Hardware, choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team, local_rank
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.engine.training import Learner
from inpaint_cli.errors import UsageError
from inpaint_cli.jobs.audience import Audience
from inpaint_cli.jobs.loading import check_masks
from inpaint_cli.jobs.mask_files import masks_of
from inpaint_cli.jobs.training.first_look import data_path, refuse_run, refuse_untrained, refuse_validation
from inpaint_cli.jobs.training.observations import process_of
from inpaint_cli.jobs.training.provenance import code
from inpaint_cli.jobs.training.resuming import (
    IN_HEADER,
    Earlier,
    changes_of_place,
    earlier_run,
    refuse_changes,
    refuse_fewer_steps,
)
from inpaint_cli.masks import MaskProcess
from inpaint_cli.methods import method_class
from inpaint_cli.records.checkpoints import header_values
from inpaint_cli.records.runs import Configuration, configured
from inpaint_cli.settings import assigned, make_settings, recalled, settings_values
from inpaint_cli.weight_files import TRAINED_HELPERS, parse_weights

DEFAULTS = {  # of what run.json says of the loop
    name: field.default
    for name, field in Configuration.model_fields.items()
    if name in {field.name for field in fields(Plan)} and not field.is_required()
}


@dataclass
class Resolved:
    """What a run trains: its configuration as run.json keeps it, and the objects that it names."""

    configuration: dict[str, Any]
    prepared: PreparedFile
    settings: Any
    masks: MaskProcess
    weights: dict[str, str]
    start: Checkpoint | None = None  # whose weights it begins with
    earlier: Earlier = field(default_factory=Earlier)  # to go on with
    overwrite: bool = False  # what an earlier run left

    @property
    def method(self) -> str:
        return self.configuration["method"]

    @property
    def plan(self) -> Plan:
        """The numbers of the loop."""
        return Plan(**{field.name: self.configuration[field.name] for field in fields(Plan)})

    @property
    def preview_split(self) -> Split:
        """Images that training does not see, where the data has them."""
        return preview_split(self.prepared)

    @property
    def notes(self) -> list[str]:
        """What the user should know before training goes on."""
        done, steps = self.earlier.step, self.plan.steps
        finished = f"step {done} of {steps}: nothing is left to do; --steps N goes further"
        changed = changes_of_place(self.configuration, self.earlier)
        return [*self.earlier.notes, *changed, *([finished] if done == steps else [])]

    def follow(self, run: RunDirectory, earlier: Earlier, overwrite: bool) -> None:
        """Go on with what is there; `UsageError` where that is another run than this."""
        self.overwrite, self.earlier = overwrite, earlier
        refuse_changes(run, self.configuration, earlier.saved)
        refuse_fewer_steps(run, self.plan.steps, earlier.step)
        if self.configuration["started_from"] and self.start is None and earlier.checkpoint is None:
            raise UsageError(f"{run.path} is to begin with the weights of another: give --start-from again")

    def begin(self, run: RunDirectory, learner: Learner, team: Team) -> None:
        """Load the checkpoint; make the directory say what is trained now. Until here nothing in it was touched.

        What is overwritten stays until a first step shows that this run can be trained.
        """
        if self.earlier.checkpoint:
            learner.load(self.earlier.checkpoint)
        if self.overwrite:
            run.begin_anew(self.configuration)
        elif team.leads:
            run.forget_after(learner.step)
            run.write_configuration(self.configuration)
        team.wait()


def preview_split(prepared: PreparedFile) -> Split:
    """Where sample grids and validations take their images from."""
    return prepared.split("validation" if "validation" in prepared.splits else "train")


def resolve(
    run: RunDirectory,
    given: Mapping[str, Any],
    hardware: Hardware,
    team: Team,
    audience: Audience,
    *,
    resume: bool,
    overwrite: bool,
    start: Checkpoint | None = None,
) -> Resolved:
    """What is asked for; a directory that holds a run needs --resume or --overwrite.

    given: by the names of run.json, None for what was not said; start: whose weights it begins with, and whose settings
    where no others were given.
    """
    earlier = found_earlier(run, team, resume=resume, overwrite=overwrite)
    resolved = _resolved(given, earlier.saved, start, hardware, team, audience)
    resolved.follow(run, earlier, overwrite)
    return resolved


def found_earlier(run: RunDirectory, team: Team, *, resume: bool, overwrite: bool) -> Earlier:
    """What there is to go on with; `UsageError` where a run is there and nobody said what becomes of it."""
    if resume and overwrite:
        raise UsageError("--resume goes on with the run that is there and --overwrite begins anew: give one of them")
    if run.used and not (resume or overwrite):
        refuse_run(run.path)
    earlier = earlier_run(run) if resume else Earlier()
    team.wait()  # until every process has seen what is there
    return earlier


def hardware_of(run: RunDirectory, device: str, precision: str | None, resume: bool) -> Hardware:
    """What this process computes on; a resumed run goes on in the precision that it began with, if no other is said."""
    begun_with = _begun_precision(run) if resume else None
    return choose_hardware(device, precision or begun_with or "auto", local_rank())


def _begun_precision(run: RunDirectory) -> str | None:
    """Of the run that is there, if there is one."""
    if run.configuration.exists():
        return run.read_configuration()["precision"]
    newest, _ = run.newest()
    return newest.header.precision if newest else None


def _resolved(
    given: Mapping[str, Any],
    saved: Mapping[str, Any],
    start: Checkpoint | None,
    hardware: Hardware,
    team: Team,
    audience: Audience,
) -> Resolved:
    """Given before saved before default, for each value."""
    method = method_class(given["method"])
    refuse_untrained(given["method"])
    paper = method.defaults
    assert paper is not None
    accumulate = paper.accumulate if given["batch"] is None else DEFAULTS["accumulate"]
    protocol = {"batch": paper.batch, "accumulate": accumulate, "steps": paper.steps}
    protocol |= {} if saved else {"clip_gradients": paper.clip_gradients}  # a run goes on as it began
    chosen = {**DEFAULTS, **protocol, **saved, **{name: value for name, value in given.items() if value is not None}}
    kept = recalled(method.Settings, saved.get("settings", start.header.settings if start else {}))
    settings = make_settings(method.Settings, {**kept, **assigned(given["settings"] or [])})
    weights = parse_weights(given["weights"], TRAINED_HELPERS) if given["weights"] else saved.get("weights", {})
    prepared = PreparedFile(data_path(chosen.get("data"), paper.recipe))
    asked = given["masks"] or saved.get("masks") or process_of(prepared) or paper.masks
    masks = masks_of(asked, audience)
    for split in (prepared.split("train"), preview_split(prepared)):
        masks.of(split).check(prepared.shape)
    check_masks(given["method"], method, masks)
    refuse_validation(chosen["validate_every"], chosen["patience"], prepared.path)
    names = ("method", "batch", "steps", *DEFAULTS)
    values = {name: chosen[name] for name in names} | {
        "masks": masks.spec,
        "masks_digest": masks.digest if masks.folders else None,
        "settings": settings_values(settings),
        "weights": weights,
        "started_from": start.digest if start else saved.get("started_from"),
        **circumstances(prepared, hardware, team, given["command"]),
    }
    return Resolved(configured(values), prepared, settings, masks, weights, start)


def circumstances(prepared: PreparedFile, hardware: Hardware, team: Team, command: str) -> dict[str, Any]:
    """What run.json says of the data, of what computes and of what was typed."""
    return {
        "data": str(prepared.path),
        "data_identity": prepared.identity,
        "recipe": prepared.recipe_name,
        "shape": tuple(prepared.shape),
        "precision": hardware.precision,
        "device": str(hardware.device),
        "processes": team.size,
        "inpaint": __version__,
        "versions": versions(),
        "command": command,
        "code": code(),
    }


def header_of(configuration: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """What every checkpoint of the run says about itself. It names no path and no time."""
    values = {name: configuration[name] for name in IN_HEADER} | {"weights": dict(labels)}
    header_values({**values, "step": 0})  # can be written, now that nothing is lost yet
    return values


def versions() -> dict[str, str]:
    """Of what computes."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "inpaint": __version__,
    }
