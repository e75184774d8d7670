"""The only training loop. It knows players and turns, no method by name."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn

from inpaint_cli.engine.batch_norm import synchronise
from inpaint_cli.engine.checkpoints import Checkpoint, completion_weights, load_weights
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import BatchStream, StepBatches
from inpaint_cli.engine.ledger import Ledger, Update
from inpaint_cli.engine.outlines import refuse_misfits
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import SAVED, Team, TeamLost
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.signals import SAVING, Signals
from inpaint_cli.engine.whole import LastWhole
from inpaint_cli.errors import DivergedError, InputError, Interrupted, printable
from inpaint_cli.method import Batch, Method, Turn


class Learner:
    """A method with its optimisers and averaged weights: everything that a checkpoint holds."""

    def __init__(self, method: Method, hardware: Hardware, team: Team, plan: Plan):
        self.method, self.hardware, self.team, self.plan = method, hardware, team, plan
        self.step = 0
        if plan.sync_batchnorm and team.size > 1:
            synchronise(method, team)
        self.optimizers = {name: player.optimizer(player.parameters()) for name, player in method.players.items()}
        self.rates = {name: [group["lr"] for group in o.param_groups] for name, o in self.optimizers.items()}
        self.names: dict[Tensor, str] = {parameter: name for name, parameter in method.named_parameters()}
        saved, completing = method.state_dict(), tuple(f"{network}." for network in method.completes_with)
        self.averages = {
            name: tensor.detach().clone()
            for name, tensor in self._weights_and_statistics()
            if method.ema_decay and name in saved and name.startswith(completing) and tensor.is_floating_point()
        }

    def _weights_and_statistics(self) -> Iterator[tuple[str, Tensor]]:
        """As they are now. Batch norm's statistics are averaged, too: averaged weights are to run on their own."""
        yield from self.method.named_parameters()
        yield from self.method.named_buffers()

    def take_turn(self, turn: Turn, parts: Iterable[Batch]) -> "Update":
        """One update of one player from its accumulated batches."""
        player, optimizer = self.method.players[turn.player], self.optimizers[turn.player]
        parameters = player.parameters()
        self._set_rate(turn.player, player.schedule(self.step / self.plan.steps))
        optimizer.zero_grad(set_to_none=True)
        means: dict[str, Tensor] = {}
        for part in parts:
            with self.hardware.autocast():
                terms = turn.loss(part)
            first, *others = terms.values()
            (sum(others, first) / self.plan.accumulate).backward(inputs=parameters)
            for name, value in terms.items():
                means[name] = means.get(name, 0.0) + value.detach().float() / self.plan.accumulate
        self.team.average_gradients(parameters)
        norm = self._limited(parameters)
        optimizer.step()
        if player.weight_limit is not None:
            for parameter in parameters:
                parameter.detach().clamp_(-player.weight_limit, player.weight_limit)
        return Update(turn.player, means, norm)

    def _limited(self, parameters: list[nn.Parameter]) -> Tensor:
        """The norm of all gradients together, that of NaN or infinity where any of them is; they are clipped to it."""
        if self.plan.clip_gradients is not None:
            return nn.utils.clip_grad_norm_(parameters, self.plan.clip_gradients)
        return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])

    def _set_rate(self, player: str, factor: float) -> None:
        for group, rate in zip(self.optimizers[player].param_groups, self.rates[player], strict=True):
            group["lr"] = rate * factor

    @torch.no_grad()
    def end_step(self) -> None:
        """Count the step; average statistics over the team, weights and statistics over time (EMA)."""
        self.step += 1
        self.team.average(buffer for buffer in self.method.buffers() if buffer.is_floating_point())
        decay = min(self.method.ema_decay, (1 + self.step) / (10 + self.step))  # young averages forget faster
        now = {name: tensor for name, tensor in self._weights_and_statistics() if name in self.averages}
        if now:  # all together: on a GPU few launches instead of one for each tensor
            torch._foreach_lerp_([self.averages[name] for name in now], list(now.values()), 1 - decay)

    @contextmanager
    def completing(self) -> Iterator[Method]:
        """The method as `complete` uses it: evaluation mode, averaged weights in place."""
        self._swap_averages()
        self.method.eval()
        try:
            with torch.no_grad(), self._as_written():
                yield self.method
        finally:
            self.method.train()
            self._swap_averages()

    def _as_written(self) -> AbstractContextManager[object]:
        """Without compilation, which would begin again for each size and number of images."""
        return torch.compiler.set_stance("force_eager") if self.plan.compile else nullcontext()

    @torch.no_grad()
    def _swap_averages(self) -> None:
        for name, tensor in self._weights_and_statistics():
            if name in self.averages:
                current = tensor.detach().clone()
                tensor.copy_(self.averages[name])
                self.averages[name].copy_(current)

    def tensors(self) -> dict[str, Tensor]:
        """Everything to save, by checkpoint name."""
        tensors = {f"model/{name}": tensor for name, tensor in self.method.state_dict().items()}
        tensors |= {f"ema/{name}": tensor for name, tensor in self.averages.items()}
        for player, optimizer in self.optimizers.items():
            for parameter, state in optimizer.state.items():
                for key, value in state.items():
                    tensors[f"optimizer/{player}/{self.names[parameter]}/{key}"] = value
        return tensors

    @torch.no_grad()
    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, bit for bit."""
        if checkpoint.slim:
            raise InputError(f"{checkpoint.path}: holds what completion needs alone; training cannot go on from it")
        load_weights(self.method, checkpoint.part("model"), checkpoint.path)
        averages = completion_weights(checkpoint)  # without averaged statistics, as first written, they begin here
        refuse_misfits(self.averages, {name: averages[name] for name in self.averages}, checkpoint.path)
        for name, average in self.averages.items():
            average.copy_(averages[name])
        for player, optimizer in self.optimizers.items():
            self._load_state(optimizer, checkpoint.part(f"optimizer/{player}"), checkpoint.path)
        self.step = checkpoint.header.step

    def _load_state(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor], where: object) -> None:
        """state: by PARAMETER/KEY, each of the parameter's shape or one number."""
        parameters = {self.names[p]: p for group in optimizer.param_groups for p in group["params"]}
        for path, value in state.items():
            name, _, key = path.rpartition("/")
            if name not in parameters or value.shape not in (parameters[name].shape, ()):
                raise InputError(f"{printable(where)}: {printable(path)} is no state of this method's optimiser")
            optimizer.state[parameters[name]][key] = _like(parameters[name], value)

    def check_finite(self) -> None:
        """Never save what is not finite, be it a weight, an average or an optimiser's state."""
        for name, tensor in self.tensors().items():
            if not torch.isfinite(tensor).all():
                raise DivergedError(f"{name} is not finite after step {self.step}")


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    """Optimiser state on the parameter's device and in its memory layout, which fused optimisers rely on."""
    value = value.to(parameter.device)
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value) if value.shape == parameter.shape else value


class Observer(Protocol):
    """Who sees what is learned."""

    @property
    def finished(self) -> bool:
        """Whether training ends before the end of its plan."""

    def begun(self) -> None:
        """The first step is taken, and nothing is written yet."""

    def settled(self, rows: list[dict[str, float]]) -> None:
        """Steps whose losses are known now: {step, term: value} each."""

    def validate(self) -> float:
        """The error on images that are not trained on, the same in every process."""

    def sample(self) -> None:
        """Draw what the method does now."""

    def save(self) -> None:
        """Write a checkpoint."""

    def note(self, text: str) -> None:
        """Something that the user should know, at once."""


def fit(learner: Learner, stream: BatchStream, observer: Observer) -> None:
    """Train to the end of the plan, or until the observer has `finished`.

    Raises `Interrupted` after saving when a signal came, `DivergedError` when a loss or a gradient is not finite, and
    `TeamLost` after saving the last whole step when another process is gone.
    """
    learner.method.train()
    whole = LastWhole(learner)
    with Signals(observer.note) as signals:
        try:
            _loop(learner, stream, observer, signals, whole)
        except TeamLost as lost:
            if lost.first and whole.restore():
                team, learner.team = learner.team, Team()  # it writes for all that are left
                observer.save()
                team.say(SAVED)
            raise


def _loop(learner: Learner, stream: BatchStream, observer: Observer, signals: Signals, whole: LastWhole) -> None:
    plan, ledger, first = learner.plan, Ledger(learner), learner.step
    while learner.step < plan.steps and not observer.finished:
        begun = time.monotonic()
        ledger.note(take_step(learner, stream))
        whole.keep()
        if learner.step == first + 1:
            learner.team.expect_steps_of(time.monotonic() - begun)
            observer.begun()
        asked = signals.asked(learner.team)
        if ledger.due or any(asked):
            rows = ledger.settle()
            if plan.validate_every and learner.step % plan.validate_every == 0:
                rows[-1]["validation"] = observer.validate()
            observer.settled(rows)
        last = learner.step == plan.steps or observer.finished
        sampling = learner.step % plan.sample_every == 0 or (last and not asked.end)
        saving = learner.step % plan.checkpoint_every == 0 or last or any(asked)
        if sampling:
            observer.sample()
        if saving:
            observer.save()
        if sampling or saving:
            learner.team.wait()  # with patience, for the one that draws and writes
        if asked.save:
            observer.note(f"saved after step {learner.step}, as {SAVING.name} asks; it goes on")
        if asked.end and not last:
            raise Interrupted(f"stopped by {asked.name} after step {learner.step}", asked.end)


def take_step(learner: Learner, stream: BatchStream) -> list[Update]:
    """Every player's turns, once."""
    plan, updates = learner.plan, []
    batches = StepBatches(stream, learner.step)
    for number, turn in enumerate(learner.method.turns()):
        if turn.since > learner.step / plan.steps:
            continue
        for repetition in range(turn.times):
            seed_default_generators(plan.seed, "step", learner.step, number, repetition, learner.team.rank)
            updates.append(learner.take_turn(turn, batches.parts(repetition)))
    learner.end_step()
    return updates
