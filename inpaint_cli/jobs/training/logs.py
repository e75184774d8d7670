"""Where else a run's figures go, step by step: to TensorBoard, to Weights & Biases. Each needs a package of its own.

A log is made before anything of the run is touched, so that what cannot be reached is said then; `where` says how to
look at it. Its `begin` takes what it lacks of the rows that the run has already.
"""

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from inpaint_cli.errors import EnvironmentFault, UsageError, unknown

EVENTS = "events.out.tfevents.*"  # what TensorBoard's files are called


class TensorBoard:
    """Event files in RUN/tensorboard. Steps that are done again take the place of those that were written before."""

    def __init__(self, run: Path, configuration: Mapping[str, Any], anew: bool):
        from torch.utils.tensorboard import SummaryWriter

        self._writer, self.folder = SummaryWriter, run / "tensorboard"
        self.where = f"tensorboard --logdir {run}"

    def begin(self, rows: Sequence[Mapping[str, float]], step: int) -> None:
        known = any(self.folder.glob(EVENTS))
        self.writer = self._writer(str(self.folder), purge_step=step + 1)
        if not known:
            self.write(rows)

    def write(self, rows: Iterable[Mapping[str, float]]) -> None:
        for row in rows:
            for name, value in _figures(row).items():
                self.writer.add_scalar(name, value, int(row["step"]))

    def flush(self) -> None:
        self.writer.flush()

    def close(self) -> None:
        if hasattr(self, "writer"):
            self.writer.close()


class WeightsAndBiases:
    """One W&B run for a run directory, which keeps its id; W&B itself passes over steps that it has."""

    def __init__(self, run: Path, configuration: Mapping[str, Any], anew: bool):
        import wandb

        self.id_file = run / "wandb_id"
        self.known = self.id_file.is_file() and not anew
        own = self.id_file.read_text().strip() if self.known else secrets.token_hex(4)
        settings = wandb.Settings(console="off", silent=True, disable_code=True, disable_git=True)
        project = os.environ.get("WANDB_PROJECT", "inpaint")
        try:
            self.run = wandb.init(
                project=project, id=own, name=run.resolve().name, resume="allow", dir=str(run),
                config=dict(configuration), settings=settings,
            )  # fmt: skip
        except wandb.errors.Error as error:
            instead = "with WANDB_MODE=offline the log stays here, and `wandb sync` hands it over later"
            raise EnvironmentFault(f"--log wandb: {str(error).rstrip('.')}; {instead}") from None
        self.where = f"wandb sync {Path(self.run.dir).parent}" if self.run.offline else str(self.run.url)

    def begin(self, rows: Sequence[Mapping[str, float]], step: int) -> None:
        self.id_file.write_text(f"{self.run.id}\n")
        if not self.known:
            self.write(rows)

    def write(self, rows: Iterable[Mapping[str, float]]) -> None:
        for row in rows:
            self.run.log(_figures(row), step=int(row["step"]))

    def flush(self) -> None:
        """W&B's own process has them already."""

    def close(self) -> None:
        self.run.finish()


def _figures(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name != "step"}


LOGS: dict[str, type[TensorBoard] | type[WeightsAndBiases]] = {  # by the name of package, extra and --log
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
}


def refuse_logs(names: Sequence[str]) -> None:
    """`UsageError` for a log that there is not, `EnvironmentFault` where packages are missing."""
    for name in names:
        if name not in LOGS:
            raise UsageError(unknown("log", name, LOGS))
    if missing := [name for name in LOGS if name in names and find_spec(name) is None]:
        raise EnvironmentFault(
            f"--log {' --log '.join(missing)}: needs a package that is not installed; "
            f"pip install 'inpaint-cli[{','.join(missing)}]'"
        )


@contextlib.contextmanager
def opened(
    names: Iterable[str], run: Path, configuration: Mapping[str, Any], anew: bool
) -> Iterator[list[TensorBoard | WeightsAndBiases]]:
    """Each named log once; closed at the end, whatever ends it. anew: what an earlier run left is not gone on with."""
    with contextlib.ExitStack() as stack:
        logs: list[TensorBoard | WeightsAndBiases] = []
        for name in dict.fromkeys(names):
            log = LOGS[name](run, configuration, anew)
            stack.callback(log.close)
            logs.append(log)
        yield logs
