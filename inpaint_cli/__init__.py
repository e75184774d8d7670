"""Train, run and compare image-completion systems: the library under the command line.

    import inpaint_cli

    inpaint_cli.complete("photo.png", "mask.png")             # -> photo_inpaint.png, with no training
    filled = inpaint_cli.complete(array, array_of_booleans)   # an array for an array, an image for an image
    model = inpaint_cli.load("runs/mde")                      # model.complete, .annotate, .features, .settings, .card
    inpaint_cli.prepare("folder", "photos", "photos.h5")
    inpaint_cli.train("mde", "photos.h5", "runs/mde", steps=600, settings={"width": 16})
    inpaint_cli.evaluate("photos.h5", "block:24", checkpoints=["runs/mde"], methods=["patch"]).results
    inpaint_cli.evaluate(completed={"theirs": "folder"}, originals="originals", mask_folder="masks").tables
    inpaint_cli.transfer("faces.h5", "attributes", checkpoint="runs/mde").measured.tables
    inpaint_cli.export("runs/mde", "mde.safetensors")         # one small file that completes like the run
    inpaint_cli.export_graph("runs/mde", "mde.onnx", "onnx")  # a graph that runs without this package
    inpaint_cli.models()                                      # those that come with it: inpaint_cli.load(NAME)
    inpaint_cli.bench("mde").images_per_second                # and where the time of a training step goes
    inpaint_cli.doctor().mistakes                             # what commonly is wrong with a machine

What goes wrong is one of `inpaint_cli.errors`, with the command line's own words; nothing is printed. `progress`, which
all of them take, is called with how much is done and how much there is; an `Audience` hears notes, too. Each name is
imported when it is first asked for, so that `import inpaint_cli` itself is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from inpaint_cli import errors as errors
    from inpaint_cli import methods as methods
    from inpaint_cli.jobs.audience import Audience as Audience
    from inpaint_cli.jobs.benching import Benched as Benched
    from inpaint_cli.jobs.benching import bench as bench
    from inpaint_cli.jobs.doctor import Diagnosis as Diagnosis
    from inpaint_cli.jobs.doctor import doctor as doctor
    from inpaint_cli.jobs.evaluation.measuring import Measured as Measured
    from inpaint_cli.jobs.evaluation.measuring import evaluate as evaluate
    from inpaint_cli.jobs.exporting import Exported as Exported
    from inpaint_cli.jobs.exporting import export as export
    from inpaint_cli.jobs.graphs import Graph as Graph
    from inpaint_cli.jobs.graphs import export_graph as export_graph
    from inpaint_cli.jobs.models import Model as Model
    from inpaint_cli.jobs.models import complete as complete
    from inpaint_cli.jobs.models import load as load
    from inpaint_cli.jobs.run_list import RunEntry as RunEntry
    from inpaint_cli.jobs.run_list import runs as runs
    from inpaint_cli.jobs.sets.completing import SetOptions as SetOptions
    from inpaint_cli.jobs.sets.completing import complete_set as complete_set
    from inpaint_cli.jobs.sets.preparing import prepare as prepare
    from inpaint_cli.jobs.sets.preparing import recipes as recipes
    from inpaint_cli.jobs.shipped import models as models
    from inpaint_cli.jobs.training.running import Trained as Trained
    from inpaint_cli.jobs.training.running import train as train
    from inpaint_cli.jobs.transferring.running import Transferred as Transferred
    from inpaint_cli.jobs.transferring.running import transfer as transfer

_ROOMS = {  # name -> where it stands
    "Audience": "jobs.audience",
    "Benched": "jobs.benching",
    "Diagnosis": "jobs.doctor",
    "Exported": "jobs.exporting",
    "Graph": "jobs.graphs",
    "Measured": "jobs.evaluation.measuring",
    "Model": "jobs.models",
    "RunEntry": "jobs.run_list",
    "SetOptions": "jobs.sets.completing",
    "Trained": "jobs.training.running",
    "Transferred": "jobs.transferring.running",
    "bench": "jobs.benching",
    "complete": "jobs.models",
    "complete_set": "jobs.sets.completing",
    "doctor": "jobs.doctor",
    "evaluate": "jobs.evaluation.measuring",
    "export": "jobs.exporting",
    "export_graph": "jobs.graphs",
    "load": "jobs.models",
    "models": "jobs.shipped",
    "prepare": "jobs.sets.preparing",
    "recipes": "jobs.sets.preparing",
    "runs": "jobs.run_list",
    "train": "jobs.training.running",
    "transfer": "jobs.transferring.running",
}
_MODULES = ("errors", "methods")
__all__ = [*_MODULES, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
