"""What a run trains: from the command line for a new run, from run.json for a resumed one."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inpaint_cli import __version__
from inpaint_cli.errors import InputError, UsageError

DEFAULTS = {
    "accumulate": 1,
    "seed": 0,
    "checkpoint_every": 1000,
    "sample_every": 500,
    "validate_every": 0,
    "patience": 0,
}
DECIDES = ("method", "masks", "batch", "accumulate", "seed", "precision", "data_identity")  # a resumed run keeps these
IN_HEADER = (*DECIDES, "settings", "shape", "recipe", "steps", "versions")


@dataclass
class Job:
    """A resolved run: its configuration as run.json keeps it, and the objects that it names."""

    configuration: dict[str, Any]
    prepared: Any
    settings: Any
    masks: Any
    weights: dict[str, str]
    checkpoint: Any = None  # to go on from
    problems: tuple[str, ...] = ()  # with newer checkpoints
    overwrite: bool = False  # what an earlier run left

    @property
    def method(self) -> str:
        return self.configuration["method"]

    @property
    def preview_split(self) -> Any:
        """Images that training does not see, where the data has them."""
        splits = self.prepared.splits
        return self.prepared.split("validation" if "validation" in splits else "train")

    def notes(self) -> list[str]:
        """What the user should know before training goes on."""
        going_on = [f"going on from {self.checkpoint.path}"] if self.checkpoint else []
        return [*(f"passed over {problem}" for problem in self.problems), *going_on]

    def begin(self, run: Any, learner: Any, team: Any) -> None:
        """Load the checkpoint; make the directory say what is trained now. Until here nothing in it was touched."""
        if self.checkpoint:
            learner.load(self.checkpoint)
        if team.leads:
            if self.overwrite:
                run.clear()
            run.forget_after(learner.step)
            run.write_configuration(self.configuration)
        team.wait()


def resolve(run: Any, given: Mapping[str, Any], hardware: Any, team: Any, *, resume: bool, overwrite: bool) -> Job:
    """The job that the command line asks for; a directory that holds a run needs --resume or --overwrite."""
    if resume and overwrite:
        raise UsageError("--resume goes on with the run that is there and --overwrite begins anew: give one of them")
    if run.used and not (resume or overwrite):
        raise UsageError(f"{run.path} holds a run already: --resume goes on with it, --overwrite begins anew")
    saved = run.read_configuration() if run.used and resume else {}
    team.wait()  # until every process has seen what is there
    job = _job(given, saved, hardware, team)
    job.overwrite = overwrite
    if saved:
        _refuse_changes(run, job.configuration, given, saved)
        job.checkpoint, problems = run.newest()
        job.problems = tuple(problems)
    return job


def _job(given: Mapping[str, Any], saved: Mapping[str, Any], hardware: Any, team: Any) -> Job:
    """Given before saved before default, for each value."""
    from inpaint_cli.cli.assembly import TRAINED_HELPERS, check_masks
    from inpaint_cli.data.reader import PreparedFile
    from inpaint_cli.masks import parse_masks
    from inpaint_cli.methods import method_class
    from inpaint_cli.settings import assigned, make_settings, settings_values
    from inpaint_cli.weights import parse_weights

    method = method_class(given["method"])
    if method.defaults is None:
        name = given["method"]
        raise UsageError(
            f"{name} needs no training: inpaint complete --method {name}, inpaint evaluate --method {name}"
        )
    paper = {"masks": method.defaults.masks, "batch": method.defaults.batch, "steps": method.defaults.steps}
    chosen = {**DEFAULTS, **paper, **saved, **{name: value for name, value in given.items() if value is not None}}
    settings = make_settings(method.Settings, {**saved.get("settings", {}), **assigned(given["settings"] or [])})
    weights = parse_weights(given["weights"], TRAINED_HELPERS) if given["weights"] else saved.get("weights", {})
    prepared = PreparedFile(_data_path(chosen.get("data"), method.defaults.recipe))
    masks = parse_masks(chosen["masks"])
    masks.check(prepared.shape)
    check_masks(given["method"], method, masks)
    _check_validation(chosen, prepared)
    names = ("method", "batch", "steps", *DEFAULTS)
    configuration = {name: chosen[name] for name in names} | {
        "masks": masks.spec,
        "settings": settings_values(settings),
        "weights": weights,
        "data": str(prepared.path),
        "data_identity": prepared.identity,
        "recipe": prepared.recipe_name,
        "shape": list(prepared.shape),
        "precision": hardware.precision,
        "device": str(hardware.device),
        "processes": team.size,
        "inpaint": __version__,
        "versions": versions(),
    }
    return Job(configuration, prepared, settings, masks, weights)


def _data_path(given: Path | str | None, recipe: str) -> Path:
    path = Path(given or f"{recipe}.h5")
    if given is None and not path.exists():
        raise UsageError(
            f"give --data FILE.h5, which `inpaint prepare` writes; without it {path} is looked for here "
            f"(the paper's data: inpaint prepare {recipe} --source FOLDER -o {path})"
        )
    return path


def _check_validation(chosen: Mapping[str, Any], prepared: Any) -> None:
    if chosen["patience"] and not chosen["validate_every"]:
        raise UsageError("--patience counts validations: give --validate-every STEPS")
    if chosen["validate_every"] and "validation" not in prepared.splits:
        raise InputError(f"{prepared.path} has no validation split, which --validate-every looks at")


def _refuse_changes(
    run: Any, configuration: Mapping[str, Any], given: Mapping[str, Any], saved: Mapping[str, Any]
) -> None:
    """A setting that came with a newer version was not there when the run began: it has its default, and may stay."""
    began = {**saved.get("settings", {}), **{name: saved[name] for name in DECIDES if name in saved}}
    for name, value in began.items():
        now = configuration[name] if name in DECIDES else configuration["settings"].get(name)
        if now != value:
            raise UsageError(
                f"{run.path} was begun with {name} {value}, now it is {now}: --resume goes on "
                "with what was begun (leave that option out), --overwrite or another --outdir begins anew"
            )


def header_of(configuration: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """What every checkpoint of the run says about itself. It names no path and no time."""
    return {name: configuration[name] for name in IN_HEADER} | {"weights": dict(labels)}


def versions() -> dict[str, str]:
    import numpy
    import torch

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "inpaint": __version__,
    }
