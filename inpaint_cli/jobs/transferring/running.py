"""New layers on a pretrained encoder's features: trained by the one loop, measured beside the constant answer."""

import copy
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inpaint_cli.data.reader import PreparedFile, Split
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import BatchStream, to_signed
from inpaint_cli.engine.figures import GROUP
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.randomness import SampleOrder, seed_default_generators
from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.errors import InputError, UsageError, unknown
from inpaint_cli.jobs.audience import Audience, Progress, heard_by
from inpaint_cli.jobs.evaluation.findings import Measured
from inpaint_cli.jobs.evaluation.measuring import Outputs, evaluate
from inpaint_cli.jobs.loading import check_masks, refuse_what_does_not_fit
from inpaint_cli.jobs.mask_files import masks_of
from inpaint_cli.jobs.training.configuration import (
    DEFAULTS,
    Resolved,
    circumstances,
    found_earlier,
    hardware_of,
    preview_split,
)
from inpaint_cli.jobs.training.places import place_of_run
from inpaint_cli.jobs.training.resuming import Earlier
from inpaint_cli.jobs.training.running import Subject, Trained, held, learned
from inpaint_cli.jobs.transferring.encoders import Asked, Encoder, encoder_of
from inpaint_cli.probes import TARGETS, Design, Probe
from inpaint_cli.probes import Settings as HowToProbe
from inpaint_cli.records.runs import configured
from inpaint_cli.settings import Assignments, make_settings, recalled, settings_values

SETTLING = 32  # batches that an untrained encoder's batch norm takes its statistics from
FACES, NOTHING_MISSING = ("attributes", "landmarks"), "none"
PAPERS = {"masks": NOTHING_MISSING, "steps": 5000, "batch": 16}  # mde: "5000 updates with batch size 16"


@dataclass(frozen=True)
class Transferred(Trained):
    """A run as it stands, and what was measured of it on the test split."""

    measured: Measured


def transfer(
    data: Path | str,
    targets: str | Sequence[str] = FACES,
    outdir: Path | str | None = None,
    *,
    checkpoint: Path | str | None = None,
    method: str | None = None,
    untrained: bool = False,
    frozen: bool = False,
    steps: int | None = None,
    batch: int | None = None,
    masks: str | None = None,
    seed: int | None = None,
    settings: Assignments = (),
    limit: int | None = None,
    output: Path | None = None,
    precision: str | None = None,
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    command: str = "",
    progress: Progress = None,
) -> Transferred:
    """Learn attributes, landmarks or labels on a pretrained encoder's features, and measure that on the test split.

    data: what `prepare` made, with these labels; targets: columns of it; outdir: a run like any other, default
        runs/METHOD-transfer, numbered as by `train`.
    checkpoint: whose encoder; method, untrained: one with random weights in its place, with a checkpoint of the same
        network. frozen: the encoder stays as it is, and its features are computed once; else it is tuned with the rest.
    steps, batch, masks: 5,000 of 16 whole images; None is what a resumed run began with. settings: of the transfer,
        such as `{"learning_rate": 1e-3}`, and of an untrained encoder.
    limit: images of the test split that are measured at most; output: where the results go; command: what was typed.
    The constant answer, which sees no image, stands beside the figures.
    """
    asked = Asked(None if checkpoint is None else Path(checkpoint), method, untrained, settings)
    asked.check()
    names = _targets(targets)
    outputs = Outputs(output, None, None, overwrite or resume, False)
    outputs.check(Path(path) for path in (data, checkpoint) if path is not None)
    prepared = PreparedFile(data)
    _refuse_missing(prepared, names)
    encoder = encoder_of(asked, prepared, seed or 0)
    run, notes = place_of_run(outdir, f"{encoder.name}-transfer", resume or overwrite)
    hardware = hardware_of(run, device, precision, resume)
    given = {"steps": steps, "batch": batch, "masks": masks, "seed": seed, "command": command}
    with held(run, hardware) as team:
        audience = heard_by(progress, team.leads, notes)
        earlier = found_earlier(run, team, resume=resume, overwrite=overwrite)
        job = _job(asked, encoder, prepared, names, frozen, given, earlier, hardware, team, audience)
        job.resolved.follow(run, earlier, overwrite)
        trained = job.train(run, hardware, team, audience)
    measured = evaluate(
        data, job.resolved.masks.spec, checkpoints=[run.path], metrics=names, limit=limit, seed=job.resolved.plan.seed,
        output=output, overwrite=overwrite or resume, device=device, progress=progress,
    )  # fmt: skip
    return Transferred(trained.path, trained.configuration, trained.step, measured)


def _targets(given: str | Sequence[str]) -> tuple[str, ...]:
    names = [name.strip() for name in (given.split(",") if isinstance(given, str) else given)]
    for name in names:
        if name not in TARGETS:
            raise UsageError(unknown("target", name, TARGETS))
    return tuple(name for name in TARGETS if name in names)


def _refuse_missing(prepared: PreparedFile, names: Sequence[str]) -> None:
    for split in map(prepared.split, ("train", "test")):
        missing = [name for name in names if name not in split.labels]
        if missing:
            able = ",".join(name for name in TARGETS if name in split.labels)
            instead = f"; with this data: --targets {able}" if able else ""
            ways = "; ".join(f"{name} come from {TARGETS[name].recipe}" for name in missing)
            raise InputError(f"{prepared.path} has no {' and no '.join(missing)} to learn: {ways}{instead}")
    _refuse_what_teaches_nothing(prepared, names)


def _refuse_what_teaches_nothing(prepared: PreparedFile, names: Sequence[str]) -> None:
    labels = prepared.split("train").labels
    for name in names:
        if reason := TARGETS[name].refuse(np.asarray(labels[name][:])):
            raise InputError(
                f"{prepared.path}: nothing is to be learned of the {name} of its {len(labels[name])} images to train "
                f"on: {reason}. Other --targets, or more images"
            )


# ---- the run ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """A transfer that can begin."""

    resolved: Resolved
    encoder: Encoder
    design: Design
    how: HowToProbe
    command: str  # without the run directory

    def train(self, run: RunDirectory, hardware: Hardware, team: Team, audience: Audience) -> Trained:
        plan, prepared = self.resolved.plan, self.resolved.prepared
        if self.resolved.earlier.checkpoint:
            refuse_what_does_not_fit(self.resolved.earlier.checkpoint, self.encoder.method.settings)
        seed_default_generators(plan.seed, "initial weights of the new layers")
        probe = Probe(self.encoder.method, self.how, self.resolved.masks, self.design)
        split = copy.copy(prepared.split("train"))
        split.labels = {name: split.labels[name] for name in self.design.targets}
        probe.look_at(split.labels)
        hardware.place(probe)
        if self.design.frozen and not self.encoder.step:
            self._settle(probe, split, hardware)
        if self.design.frozen and self.resolved.masks.spec == NOTHING_MISSING:
            split.labels["features"] = features_once(probe, split, plan, hardware, audience)
        going_on = f"{self.command} --outdir {shlex.quote(str(run.path))} --resume"
        return learned(run, self.resolved, Subject(probe, split, {}, going_on), hardware, team, audience)

    def _settle(self, probe: Probe, split: Split, hardware: Hardware) -> None:
        """By the first batches of the training; a resumed one, and each process of several, takes the same."""
        stream = BatchStream(split, self.resolved.masks, probe, self.resolved.plan, hardware, Team())
        with hardware.autocast():
            probe.settle(stream.get(step) for step in range(SETTLING))


def features_once(probe: Probe, split: Split, plan: Plan, hardware: Hardware, audience: Audience) -> np.ndarray:
    """A frozen encoder's features of every image that training will take, float32 [N, features]; of others 0.

    Images are seen in groups that do not depend on which are taken, so that a resumed run computes the same.
    """
    found = np.zeros((len(split), probe.design.features), np.float32)
    taken = SampleOrder(len(split), plan.seed).indices(0, min(plan.steps * plan.batch, len(split))).numpy()
    starts = np.unique(taken // GROUP) * GROUP
    probe.eval()
    with audience.progress("features", len(starts)) as advance:
        for number, start in enumerate(starts.tolist()):
            rows = slice(start, min(start + GROUP, len(split)))
            image = to_signed(torch.from_numpy(split.images[rows]).to(hardware.device))
            with torch.no_grad(), hardware.autocast():
                found[rows] = probe.features(image, torch.ones_like(image[:, :1])).float().cpu().numpy()
            advance(number + 1)
    return found


def _job(
    asked: Asked,
    encoder: Encoder,
    prepared: PreparedFile,
    targets: tuple[str, ...],
    frozen: bool,
    given: Mapping[str, Any],
    earlier: Earlier,
    hardware: Hardware,
    team: Team,
    audience: Audience,
) -> Job:
    """Given before saved before the paper's, for each value; `InputError` where the data do not suffice."""
    own, _ = asked.split()
    said = {name: value for name, value in given.items() if value is not None}
    chosen = {**DEFAULTS, **PAPERS, **earlier.saved, **said}
    train = prepared.split("train")
    if len(train) < chosen["batch"]:
        raise InputError(
            f"{prepared.path}: {len(train)} images to train on are fewer than a batch of {chosen['batch']}: a smaller "
            "--batch, or more images"
        )
    begun = (earlier.saved.get("transfer") or {}).get("settings", {})
    how = make_settings(HowToProbe, {**recalled(HowToProbe, begun), **own})
    classes = int(np.asarray(train.labels["labels"][:]).max()) + 1 if "labels" in targets else 0
    design = Design(targets, encoder.features, classes, frozen)
    masks = masks_of(chosen["masks"], audience)
    for split in (train, preview_split(prepared)):
        masks.of(split).check(prepared.shape)
    check_masks(encoder.name, encoder.method, masks)
    values = {name: chosen[name] for name in (*DEFAULTS, "steps", "batch")} | {
        "method": encoder.name,
        "masks": masks.spec,
        "masks_digest": masks.digest if masks.folders else None,
        "sample_every": chosen["steps"],
        "settings": settings_values(encoder.method.settings),
        "transfer": _record(encoder, design, how),
        **circumstances(prepared, hardware, team, given["command"]),
    }
    resolved = Resolved(configured(values), prepared, encoder.method.settings, masks, {})
    words = [f"inpaint transfer {asked.words}", f"--data {prepared.path}", f"--targets {','.join(targets)}"]
    return Job(resolved, encoder, design, how, " ".join([*words, *(["--frozen"] if frozen else [])]))


def _record(encoder: Encoder, design: Design, how: HowToProbe) -> dict[str, Any]:
    """As run.json and every checkpoint name the transfer."""
    return {
        "targets": ",".join(design.targets),
        "frozen": design.frozen,
        "settings": settings_values(how),
        "features": design.features,
        "classes": design.classes,
        "pretrained_on": encoder.masks,
        "pretrained_step": encoder.step,
        "pretrained_batch": encoder.batch,
        "pretrained": encoder.digest,
    }
