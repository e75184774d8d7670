"""A trained parser as `prepare` takes it, to label sets that have no label maps."""

from pathlib import Path

from inpaint_cli.data.label_maps import HELEN
from inpaint_cli.data.labelling import Labeller
from inpaint_cli.data.schema import Shape
from inpaint_cli.engine.annotating import label_maps
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.errors import InputError
from inpaint_cli.jobs.loading import Loaded, load_for_completion
from inpaint_cli.settings import settings_values


def labeller_from(checkpoint: Path, landmarks: bool = False, device: str = "auto") -> Labeller:
    """A trained parser; `InputError` where the checkpoint holds none."""
    hardware = choose_hardware(device, "fp32")
    loaded = load_for_completion(checkpoint, None, (), hardware)
    if "parsing" not in loaded.method.annotates:
        raise InputError(
            f"{checkpoint}: a checkpoint of {loaded.name}, which gives no label maps; --parsing takes one of a method "
            "that does, such as face-parser (inpaint train --method face-parser)"
        )
    _refuse_other_labels(checkpoint, loaded)
    origin = f"{loaded.name}, checkpoint {loaded.digest}, step {loaded.step}"
    return Labeller(
        lambda images: label_maps(loaded.method, images, hardware), Shape(*loaded.method.shape), origin, landmarks
    )


def _refuse_other_labels(checkpoint: Path, loaded: Loaded) -> None:
    labels = settings_values(loaded.method.settings).get("labels", len(HELEN))
    if labels != len(HELEN):
        raise InputError(
            f"{checkpoint}: this parser knows {labels} labels, and prepared data hold the {len(HELEN)} of Helen "
            f"({', '.join(HELEN)})"
        )
