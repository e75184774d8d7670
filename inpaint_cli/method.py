"""The contract between methods and engine: a method declares who learns and in which order, the engine does it.

No method calls `backward`, `step` or `to(device)`. Pixels are float in [-1, 1], [B, C, H, W], RGB; masks are float
{0, 1}, 1 = known, and broadcast to the image.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeVar

import torch
from pydantic.config import JsonDict
from torch import Tensor, nn

from inpaint_cli.augmentation import Augmentation
from inpaint_cli.masks import MaskProcess
from inpaint_cli.settings import AnySettings, HelperSettings, LabelSettings

Shared = TypeVar("Shared")
AT_COMPLETION: JsonDict = {"set_at": "completion"}  # json_schema_extra of a setting of completion, not of training


class ImageShape(NamedTuple):
    """What a method is built for: the prepared data's channels and size in pixels."""

    channels: int
    height: int
    width: int


@dataclass
class Batch:
    """One batch as a loss sees it."""

    image: Tensor  # [B, C, H, W]
    mask: Tensor  # [B, 1 or C, H, W]
    labels: Mapping[str, Tensor] = field(default_factory=dict)  # landmarks, attributes, labels, parsing: first axis B
    draw_mask: Callable[[], Tensor] | None = None
    draw_others: Callable[[], Tensor] | None = None
    draw_noise: Callable[[int], Tensor] | None = None
    progress: float = 0.0  # share of the training that is done, [0, 1)
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def observed(self) -> Tensor:
        """The image with its missing pixels at 0, whatever they held (NaN included)."""
        return torch.where(self.mask > 0, self.image, 0.0)

    def fresh_mask(self) -> Tensor:
        """Another mask of the same process: a decoy, or a second measurement. [B, 1 or C, H, W]"""
        assert self.draw_mask is not None  # where batches are made for training there are masks
        return self.draw_mask()

    def others(self) -> Tensor:
        """Complete images of other rows, unpaired with those of the batch; not where it is made of observations."""
        assert self.draw_others is not None
        return self.draw_others()

    def noise(self, values: int) -> Tensor:
        """Standard normal values of each image, [B, values]: the same in each turn, whether the batch is accumulated
        from parts or whole."""
        if self.draw_noise is None:
            return torch.randn(len(self.image), values, device=self.image.device)
        return self.draw_noise(values)

    def once(self, name: str, compute: Callable[[], Shared]) -> Shared:
        """What two turns share, such as the generated images: computed by whoever asks first."""
        if name not in self.shared:
            self.shared[name] = compute()
        return self.shared[name]


def _unheard(share: float) -> None:
    """Nobody listens to how far a completion is."""


def constant(progress: float) -> float:
    """A learning rate that stays."""
    return 1.0


def polynomial(power: float = 1.0) -> Callable[[float], float]:
    """A learning rate that falls to zero as (1 - step / steps)^power."""
    return lambda progress: (1.0 - progress) ** power


@dataclass(frozen=True)
class Player:
    """Networks that learn together, and how: `optimizer(parameters)` makes their optimiser."""

    networks: tuple[nn.Module, ...]
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    schedule: Callable[[float], float] = constant  # progress in [0, 1) -> factor on the learning rate
    weight_limit: float | None = None  # weights are clamped to ± this after each update (WGAN)

    def parameters(self) -> list[nn.Parameter]:
        return [parameter for network in self.networks for parameter in network.parameters()]


class Turn(NamedTuple):
    """`player` descends `loss(batch) -> {name: weighted term}`, `times` times in a step, each on a batch of its own."""

    player: str
    loss: Callable[[Batch], dict[str, Tensor]]
    times: int = 1
    since: float = 0.0  # taken when this share of the training is done, and from then on


@dataclass(frozen=True)
class Defaults:
    """How a paper trains: what `inpaint train` uses unless told otherwise."""

    masks: str
    batch: int
    steps: int
    recipe: str  # the paper's data, as `inpaint prepare` makes it
    accumulate: int = 1  # parts that the batch is computed in, unless another batch is asked for
    clip_gradients: float | None = None  # the largest norm of a player's gradients


class Method(nn.Module):
    """Base of every system. A method that trains nothing has no players and leaves `turns` as it is."""

    Settings: ClassVar[
        type[AnySettings]
    ]  # frozen pydantic dataclass; each field's description names the source of its default
    title: ClassVar[str]
    paper: ClassVar[str]  # the paper's key in reports: mde, unsupervised, collagan, semantic, deep
    defaults: ClassVar[Defaults | None] = None
    any_size: ClassVar[bool] = False  # completes images of other sizes and channels than those it was built for
    takes_sources: ClassVar[bool] = False  # `complete` also takes `sources`, [B, 1, H, W]: 1 where it may copy from
    takes_reference: ClassVar[bool] = False  # `complete` also takes `reference`, [B, C, H, W]: whom to resemble
    works_by: ClassVar[str] = ""  # what `complete` does where it is more than one pass of networks
    paints_whole: ClassVar[bool] = False  # `complete` also takes `whole`: true gives known pixels as it paints them
    learns_rim: bool = True  # false: what it paints around a hole was never trained, and no blend is to follow it
    per_channel: bool = False  # masks may differ from channel to channel; else they are [B, 1, H, W]
    completes: bool = True  # false: it annotates alone, and `complete` is not called
    one_completion: bool = False  # true: all samples of an image are the same
    annotates: tuple[str, ...] = ()  # what `annotate` predicts: parsing, landmarks, attributes
    label_counts: Mapping[str, int] = MappingProxyType({})  # label maps -> the numbers, from 0, that it tells apart
    completes_with: ClassVar[tuple[str, ...]] = ()  # networks that `complete` uses; EMA averages these
    consults: ClassVar[tuple[str, ...]] = ()  # further networks that `complete` uses, such as a search's critics
    encodes_with: tuple[str, ...] = ()  # networks that `features` uses, by their names: generator.encoder
    ema_decay: float = 0.0  # 0 = no averaging
    masked_once: bool = False  # in training each image has one mask, drawn once, and it alone
    learns_from_observations: bool = False  # and what it hides is cut before a batch is made: never seen
    augmentation: tuple[Augmentation, ...] = ()  # what happens to training images and their labels, in this order

    def __init__(self, settings: AnySettings, shape: ImageShape, masks: MaskProcess | None):
        """`masks` is the process that the method trains on (None for a method that trains nothing)."""
        super().__init__()
        self.settings, self.shape, self.masks = settings, shape, masks
        self.players: dict[str, Player] = {}
        self.helpers: dict[str, nn.Module] = {}  # frozen networks handed in by `cli`: no part of the checkpoint
        self.tell: Callable[[float], object] = (
            _unheard  # `complete` may call it with the share of its work that is done
        )

    def needed_helpers(self) -> tuple[str, ...]:
        """Names of the frozen, already trained networks that the losses use: vgg16, or a method's."""
        return self.settings.needed_helpers if isinstance(self.settings, HelperSettings) else ()

    def check_labels(self, labels: Mapping[str, tuple[int, ...]]) -> None:
        """Raise `InputError` where training needs labels that the data has not. labels: name -> shape of one row."""
        if isinstance(self.settings, LabelSettings):
            self.settings.check_labels(labels)

    def turns(self) -> tuple[Turn, ...]:
        """Who learns, in which order, within one step."""
        return ()

    def margin(self, height: int, width: int) -> int:
        """The pixels around a part of the hole, of this size, that a method for any size needs to see."""
        return 8

    def complete(
        self, observed: Tensor, mask: Tensor, *, samples: int = 1, generator: torch.Generator | None = None
    ) -> Tensor:
        """[B, C, H, W] with missing pixels at 0, mask -> [B, samples, C, H, W]; known pixels are returned unchanged."""
        raise NotImplementedError

    def preview(self, observed: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Rows of the sample grid that is drawn now and then in training, [B, C, H, W] by name."""
        return {"completed": self.complete(observed, mask)[:, 0]}

    def annotate(self, observed: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """What `annotates` names, first axis B, in the form of the prepared data's labels."""
        raise NotImplementedError

    def features(self, observed: Tensor, mask: Tensor) -> Tensor:
        """What transfer probes, [B, N]: optional; `encodes_with` names the networks that it uses."""
        raise NotImplementedError

    def maps(self, observed: Tensor, mask: Tensor) -> Tensor:
        """The activations of the last layer that all outputs share, [B, N, h, w]: optional, to be looked at."""
        raise NotImplementedError
