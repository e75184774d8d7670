"""What there is to say of a transferred checkpoint beside its figures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inpaint_cli.data.schema import LANDMARKS
from inpaint_cli.engine.checkpoints import is_checkpoint
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.errors import InputError
from inpaint_cli.jobs.evaluation.subjects import PreparedSubject
from inpaint_cli.jobs.evaluation.systems import transfer_of
from inpaint_cli.jobs.loading import Loaded, from_checkpoint
from inpaint_cli.probes import Classes, Probe

ATTRIBUTES = "attributes"


def classifier_from(path: Path) -> Classes | None:
    """A transfer to classes, by its run directory or checkpoint; None where the file is another kind of classifier."""
    if not (path.is_dir() or is_checkpoint(path)):
        return None
    loaded = from_checkpoint(path, None, {}, choose_hardware("cpu", "fp32"))
    if not isinstance(loaded.method, Probe) or "labels" not in loaded.method.annotates:
        raise InputError(
            f"{path}: a checkpoint of {loaded.name} that tells no classes apart; a classifier is what "
            "`inpaint transfer --targets labels` trains"
        )
    classes = loaded.method.design.classes
    return Classes(
        loaded.method, f"{loaded.name} transferred to {classes} classes, checkpoint {str(loaded.digest)[:16]}"
    )


def refuse_to_guess(probe: Probe, subject: PreparedSubject) -> Iterator[str]:
    """Attributes that are the same in all images of the training or of this measurement: left out, and named."""
    if ATTRIBUTES not in probe.annotates or ATTRIBUTES not in subject.images.labels:
        return
    rows = np.asarray(subject.images.labels[ATTRIBUTES][: subject.count]) > 0
    varying = torch.from_numpy(rows.any(axis=0) & ~rows.all(axis=0))
    probe.say_nothing_of(~varying.to(probe.typical(ATTRIBUTES).device))
    silent = [name for name, says in zip(attribute_names(subject), probe.says.tolist(), strict=True) if not says]
    if silent:
        yield f"attributes that never vary, in training or here, are left out: {', '.join(silent)}"


def attribute_names(subject: PreparedSubject) -> list[str]:
    count = subject.images.labels[ATTRIBUTES].shape[1]
    return subject.prepared.label_names.get(ATTRIBUTES) or [str(number) for number in range(count)]


def facts_of_transfer(loaded: Loaded, probe: Probe, subject: PreparedSubject) -> dict[str, Any]:
    """What results say of a transfer alone."""
    transfer = transfer_of(loaded)
    assert transfer is not None
    elements = {}
    if ATTRIBUTES in probe.annotates and ATTRIBUTES in subject.images.labels:
        elements["attribute_error_by_attribute"] = attribute_names(subject)
    if "landmarks" in probe.annotates:
        elements["landmark_error_by_point"] = [*LANDMARKS]
    return {
        "pretrained_on": transfer.learned_on,
        "pretrained_step": transfer.pretrained_step,
        "pretrained_batch": transfer.pretrained_batch,
        "elements": elements,
    }
