"""The loop's promises: accumulation, interruption and several processes change nothing."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from harness import HARDWARE, Split, header_of, make, train
from toy import Toy

from inpaint_cli.engine.checkpoints import completion_weights, read_checkpoint, write_checkpoint
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.exhibits import Validation
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team, TeamLost
from inpaint_cli.engine.training import Learner, fit, take_step
from inpaint_cli.errors import DivergedError, Interrupted, UsageError
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape, Turn

HERE = Path(__file__).parent


def weights(made):
    return {name: tensor.clone() for name, tensor in made.method.state_dict().items()}


def assert_close(one, other):
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-4, atol=1e-6)


def test_training_learns():
    made = train(Plan(steps=60, batch=8))
    errors = [row["error"] for row in made.observer.rows]
    assert sum(errors[-5:]) < 0.5 * sum(errors[:5])


def test_accumulated_parts_equal_one_big_batch():
    assert_close(weights(train(Plan(steps=5, batch=8, accumulate=4))), weights(train(Plan(steps=5, batch=8))))


TWO_GPUS = [pytest.mark.gpu, pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")]


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=TWO_GPUS)])
def test_two_processes_equal_one(tmp_path, device):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
        "OMP_NUM_THREADS": "1",
    }
    subprocess.run([*command, HERE / "two_processes.py", tmp_path, device], check=True, env=environment, timeout=240)
    for name, toy in (("plain", {}), ("normalised", {"normalise": True})):
        first, second = (
            torch.load(tmp_path / f"{name}{rank}.pt", map_location="cpu", weights_only=True) for rank in (0, 1)
        )
        assert all(torch.equal(first[name], second[name]) for name in first)
        alone = train(Plan(steps=5, batch=8), hardware=choose_hardware(device, "fp32"), **toy)
        assert_close({weight: tensor.cpu() for weight, tensor in weights(alone).items()}, first)


@pytest.mark.parametrize("toy", [{"ema_decay": 0.0}, {"ema_decay": 0.9}, {"ema_decay": 0.9, "normalise": True}])
def test_interrupted_and_resumed_equals_straight(tmp_path, toy):
    plan = Plan(steps=7, batch=8)
    straight = train(plan, **toy)
    begun = make(plan, **toy)
    begun.observer.settled = lambda rows: rows[-1]["step"] == 3 and os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Interrupted) as stopped:
        fit(begun.learner, begun.stream, begun.observer)
    assert stopped.value.exit_code == 143
    write_checkpoint(tmp_path / "c.safetensors", begun.learner.tensors(), header_of(begun))

    resumed = make(plan, **toy)
    resumed.learner.load(read_checkpoint(tmp_path / "c.safetensors"))
    stopped_at = resumed.learner.step
    assert 3 <= stopped_at <= 4
    fit(resumed.learner, resumed.stream, resumed.observer)
    for name, tensor in straight.learner.tensors().items():
        assert torch.equal(tensor, resumed.learner.tensors()[name]), name
    first = stopped_at + 1
    assert straight.observer.began == [(1, 0)] and resumed.observer.began == [(first, 0)], "said before anything else"


def test_ctrl_c_saves_and_exits_130():
    made = make(Plan(steps=5, batch=4))
    made.observer.settled = lambda rows: rows[-1]["step"] == 1 and os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Interrupted) as stopped:
        fit(made.learner, made.stream, made.observer)
    assert stopped.value.exit_code == 130
    assert made.observer.saved == [made.learner.step]


def test_loss_that_is_not_finite_stops_and_is_named():
    made = make(Plan(steps=5, batch=4))
    original = made.method.painter_loss

    def poisoned(batch):
        terms = original(batch)
        return terms | {"error": terms["error"] * float("nan")} if made.learner.step == 2 else terms

    made.method.painter_loss = poisoned
    with pytest.raises(DivergedError, match="the loss 'error' is nan at step 3"):
        fit(made.learner, made.stream, made.observer)
    assert made.observer.saved == []


def test_weights_that_are_not_finite_are_never_saved():
    made = make(Plan(steps=5, batch=4))
    made.method.painter.weight.data[0] = float("inf")
    with pytest.raises(DivergedError, match=r"painter\.weight"):
        made.learner.check_finite()


def test_each_player_learns_only_in_its_own_turn():
    made = make(Plan(steps=1, batch=4))
    painter = made.method.turns()[1]
    before = weights(made)
    made.learner.take_turn(painter, [made.stream.get(0)])
    changed = {name for name, tensor in weights(made).items() if not torch.equal(tensor, before[name])}
    assert changed == {"painter.weight", "painter.bias"}
    assert made.method.critic.weight.grad is None


def test_repetitions_see_batches_of_their_own_and_turns_share_the_first():
    made = make(Plan(steps=3, batch=4))
    seen = []
    made.method.turns = lambda turns=made.method.turns(): [
        turn._replace(loss=lambda batch, turn=turn: seen.append(batch) or turn.loss(batch)) for turn in turns
    ]
    fit(made.learner, made.stream, made.observer)
    critic_first, critic_second, painter = seen[:3]
    assert painter is critic_first
    assert not torch.equal(critic_first.image, critic_second.image)


def test_a_stage_begins_when_its_share_is_done():
    parts = make(Plan(steps=8, batch=4))
    parts.method.turns = lambda: (
        Turn("painter", parts.method.painter_loss),
        Turn("critic", parts.method.critic_loss, since=0.5),
    )
    critic = [p.detach().clone() for p in parts.method.critic.parameters()]
    begun = []

    def settled(rows):
        parts.observer.rows.extend(rows)
        begun.append(not all(map(torch.equal, critic, parts.method.critic.parameters())))

    parts.observer.settled = settled
    fit(parts.learner, parts.stream, parts.observer)
    assert begun == [False] * 4 + [True] * 4
    assert ["critic" in row for row in parts.observer.rows] == begun


def test_losses_are_told_how_far_training_is():
    parts = make(Plan(steps=8, batch=4))
    assert [parts.stream.get(step).progress for step in (0, 2, 7)] == [0, 0.25, 0.875]


def test_weights_are_clamped_after_each_update():
    parts = make(Plan(steps=3, batch=4))
    players = parts.method.players
    players["critic"] = replace(players["critic"], weight_limit=0.02)
    fit(parts.learner, parts.stream, parts.observer)
    limits = {name: max(p.abs().max().item() for p in player.parameters()) for name, player in players.items()}
    assert limits["critic"] == pytest.approx(0.02) and limits["painter"] > 0.1


def test_validation_joins_the_row_of_its_step_and_ends_the_training(monkeypatch):
    parts = make(Plan(steps=20, batch=4, validate_every=2))
    observer = parts.observer
    observer.answers = iter([0.5, 0.4, 0.6])
    monkeypatch.setattr(type(observer), "finished", property(lambda self: len(self.rows) >= 6))
    fit(parts.learner, parts.stream, observer)
    assert [row.get("validation") for row in observer.rows] == [None, 0.5, None, 0.4, None, 0.6]
    assert parts.learner.step == 6 and observer.saved == observer.sampled == [6]


def test_schedule_reaches_zero_and_constant_stays():
    made = train(Plan(steps=4, batch=4))
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in made.learner.optimizers.items()}
    assert rates["painter"] == pytest.approx(1e-2 * (1 - 3 / 4))
    assert rates["critic"] == pytest.approx(1e-2)


def test_average_follows_its_definition():
    made = make(Plan(steps=1, batch=4), ema_decay=0.5)
    start = made.method.painter.weight.detach().clone()
    fit(made.learner, made.stream, made.observer)
    decay = min(0.5, 2 / 11)
    expected = decay * start + (1 - decay) * made.method.painter.weight
    torch.testing.assert_close(made.learner.averages["painter.weight"], expected)
    with made.learner.completing() as method:
        torch.testing.assert_close(method.painter.weight, expected)
    assert not torch.equal(made.method.painter.weight, expected)


def averaged_run(steps=6):
    """A learner that trained with batch norm, and its painter's running means after each step."""
    made = make(Plan(steps=steps, batch=4), ema_decay=0.9, normalise=True)
    statistics = made.method.painter[1].running_mean
    seen = [statistics.clone()]
    made.observer.settled = lambda rows: seen.append(statistics.clone())
    fit(made.learner, made.stream, made.observer)
    return made, seen


def test_statistics_of_batch_norm_are_averaged_with_the_weights_that_they_belong_to():
    made, seen = averaged_run()
    expected = seen[0]
    for step, mean in enumerate(seen[1:], start=1):
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * mean
    norm = made.method.painter[1]
    torch.testing.assert_close(made.learner.averages["painter.1.running_mean"], expected)
    assert not torch.allclose(expected, seen[-1])
    with made.learner.completing():
        torch.testing.assert_close(norm.running_mean, expected)
    assert torch.equal(norm.running_mean, seen[-1])
    assert {name for name in made.learner.averages if "1." in name} == {
        f"painter.1.{name}" for name in ("weight", "bias", "running_mean", "running_var")
    }  # neither the count of batches nor what the critic has: it does not complete


def test_averaged_statistics_complete_from_a_checkpoint(tmp_path):
    made, _ = averaged_run()
    write_checkpoint(tmp_path / "c.safetensors", made.learner.tensors(), header_of(made))
    weights = completion_weights(read_checkpoint(tmp_path / "c.safetensors"))
    with made.learner.completing() as method:
        assert all(torch.equal(tensor, weights[name]) for name, tensor in method.state_dict().items())


def test_checkpoints_without_averaged_statistics_still_load(tmp_path):
    """As they were first written: the averages of statistics begin with the statistics of that step."""
    made, seen = averaged_run()
    tensors = {name: t for name, t in made.learner.tensors().items() if not name.startswith("ema/painter.1.running")}
    write_checkpoint(tmp_path / "c.safetensors", tensors, header_of(made))
    resumed = make(Plan(steps=6, batch=4), ema_decay=0.9, normalise=True)
    resumed.learner.load(read_checkpoint(tmp_path / "c.safetensors"))
    assert torch.equal(resumed.learner.averages["painter.1.running_mean"], seen[-1])
    assert torch.equal(resumed.learner.averages["painter.0.weight"], made.learner.averages["painter.0.weight"])


def test_batch_must_divide():
    with pytest.raises(UsageError, match="does not divide"):
        make(Plan(steps=1, batch=5, accumulate=2))


def test_saves_and_samples_when_the_plan_says():
    made = train(Plan(steps=5, batch=4, checkpoint_every=2, sample_every=3))
    assert made.observer.saved == [2, 4, 5]
    assert made.observer.sampled == [3, 5]
    assert [row["step"] for row in made.observer.rows] == [1, 2, 3, 4, 5]


# ---- gradients -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_gradients_that_are_not_finite_are_named_by_player_and_step(value):
    """A loss may be finite where its gradient is not; no checkpoint has what comes of it."""
    made = make(Plan(steps=5, batch=4, checkpoint_every=1))

    def hook(gradient):
        return torch.full_like(gradient, value) if made.learner.step == 2 else gradient

    made.method.critic.weight.register_hook(hook)
    with pytest.raises(DivergedError, match=r"the gradients of the player 'critic' have the norm (nan|inf) at step 3"):
        fit(made.learner, made.stream, made.observer)
    assert made.observer.saved == [1, 2]


@pytest.mark.parametrize("where", ["average", "state"])
def test_neither_averages_nor_state_that_is_not_finite_is_saved(where):
    made = train(Plan(steps=2, batch=4), ema_decay=0.9)
    made.learner.check_finite()
    weight = made.method.painter.weight
    tensor = (
        made.learner.averages["painter.weight"]
        if where == "average"
        else made.learner.optimizers["painter"].state[weight]["exp_avg_sq"]
    )
    tensor.view(-1)[0] = float("inf")
    with pytest.raises(DivergedError, match=r"painter\.weight.* is not finite after step 2"):
        made.learner.check_finite()


def test_clipped_gradients_have_the_norm_that_is_asked_for_and_shorter_ones_stay():
    turn = make(Plan(steps=1, batch=4)).method.turns()[1]

    def gradients(limit):
        made = make(Plan(steps=1, batch=4, clip_gradients=limit))
        update = made.learner.take_turn(turn._replace(loss=made.method.painter_loss), [made.stream.get(0)])
        return update.norm, torch.cat([p.grad.flatten() for p in made.method.painter.parameters()])

    norm, free = gradients(None)
    torch.testing.assert_close(norm, free.norm())
    clipped_norm, clipped = gradients(norm.item() / 4)
    torch.testing.assert_close(clipped_norm, norm)  # that before they are clipped is what is looked at
    torch.testing.assert_close(clipped, free / 4, rtol=1e-4, atol=1e-7)
    assert torch.equal(gradients(norm.item() * 2)[1], free)


# ---- signals and lost processes --------------------------------------------------------------------------------------


def test_training_in_a_thread_hears_no_signal_and_trains():
    done = []
    thread = threading.Thread(target=lambda: done.append(train(Plan(steps=3, batch=4))))
    thread.start()
    thread.join(60)
    assert done[0].learner.step == 3


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        made = make(Plan(steps=3, batch=4))
        made.observer.settled = lambda rows: os.kill(os.getpid(), signal.SIGINT)
        fit(made.learner, made.stream, made.observer)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


class Half(Team):
    """A team whose other process is lost at its n-th average."""

    def __init__(self, lost_at):
        super().__init__(rank=0, size=2)
        self.left = lost_at

    def average(self, tensors):
        self.left -= 1
        if self.left == 0:
            raise TeamLost("process 1 of 2 has ended", first=True)

    def largest(self, numbers):
        return numbers

    def wait(self):
        pass

    def expect_steps_of(self, seconds):
        pass


@pytest.mark.parametrize("toy", [{}, {"ema_decay": 0.9, "normalise": True}])
@pytest.mark.parametrize("lost_at", range(6, 16))
def test_a_process_that_is_lost_within_a_step_leaves_the_last_whole_one(lost_at, toy):
    """Five averages a step: of three turns' gradients, of statistics, of losses."""
    made = make(Plan(steps=4, batch=8), Half(lost_at), **toy)
    made.observer.save = lambda: made.observer.saved.append((made.learner.step, made.learner.team.leads))
    with pytest.raises(TeamLost):
        fit(made.learner, made.stream, made.observer)
    whole, last = divmod(lost_at - 1, 5)
    steps = whole + (last == 4)  # losses are averaged when the step is whole
    assert made.observer.saved == [(steps, True)]
    expected = make(Plan(steps=4, batch=8), Half(0), **toy)
    for _ in range(steps):
        take_step(expected.learner, expected.stream)
    own, other = made.learner.tensors(), expected.learner.tensors()
    assert own.keys() == other.keys() and all(torch.equal(own[name], other[name]) for name in own)


def test_a_process_that_is_lost_in_the_first_step_leaves_nothing_to_save():
    made = make(Plan(steps=4, batch=8), Half(2))
    with pytest.raises(TeamLost):
        fit(made.learner, made.stream, made.observer)
    assert made.observer.saved == []


# ---- validation ------------------------------------------------------------------------------------------------------


class Says(Toy):
    """Labels images with what it is told, and completes none."""

    completes = False
    said: torch.Tensor

    def annotate(self, observed, mask):
        return {self.annotates[0]: self.said[: len(observed)]}


def validated(kind, true, said):
    method = Says(ImageShape(3, 12, 12), parse_masks("noise:0.5"))
    method.annotates, method.said = (kind,), said
    learner = Learner(method, HARDWARE, Team(), Plan(steps=1, batch=4))
    return Validation(learner, Split(len(true), **{kind: true.numpy()})).error()


def test_label_maps_are_validated_by_the_dice_of_all_labels_but_the_background():
    true = torch.zeros(3, 12, 12, dtype=torch.uint8)
    true[:, :6] = 1
    true[:, 6:8] = 2
    assert validated("parsing", true, true.long()) == 0
    said = true.long().clone()
    said[:, 4:6] = 2  # label 1: 2·48 / (72 + 48); label 2: 2·24 / (24 + 48)
    assert validated("parsing", true, said) == pytest.approx(1 - (96 / 120 + 48 / 72) / 2)
    assert validated("parsing", torch.zeros_like(true), torch.zeros_like(said)) == 0


def test_landmarks_are_validated_by_the_distance_of_known_ones():
    true = torch.zeros(3, 5, 2)
    true[1, 2] = float("nan")
    said = torch.zeros(3, 5, 2) + torch.tensor([3.0, 4.0])
    assert validated("landmarks", true, said) == pytest.approx(5)


def test_what_gives_neither_is_refused():
    with pytest.raises(UsageError, match="this method gives none"):
        validated("attributes", torch.zeros(3, 40), torch.zeros(3, 40))
