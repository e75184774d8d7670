"""`inpaint doctor`: what a report of a bug needs, and what commonly is wrong."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from inpaint_cli.cli import options
from inpaint_cli.cli.terminal import say

if TYPE_CHECKING:
    from inpaint_cli.jobs.doctor import Diagnosis

GIB = 2**30


def doctor(as_json: options.AsJson = False) -> None:
    """Look at this machine and this installation: versions, devices, memory, disk, weights, models, common mistakes.

    It changes nothing, asks nothing of the network, and its exit code is 0 whatever it finds.

    [bold]inpaint doctor --json[/bold] goes with a report of a bug.
    """
    from inpaint_cli.jobs.doctor import doctor as examine

    found = examine()
    say(json.dumps(asdict(found), indent=2) if as_json else "\n".join(lines(found)))


def lines(found: "Diagnosis") -> Iterator[str]:
    """One fact a line, what looks wrong at the end."""
    yield f"versions  {', '.join(f'{name} {version}' for name, version in found.versions.items())}"
    yield f"system    {found.system}"
    for device in found.devices:
        memory = f"{device.free / GIB:.1f} of {device.total / GIB:.1f} GiB free"
        yield f"device    {device.name}: {device.model}, computes in {device.precision}, {memory}"
    yield f"threads   {found.threads} on {found.processors} processors, {max(0, round(found.idle)) or 'none'} idle"
    for folder, free in found.disk.items():
        yield f"disk      {free / GIB:.1f} GiB free in {folder}"
    for kind, files in (("weights", found.weights), ("model", found.models)):
        for file in files:
            yield f"{kind:<9} {file.name}: {file.state}, {file.path}"
    for text in found.untold:
        yield f"unknown   {text}"
    for text in found.mistakes:
        yield f"mistake   {text}"
    if not found.mistakes:
        yield "nothing looks wrong"
