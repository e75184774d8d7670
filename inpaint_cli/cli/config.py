"""`--config FILE`: a file's options stand where the command line has none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from inpaint_cli.errors import UsageError, unknown

TABLES = ("set", "weights")  # options NAME=VALUE: of these the file's come first, and the command line's on top


def option(reader: str, panel: str | None = None) -> Any:
    """reader: the function of `jobs/configs.py` that reads the file for this command."""

    def load(ctx: typer.Context, path: Path | None) -> Path | None:
        if path is not None:
            from inpaint_cli.jobs import configs

            _take(ctx, path, getattr(configs, reader)(path))
        return path

    return typer.Option(
        "--config",
        metavar="FILE",
        rich_help_panel=panel,
        is_eager=True,
        callback=load,
        help="Options from a TOML file, by their names (steps = 600, a table \\[set]), or a run's run.json. What the "
        "command line says counts before the file.",
    )


def on_top(ctx: typer.Context, param: typer.CallbackParam, given: list[str] | None) -> list[str] | None:
    """Callback of an option NAME=VALUE: what the file has, and on top what the command line has."""
    return [*ctx.meta.get(param.name or "", []), *(given or [])] or given


def _take(ctx: typer.Context, path: Path, values: Mapping[str, Any]) -> None:
    names = {name.lstrip("-"): parameter for parameter in ctx.command.params for name in parameter.opts}
    ctx.default_map = {}
    for written, value in values.items():
        name = written.replace("_", "-")
        if name not in names or name in ("config", "help"):
            raise UsageError(f"{path}: {unknown('option', written, {*names} - {'config', 'help', 'o', 'q'})}")
        parameter = names[name]
        if name in TABLES:
            ctx.meta[parameter.name] = _assignments(path, name, value)
        elif isinstance(value, dict) or (isinstance(value, list) and not getattr(parameter, "multiple", False)):
            raise UsageError(
                f"{path}: {written} takes one value; to train with several, the shell runs the command for each: "
                "inpaint guide training"
            )
        else:
            several = getattr(parameter, "multiple", False) and not isinstance(value, list)
            ctx.default_map[parameter.name] = [value] if several else value


def _assignments(path: Path, name: str, value: Any) -> list[str]:
    if not isinstance(value, dict):
        raise UsageError(f"{path}: {name} is a table, [{name}] with a line NAME = VALUE for each")
    return [f"{key}={each}" for key, each in value.items()]
