"""A trained method's completion as one graph that runs without this program: TorchScript or ONNX.

In go images and masks, and noise where the method draws some; out come completions. The number of images is free, their
size is the one that the networks were built for. What a graph answers is compared with `complete` before it is written.
"""

import io
import json
import logging
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from inpaint_cli.engine.checkpoints import find_checkpoint
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.randomness import generator_for
from inpaint_cli.engine.slimming import keep_what_completes
from inpaint_cli.errors import EnvironmentFault, InputError, UsageError, unknown
from inpaint_cli.files import refuse_existing, refuse_inputs, replacing
from inpaint_cli.jobs.loading import Loaded, loaded_from
from inpaint_cli.jobs.refusals import refuse_bare_method
from inpaint_cli.jobs.shipped import checkpoint_of
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Method

TOLERANCE = 1e-3  # between values in [-1, 1]: an eighth of a grey level
NEEDED = {"torchscript": (), "onnx": ("onnx", "onnxscript", "onnxruntime")}  # packages; `inpaint-cli[onnx]` has them
DRAWS = {torch.rand: "uniform in [0, 1)", torch.randn: "from N(0, 1)"}
TRACED, COMPARED = 5, 3  # images that a graph is made of, more than channels, and that it is compared on


@dataclass(frozen=True)
class Graph:
    """What was written."""

    path: Path
    card: dict[str, Any]  # as the file's metadata have it, under `inpaint`
    difference: float  # the greatest between a value that it completes and the method's own, both in [-1, 1]
    bytes: int


def export_graph(
    source: Path | str, output: Path | str, kind: str, *, about: str | None = None, overwrite: bool = False
) -> Graph:
    """Write the completion of a run, a checkpoint or a model as `kind`, "torchscript" or "onnx"."""
    output = Path(output)
    refuse_graph(kind)
    refuse_bare_method(source)
    refuse_existing(output, overwrite)
    found = find_checkpoint(checkpoint_of(source))
    refuse_inputs([output], [found.path, Path(source)])
    loaded = loaded_from(found, None, {}, choose_hardware("cpu", "fp32"))
    refuse_what_is_no_graph(loaded)
    method = keep_what_completes(loaded.method)
    method.helpers = defaultdict(nn.Identity)  # those of losses are gone, and torch.jit looks at every property
    example = _example(method, TRACED)
    card = _card(loaded, example, about)
    with _silence():
        content = _converted(kind, Completion(method), example, card)
        other = _example(method, COMPARED)
        difference = float((KINDS[kind].answer(content, other.inputs) - other.completed).abs().max())
    if not difference < TOLERANCE:
        raise EnvironmentFault(
            f"{output}: not written, since its completions are up to {difference:.2g} away from {loaded.name}'s: "
            f"torch {torch.__version__} does not export this method as {kind}"
        )
    with replacing(output, overwrite) as temporary:
        temporary.write_bytes(content)
    return Graph(output, card, difference, len(content))


# ---- what is refused -------------------------------------------------------------------------------------------------


def refuse_graph(kind: str) -> None:
    """`UsageError` for a kind that there is not, `EnvironmentFault` where packages are missing that it takes."""
    if kind not in NEEDED:
        raise UsageError(unknown("format", kind, NEEDED))
    missing = [package for package in NEEDED[kind] if find_spec(package) is None]
    if missing:
        raise EnvironmentFault(f"--format {kind} needs {', '.join(missing)}; pip install 'inpaint-cli[{kind}]'")


def refuse_what_is_no_graph(loaded: Loaded) -> None:
    """`UsageError` for a method whose completion is not one pass of its networks, or that completes nothing."""
    if loaded.method.works_by:
        raise UsageError(
            f"{loaded.name} completes by {loaded.method.works_by}: that is no graph from image to completion. "
            "--format checkpoint writes one file that this program completes with"
        )
    if not loaded.method.completes:
        raise UsageError(f"{loaded.name} annotates photos and completes none: there is no completion to export")


# ---- what is exported ------------------------------------------------------------------------------------------------


class Completion(nn.Module):
    """image [N, C, H, W] in [-1, 1], mask [N, 1, H, W], 1 = known, noise -> completed [N, C, H, W]."""

    def __init__(self, method: Method):
        super().__init__()
        self.method = method

    def forward(self, image: Tensor, mask: Tensor, noise: Tensor | None = None) -> Tensor:
        """noise: what the method draws, where it draws something."""
        observed = torch.where(mask > 0, image, 0.0)
        with Draws(noise):
            return self.method.complete(observed, mask)[:, 0]


class Draws(TorchFunctionMode):
    """Hands out `given` in place of what is drawn, or remembers what is drawn, and how."""

    def __init__(self, given: Tensor | None = None):
        super().__init__()
        self.given = given
        self.drawn: list[tuple[Callable[..., Tensor], Tensor]] = []

    def __torch_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), options: Mapping[str, Any] | None = None
    ) -> Any:
        if function not in DRAWS:
            return function(*arguments, **(options or {}))
        if self.given is not None:
            return self.given
        self.drawn.append((function, function(*arguments, **(options or {}))))
        return self.drawn[-1][1]


class Example(NamedTuple):
    """What goes in and what comes out."""

    inputs: dict[str, Tensor]  # by name
    noise: str  # how the noise among them is distributed; nothing where there is none
    completed: Tensor  # by the method itself, [N, C, H, W]


def _example(method: Method, count: int) -> Example:
    """Images of noise behind masks as in training."""
    generator = generator_for("cpu", count, "export")
    image = torch.rand(count, *method.shape, generator=generator) * 2 - 1
    try:
        assert method.masks is not None  # what is trained has them
        mask = method.masks.draw(count, method.shape, generator=generator)
    except InputError:  # they come from files that are out of reach
        mask = parse_masks(f"center:{min(method.shape[1:]) // 4}").draw(count, method.shape, generator=generator)
    mask = mask.float().contiguous()
    with torch.no_grad(), Draws() as draws:
        completed = method.complete(torch.where(mask > 0, image, 0.0), mask)[:, 0]
    inputs = {"image": image, "mask": mask}
    for function, drawn in draws.drawn[:1]:
        return Example({**inputs, "noise": drawn}, DRAWS[function], completed)
    return Example(inputs, "", completed)


def _card(loaded: Loaded, example: Example, about: str | None) -> dict[str, Any]:
    """What the file says of itself."""
    assert loaded.header is not None  # it was loaded from a checkpoint
    header, inputs = loaded.header, example.inputs
    said = {
        "image": "in [-1, 1], level / 127.5 - 1; what is missing may hold any number",
        "mask": "1 = known, 0 = missing",
        "noise": f"{example.noise}; other noise, another completion",
    }
    return {
        "method": loaded.name,
        "step": header.step,
        "made_from": header.made_from or loaded.digest,
        "about": header.about if about is None else about,
        "trained_on_masks": header.masks,
        "inputs": {name: f"float32 {_shape(value)}: {said[name]}" for name, value in inputs.items()},
        "outputs": {"completed": f"float32 {_shape(inputs['image'])}: in [-1, 1]; known pixels as they came"},
        "holes": _holes(loaded.method),
    }


def _holes(method: Method) -> str:
    """Where the networks paint."""
    region = getattr(method, "region", None)  # of the methods that paint a part of the image
    if region is None or region[2:] == method.shape[1:]:
        return "anywhere"
    below, right = region.top + region.height, region.left + region.width
    return f"rows {region.top} to {below - 1}, columns {region.left} to {right - 1}; others are painted by nobody"


def _free(value: Tensor) -> bool:
    """Whether its first axis counts images."""
    return len(value) == TRACED


def _shape(value: Tensor) -> str:
    first = "N" if _free(value) else str(len(value))
    return f"[{', '.join([first, *map(str, value.shape[1:])])}]"


def _converted(kind: str, completion: Completion, example: Example, card: Mapping[str, Any]) -> bytes:
    """The file's contents; `EnvironmentFault` where torch lacks the conversion of a part of the networks."""
    try:
        return KINDS[kind].written(completion, example.inputs, card)
    except (RuntimeError, TypeError, ValueError, torch.onnx.OnnxExporterError) as error:
        cause = error.__cause__ or error
        others = " or ".join(f"--format {other}" for other in KINDS if other != kind)
        raise EnvironmentFault(
            f"torch {torch.__version__} does not export {card['method']} as {kind} "
            f"({str(cause).splitlines()[0]}); {others} may"
        ) from None


# ---- how it is written and run ---------------------------------------------------------------------------------------


@contextmanager
def _silence() -> Iterator[None]:
    """torch says what only its developers can read."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _torchscript(completion: Completion, inputs: Mapping[str, Tensor], card: Mapping[str, Any]) -> bytes:
    graph = torch.jit.trace(completion, tuple(inputs.values()), check_trace=False)
    content = io.BytesIO()
    torch.jit.save(graph, content, _extra_files={"inpaint": json.dumps(card)})
    return content.getvalue()


def _run_torchscript(content: bytes, inputs: Mapping[str, Tensor]) -> Tensor:
    with torch.no_grad():
        return torch.jit.load(io.BytesIO(content))(*inputs.values())


def _onnx(completion: Completion, inputs: Mapping[str, Tensor], card: Mapping[str, Any]) -> bytes:
    import onnx

    count = torch.export.Dim("N", min=1)
    program = torch.onnx.export(
        completion, tuple(inputs.values()), input_names=list(inputs), output_names=["completed"], dynamo=True,
        dynamic_shapes=tuple({0: count} if _free(value) else {} for value in inputs.values()), verbose=False,
    )  # fmt: skip
    assert program is not None  # without a file it is what is returned
    model = program.model_proto
    model.doc_string = "; ".join(f"{name}: {text}" for name, text in {**card["inputs"], **card["outputs"]}.items())
    onnx.helper.set_model_props(model, {"inpaint": json.dumps(card)})
    return model.SerializeToString()


def _run_onnx(content: bytes, inputs: Mapping[str, Tensor]) -> Tensor:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    answer = session.run(["completed"], {name: value.numpy() for name, value in inputs.items()})
    return torch.from_numpy(answer[0])


class Kind(NamedTuple):
    """One format: a graph into bytes, and what those answer."""

    written: Callable[[Completion, Mapping[str, Tensor], Mapping[str, Any]], bytes]
    answer: Callable[[bytes, Mapping[str, Tensor]], Tensor]


KINDS = {"torchscript": Kind(_torchscript, _run_torchscript), "onnx": Kind(_onnx, _run_onnx)}
