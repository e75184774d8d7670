"""What a trained method says about images: label maps and landmarks of photos and of sets that are prepared."""

from pathlib import Path
from typing import Any

from inpaint_cli.errors import InputError

# ---- sets that are prepared ------------------------------------------------------------------------------------------


def labeller_from(checkpoint: Path, landmarks: bool, device: str) -> Any:
    """A trained parser as `inpaint prepare` takes it (data.labelling.Labeller); `InputError` where it is none."""
    from inpaint_cli.cli.assembly import load_for_completion
    from inpaint_cli.data.labelling import Labeller
    from inpaint_cli.data.schema import Shape
    from inpaint_cli.engine.annotating import label_maps
    from inpaint_cli.engine.devices import choose_hardware

    hardware = choose_hardware(device, "fp32")
    loaded = load_for_completion(checkpoint, None, [], None, hardware)
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


def _refuse_other_labels(checkpoint: Path, loaded: Any) -> None:
    from inpaint_cli.data.label_maps import HELEN
    from inpaint_cli.settings import settings_values

    labels = settings_values(loaded.method.settings).get("labels", len(HELEN))
    if labels != len(HELEN):
        raise InputError(
            f"{checkpoint}: this parser knows {labels} labels, and prepared data hold the {len(HELEN)} of Helen "
            f"({', '.join(HELEN)})"
        )
