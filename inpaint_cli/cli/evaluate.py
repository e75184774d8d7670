"""`inpaint evaluate`: a method's numbers on a prepared split, for each mask specification."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from inpaint_cli.cli import options


def evaluate(
    data: Annotated[Path, typer.Option("--data", help="A file that `inpaint prepare` wrote.")],
    masks: Annotated[list[str], typer.Option("--masks", help="A masking process; repeat for several.")],
    checkpoint: options.Checkpoint = None,
    method: Annotated[str | None, typer.Option("--method", help="A method that needs no training: tv.")] = None,
    assignments: options.Set = None,
    split: Annotated[str, typer.Option("--split", help="Which images: train, validation or test.")] = "test",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N images.")] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images at once.")] = 32,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    grid: Annotated[
        Path | None, typer.Option("--grid", help="Also draw the first images of each result: a PNG.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also write the results as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON on stdout.")] = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure completed images: PSNR, SSIM and MSE of the whole image, PSNR and MSE of the hole."""
    from inpaint_cli.cli.assembly import check_shape, load_for_completion
    from inpaint_cli.data.reader import PreparedFile
    from inpaint_cli.engine.devices import choose_hardware
    from inpaint_cli.files import refuse_existing
    from inpaint_cli.masks import parse_masks

    for path in filter(None, (output, grid)):
        refuse_existing(path, overwrite)
    prepared = PreparedFile(data)
    chosen = prepared.split(split)
    processes = [parse_masks(spec) for spec in masks]
    for process in processes:
        process.check(prepared.shape)
    hardware = choose_hardware(device, "fp32")
    loaded = load_for_completion(checkpoint, method, assignments or [], prepared.shape, hardware)
    check_shape(loaded, prepared)
    results, examples = [], {}
    for process in processes:
        result, examples[process.spec] = _evaluate_one(
            loaded, prepared, chosen, process, hardware, seed, limit, batch, quiet
        )
        results.append(result)
    _report(results, examples, output, grid, as_json, overwrite)


def _evaluate_one(loaded, prepared, chosen, process, hardware, seed, limit, batch, quiet) -> tuple[dict[str, Any], Any]:
    from inpaint_cli.cli.progress import progress_bar
    from inpaint_cli.engine.evaluating import evaluate as measure_split
    from inpaint_cli.metrics import choose, definitions, summarise

    count = min(len(chosen), limit or len(chosen))
    with progress_bar(process.spec, count, quiet) as advance:
        per_image, examples = measure_split(
            loaded.method, chosen, process, hardware, seed=seed, limit=limit, batch=batch, progress=advance
        )
    summary = summarise(per_image, choose())
    result = {
        "method": loaded.name,
        "masks": process.spec,
        "images": summary.pop("images"),
        "metrics": summary,
        "data": {
            "path": str(prepared.path),
            "identity": prepared.identity,
            "recipe": prepared.recipe_name,
            "split": chosen.name,
        },
        "checkpoint": None if loaded.digest is None else {"digest": loaded.digest, "step": loaded.step},
        "seed": seed,
        "notes": list(loaded.notes),
        "definitions": definitions(choose()),
    }
    return result, examples


def _report(
    results: list[dict], examples: dict, output: Path | None, grid: Path | None, as_json: bool, overwrite: bool
) -> None:
    from inpaint_cli.files import replacing
    from inpaint_cli.reports.grids import grid as draw_grid
    from inpaint_cli.reports.tables import results_table

    text = json.dumps({"results": results}, indent=2, allow_nan=False) + "\n"
    if output:
        with replacing(output, overwrite) as temporary:
            temporary.write_text(text)
    if grid:
        rows = {f"{spec}\n{name}": list(stack) for spec, kept in examples.items() for name, stack in kept.items()}
        with replacing(grid, overwrite) as temporary:
            draw_grid(list(rows.values()), labels_left=list(rows)).save(temporary)
    typer.echo(text if as_json else results_table(results), nl=not as_json)
