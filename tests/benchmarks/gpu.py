"""`make benchmark-gpu`: all that a GPU is needed for, in ten minutes: its tests, then every method's step as the paper
trains it, as it is and with --compile, appended to RESULTS.md as a table."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

import inpaint_cli
from inpaint_cli.errors import InpaintError
from inpaint_cli.jobs.benching import Benched
from inpaint_cli.methods import method_class, method_names

RESULTS = Path(__file__).parent / "RESULTS.md"
SECONDS = 600.0  # of all together
LONGEST_TESTS = 240.0
LONGEST = 60.0  # seconds that one more method may take: none is begun with less left


def main() -> int:
    if not torch.cuda.is_available():
        print("make benchmark-gpu: torch finds no usable NVIDIA GPU here, and nothing was measured", file=sys.stderr)
        return 4
    until = time.monotonic() + SECONDS
    failed = tested()
    methods = [name for name in method_names() if method_class(name).defaults]
    lines = [*table(methods, lambda name, **options: measured(name, until, **options), torch.cuda.get_device_name())]
    print("\n".join(lines))
    with RESULTS.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    return failed


def tested() -> int:
    """The exit code of the tests that need a GPU; what is measured after them does not wait for them for ever."""
    try:
        return subprocess.run([sys.executable, "-m", "pytest", "-q", "-m", "gpu"], timeout=LONGEST_TESTS).returncode
    except subprocess.TimeoutExpired:
        print(f"the tests took more than {LONGEST_TESTS:.0f} seconds", file=sys.stderr)
        return 1


def measured(name: str, until: float, **options: bool) -> Benched | str:
    """What `inpaint bench` finds on the GPU, or why there is nothing: said at once, for whom the time ends first."""
    found = _found(name, until, **options)
    speed = f"{found.images_per_second:.0f} images/s" if isinstance(found, Benched) else found
    print(f"{name}{' --compile' if options.get('compile') else ''}: {speed}", file=sys.stderr, flush=True)
    return found


def _found(name: str, until: float, **options: bool) -> Benched | str:
    if time.monotonic() > until - LONGEST:
        return "no time left"
    try:
        return inpaint_cli.bench(name, device="cuda", **options)
    except InpaintError as error:
        return str(error).partition("\n")[0]
    except Exception as error:  # a fault of one method, which is to be seen, ends no other's row
        return f"{type(error).__name__}: {error}".partition("\n")[0]


def table(methods: list[str], bench: Callable[..., Benched | str], device: str) -> Iterator[str]:
    """Markdown. Compilation comes after all that is measured without it."""
    plain = {name: bench(name) for name in methods}
    compiled = {name: bench(name, compile=True) for name in methods}
    yield from ("", f"`make benchmark-gpu` on {device}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}:", "")
    yield "| the paper's size and batch | images/s | of the measured rate | data | peak GiB | images/s with --compile |"
    yield "|---|---|---|---|---|---|"
    for name, found in plain.items():
        other = compiled[name]
        faster = f"{other.images_per_second:.0f}" if isinstance(other, Benched) else other
        if isinstance(found, Benched):
            figures = (
                f"{found.images_per_second:.0f}", f"{100 * found.share_of_machine:.0f} % ({found.precision})",
                f"{100 * found.shares['data']:.1f} %", f"{found.peak_memory / 2**30:.2f}", faster,
            )  # fmt: skip
        else:
            figures = (found, "", "", "", faster)
        yield f"| `{name}` | {' | '.join(figures)} |"


if __name__ == "__main__":
    sys.exit(main())
