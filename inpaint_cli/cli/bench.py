"""`inpaint bench`: how fast a method trains on this machine, and where its time goes."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inpaint_cli.cli import options
from inpaint_cli.cli.terminal import Terminal, say
from inpaint_cli.cli.train import Compile, Device, Masks, Method, Quiet, Settings

if TYPE_CHECKING:
    from inpaint_cli.jobs.benching import Benched

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        rich_help_panel=options.WHAT,
        help="A prepared file. Default: made-up images in the shape of the paper's.",
    ),
]
Batch = Annotated[
    int | None,
    typer.Option("--batch", min=1, rich_help_panel=options.WHAT, help="Images per update. Default: the paper's."),
]
Precision = Annotated[str, options.precision(options.MACHINE)]
AsJson = Annotated[bool, options.as_json(options.RESULT)]


def bench(
    method: Method,
    data: Data = None,
    masks: Masks = None,
    batch: Batch = None,
    settings: Settings = None,
    device: Device = "auto",
    precision: Precision = "auto",
    compile: Compile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Time training steps: images/s, memory, where the time goes, how much of this machine's arithmetic is used.

    The machine's rates are measured at the same time. Nothing is trained or written.

    [bold]inpaint bench --method mde --batch 16[/bold]
    """
    from inpaint_cli.jobs.refusals import refuse_at_once, refuse_untimed

    also = [partial(refuse_untimed, method)]
    refuse_at_once([method], data, masks=[masks] if masks else [], device=device, also=also)
    from inpaint_cli.jobs.benching import bench as run

    found = run(
        method, data, masks=masks, batch=batch, settings=settings or (), precision=precision, device=device,
        compile=bool(compile), progress=Terminal(quiet),
    )  # fmt: skip
    say(json.dumps(asdict(found), indent=2) if as_json else "\n".join(lines(found)))


def lines(found: "Benched") -> Iterator[str]:
    """What is measured, in words."""
    channels, height, width = found.shape
    yield (
        f"{found.method}, {width}×{height} with {channels} channels ({found.data}), masks {found.masks}, "
        f"batch {found.batch}, {found.device}, {found.precision}, {found.threads} threads"
    )
    yield (
        f"speed     {found.images_per_second:.1f} images/s; a step {1000 * found.step_seconds:.1f} ms "
        f"(median of {found.steps}; the quietest {1000 * found.quietest_step_seconds:.1f} ms)"
    )
    shares = [f"{part} {100 * share:.1f} %" for part, share in found.shares.items()]
    shares[0] += f" (reading {100 * found.reading:.1f} %)"
    yield f"time      {', '.join(shares)}"
    yield (
        f"machine   {found.machine['matrix'] / 1e9:.0f} GFLOP/s in matrix products, "
        f"{found.machine['convolution'] / 1e9:.0f} in convolutions"
    )
    yield (
        f"used      {100 * found.share_of_machine:.0f} % of that: a step is "
        f"{sum(found.operations.values()) / 1e9:.1f} GFLOP, {found.operations['convolution'] / 1e9:.1f} in convolutions"
    )
    bound = "more than " if found.is_largest_bounded else "about "
    yield (
        f"memory    {found.peak_memory / 2**30:.2f} GiB at most; {bound}{found.largest_batch} images would fit at once"
    )
