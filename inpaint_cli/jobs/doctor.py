"""What a report of a bug needs to say of a machine, and what commonly is wrong with one. Nothing here fails: what
cannot be found out is said. Nothing asks the network."""

import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TypeVar

from inpaint_cli import __version__

Answer = TypeVar("Answer")
GIB = 2**30
LITTLE_DISK, LITTLE_MEMORY = 1 * GIB, 2 * GIB  # less of it ends a training sooner or later
DIGESTING = 2.0  # seconds for the digests of all files of weights together
OPTIONAL = (
    "pillow-heif",
    "lmdb",
    "onnxruntime",
    "tensorboard",
    "wandb",
)  # what `inpaint-cli[heif]`, `inpaint-cli[lsun]`, … add
CHUNK = 1 << 20
DRIVER = Path("/proc/driver/nvidia/version")  # is there where one is loaded


@dataclass(frozen=True)
class Device:
    """Something that computes."""

    name: str  # as --device takes it
    model: str
    precision: str  # that --precision auto takes: bf16 or fp32
    free: int  # bytes of memory
    total: int


@dataclass(frozen=True)
class Found:
    """A file that the program looks for."""

    name: str
    path: str
    state: str  # found, missing, …
    bytes: int = 0


@dataclass
class Diagnosis:
    """What was found out; empty where `untold` says why."""

    versions: dict[str, str] = field(default_factory=dict)
    system: str = ""
    devices: list[Device] = field(default_factory=list)
    processors: int = 0  # that this process may use
    threads: int = 0  # that torch uses
    idle: float = 0.0  # processors of the machine that no program used within a minute
    disk: dict[str, int] = field(default_factory=dict)  # folder -> free bytes
    weights: list[Found] = field(default_factory=list)
    models: list[Found] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)  # what looks wrong, and what to do
    untold: list[str] = field(default_factory=list)  # what could not be found out

    def ask(self, what: str, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        """The answer, or `otherwise` where asking fails: a broken installation is what this is for."""
        try:
            return question()
        except Exception as error:
            reason = (str(error) or type(error).__name__).partition("\n")[0]
            self.untold.append(f"{what}: {type(error).__name__}: {reason}")
            return otherwise


def doctor() -> Diagnosis:
    """Look at this machine and this installation; takes a few seconds, raises nothing, changes nothing."""
    found = Diagnosis()
    ask = found.ask
    found.versions = ask("versions", _versions, {})
    found.system = ask("system", platform.platform, "")
    found.processors = ask("processors", processors, 0)
    found.threads = ask("threads", _threads, 0)
    found.idle = ask("load", _idle, float(found.threads))
    found.devices = ask("the processor", _cpu, [])
    found.devices += ask("GPUs", lambda: _gpus(found.mistakes), [])
    found.disk = ask("disk", _disk, {})
    found.weights = ask("weights", _weights, [])
    found.models = ask("models", _models, [])
    for look in (_unused_gpu, _unjoined, _threads_that_do_not_suit, _room, _changed_files, _other_program):
        found.mistakes += ask("mistakes", partial(list, look(found)), [])
    return found


# ---- facts -----------------------------------------------------------------------------------------------------------


def _versions() -> dict[str, str]:
    """Of Python, of this program, and of the libraries that it asks for."""
    try:
        asked = metadata.requires("inpaint-cli") or ()
        wanted = [re.split(r"[^\w.-]", line)[0] for line in asked if "extra" not in line]
    except metadata.PackageNotFoundError:  # run from its source
        wanted = ["torch", "torchvision", "numpy"]
    libraries = {name: _version(name) for name in (*wanted, *OPTIONAL)}
    return {"inpaint": __version__, "python": platform.python_version(), **libraries}


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def processors() -> int:
    """That this process may use: of the machine, of its own set, of its container's time."""
    most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(most, int(quota) // int(period)))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return most


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _idle() -> float:
    return (os.cpu_count() or 1) - os.getloadavg()[0]


def _cpu() -> list[Device]:
    from inpaint_cli.engine.devices import has_native_bf16
    from inpaint_cli.imaging.limits import available_memory

    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    precision = "bf16" if has_native_bf16("cpu") else "fp32"
    return [Device("cpu", _processor_name(), precision, available_memory(), total)]


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _gpus(mistakes: list[str]) -> list[Device]:
    """Those that torch can use; what torch warns of while it looks (an old driver) is a mistake."""
    import torch

    from inpaint_cli.engine.devices import has_native_bf16

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        memory = [torch.cuda.mem_get_info(number) for number in range(count)]
        precision = "bf16" if count and has_native_bf16("cuda") else "fp32"
    mistakes += dict.fromkeys(f"torch warns: {str(each.message).splitlines()[0]}" for each in warned)
    names = [torch.cuda.get_device_name(number) for number in range(count)]
    return [Device(f"cuda:{n}", name, precision, *memory[n]) for n, name in enumerate(names)]


def _disk() -> dict[str, int]:
    """Where results, temporary files and weights go, as far as these folders exist."""
    from inpaint_cli.jobs.caches import cache_folder

    folders = [Path.cwd(), Path(tempfile.gettempdir()), cache_folder()]
    return {str(folder): shutil.disk_usage(folder).free for folder in folders if folder.is_dir()}


def _weights() -> list[Found]:
    """Every file of weights that a loss or a metric asks for, where it is looked for."""
    from inpaint_cli.weight_files import SOURCES

    until = time.monotonic() + DIGESTING
    return [
        Found(name, str(source.cached), _state(source.cached, source.digest_start, until), _size(source.cached))
        for name, source in SOURCES.items()
    ]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _state(path: Path, digest_start: str, until: float) -> str:
    if not path.is_file():
        return "missing"
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            if time.monotonic() > until:
                return "found, not compared with its digest"
    return "found" if digest.hexdigest().startswith(digest_start) else "damaged"


def _models() -> list[Found]:
    """Those that come with the package, each read and compared with its digest."""
    from inpaint_cli.errors import InpaintError
    from inpaint_cli.jobs.shipped import ENDING, FOLDER, model_names, named

    found = []
    for name in model_names():
        path, state = FOLDER / f"{name}{ENDING}", "found"
        try:
            named(path)
        except InpaintError:
            state = "damaged"
        found.append(Found(name, str(path), state, _size(path)))
    return found


# ---- common mistakes -------------------------------------------------------------------------------------------------


def _unused_gpu(found: Diagnosis) -> Iterator[str]:
    if DRIVER.exists() and not any(each.name != "cpu" for each in found.devices):
        yield (
            f"an NVIDIA driver is here, and torch {found.versions.get('torch')} sees no GPU: install a build of torch "
            "for CUDA, or a newer driver, or set CUDA_VISIBLE_DEVICES to a GPU that exists"
        )


def _unjoined(found: Diagnosis) -> Iterator[str]:
    """Variables that a launcher sets, left over in a shell: each command then waits for processes that never come."""
    if {"RANK", "WORLD_SIZE"} <= {*os.environ} and "TORCHELASTIC_RUN_ID" not in os.environ:
        yield (
            f"RANK and WORLD_SIZE={os.environ['WORLD_SIZE']} are set, so that commands wait for other processes: "
            "unset them where no launcher started this one"
        )


def _threads_that_do_not_suit(found: Diagnosis) -> Iterator[str]:
    if found.threads > found.processors > 0:
        yield (
            f"{found.threads} threads share {found.processors} processors and take turns: "
            f"set OMP_NUM_THREADS={found.processors}"
        )
    elif (free := max(1, round(found.idle))) < found.threads:
        yield (
            f"other programs leave about {free} of this machine's processors free; on the CPU, {found.threads} threads "
            "that wait for one another can be ten times slower there than one: "
            f"set OMP_NUM_THREADS={free} before a training begins"
        )
    elif 0 < 2 * found.threads < found.processors and (given := os.environ.get("OMP_NUM_THREADS")):
        yield f"OMP_NUM_THREADS={given} uses {found.threads} of {found.processors} processors: unset it"


def _room(found: Diagnosis) -> Iterator[str]:
    for folder, free in found.disk.items():
        if free < LITTLE_DISK:
            yield f"{folder}: {free / GIB:.2f} GiB of disk are free, less than a training's checkpoints may need"
    for device in found.devices:
        if device.free < LITTLE_MEMORY:
            yield f"{device.name}: {device.free / GIB:.2f} GiB of memory are free: end what uses it, or a small --batch"
    if not os.access(Path.cwd(), os.W_OK):
        yield f"{Path.cwd()} cannot be written to: give -o and --outdir elsewhere"


def _changed_files(found: Diagnosis) -> Iterator[str]:
    for file in (*found.weights, *found.models):
        if file.state == "damaged":
            yield f"{file.path} is not what it should be, perhaps a download cut short: remove it, and get it again"


def _other_program(found: Diagnosis) -> Iterator[str]:
    """The program of another environment answers to the command's name."""
    program = shutil.which("inpaint")
    if program and Path(program).parent.resolve() != Path(sys.executable).parent.resolve():
        yield f"`inpaint` is {program}, and this is {sys.executable}'s: activate one environment"
