"""`inpaint export`: a run becomes one small file that completes, with this program or without."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from inpaint_cli.cli import completing, options
from inpaint_cli.cli.terminal import Terminal, say
from inpaint_cli.errors import UsageError

if TYPE_CHECKING:
    from inpaint_cli.jobs.exporting import Exported
    from inpaint_cli.jobs.graphs import Graph

Source = Annotated[
    Path,
    typer.Argument(
        metavar="RUN|FILE",
        autocompletion=completing.names("checkpoints"),
        help="A run directory (its newest checkpoint), a checkpoint file or a model's name.",
    ),
]
Output = Annotated[
    Path,
    typer.Option("-o", "--output", rich_help_panel=options.RESULT, help="The file to make, such as faces.safetensors."),
]
Format = Annotated[
    Literal["checkpoint", "torchscript", "onnx"],
    typer.Option(
        "--format",
        **completing.one_of("checkpoint|torchscript|onnx", "format"),
        rich_help_panel=options.RESULT,
        help="A checkpoint for this program, or a graph that runs without it; onnx: pip install 'inpaint-cli\\[onnx]'.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        rich_help_panel=options.HOW,
        help="What it was trained on, to try rounded weights on. Default: the run's own, where it still is.",
    ),
]
About = Annotated[
    str | None,
    typer.Option("--about", metavar="TEXT", rich_help_panel=options.RESULT, help="What it is for, and what not."),
]
Results = Annotated[
    list[Path] | None,
    typer.Option(
        "--results",
        rich_help_panel=options.HOW,
        help="Put figures on the card: what `inpaint evaluate -o` wrote of it; repeat for several.",
    ),
]
Blend = Annotated[
    str | None,
    typer.Option(
        "--blend",
        metavar="MODEL=SHARE",
        rich_help_panel=options.HOW,
        help="Average with another model's weights, SHARE of them: between a sharp one and the softer, truer one that "
        "it began with.",
    ),
]
Images = Annotated[
    int | None,
    typer.Option(
        "--images",
        min=1,
        rich_help_panel=options.HOW,
        help="Held-out images to try rounded weights on, at most; a search may take a minute for each. Default: 64.",
    ),
]

Device = Annotated[str, options.device(options.HOW)]
Overwrite = Annotated[bool, options.overwrite(options.RESULT)]
Quiet = Annotated[bool, options.quiet(options.RESULT)]


def export(
    source: Source,
    output: Output,
    format: Format = "checkpoint",
    data: Data = None,
    about: About = None,
    results: Results = None,
    blend: Blend = None,
    images: Images = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write what completion needs of a trained model, and no more, with a card of what it is.

    The file completes like the run. Weights are rounded to 16 bits where that
    changes the completions of held-out images by less than half a grey level.

    --format torchscript or onnx: a graph that other programs run, weights as they
    are; its metadata say what goes in and what comes out. Before it is written its
    completions are compared with the method's.

    [bold]inpaint export runs/mde -o mde.safetensors --about "holes of 24 pixels in photos"[/bold]
    """
    from inpaint_cli.files import refuse_existing
    from inpaint_cli.jobs.refusals import refuse_at_once, refuse_bare_method

    if format != "checkpoint":
        _refuse({"--data": data, "--results": results, "--blend": blend, "--images": images}, format)
    refuse_bare_method(source)
    refuse_at_once([], data, [source], results or [], device=device, also=[lambda: refuse_existing(output, overwrite)])
    if format != "checkpoint":
        from inpaint_cli.jobs.graphs import export_graph

        graph = export_graph(source, output, format, about=about, overwrite=overwrite)
        if not quiet:
            say(summary_of_graph(graph))
        return
    from inpaint_cli.jobs.exporting import export as write

    done = write(
        source, output, data=data, about=about, results=results or (), blend=_parsed(blend), images=images or 64,
        device=device, overwrite=overwrite, progress=Terminal(quiet),
    )  # fmt: skip
    if not quiet:
        say(summary(done))


def _parsed(blend: str | None) -> tuple[str, float] | None:
    if blend is None:
        return None
    model, _, share = blend.rpartition("=")
    try:
        return model, float(share)
    except ValueError:
        raise UsageError(f"--blend {blend}: no MODEL=SHARE, such as faces=0.2") from None


def _refuse(options: dict[str, object], format: str) -> None:
    """What a checkpoint alone has."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise UsageError(f"{', '.join(given)}: of a checkpoint's card and weights; --format {format} has neither")


def summary_of_graph(graph: "Graph") -> str:
    """Where it is, how large, what goes in and comes out, and how near its completions are."""
    from inpaint_cli.jobs.cards import bytes_words

    levels = graph.difference * 127.5
    lines = [
        f"{graph.path}: {bytes_words(graph.bytes)}, at most {levels:.2g} grey levels from {graph.card['method']}'s"
    ]
    lines += [f"  in   {name}: {text}" for name, text in graph.card["inputs"].items()]
    lines += [f"  out  {name}: {text}" for name, text in graph.card["outputs"].items()]
    return "\n".join([*lines, f"  holes: {graph.card['holes']}"])


def summary(done: "Exported") -> str:
    """Where it is, how large, and the card."""
    from inpaint_cli.jobs.cards import bytes_words

    sizes = f"{bytes_words(done.bytes)} of {bytes_words(done.bytes_before)}"
    return f"{done.path}: {sizes}, weights as {done.card['rounding']['weights']}"
