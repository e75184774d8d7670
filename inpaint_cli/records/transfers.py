"""What a checkpoint, its run and its results say of a transfer: whose features were put to use, and for what."""

from inpaint_cli.records.base import Count, Digest, Flag, Line, Positive, Record, Settings, Step


class Transfer(Record):
    """A pretrained encoder with new layers on its features."""

    targets: Line  # what these layers say, by the data's columns: attributes,landmarks
    frozen: Flag  # whether the encoder stayed as it was
    settings: Settings  # of the new layers' training
    features: Positive  # that the encoder gives
    classes: Count = 0  # of labels, where these are a target
    pretrained_on: Line  # the masks of the pretraining; of an untrained encoder those that it was built for
    pretrained_step: Step  # 0: random weights
    pretrained_batch: Positive | None = None  # images of an update; None: random weights, or an older version
    pretrained: Digest | None = None  # the checkpoint; None: random weights

    @property
    def learned_on(self) -> str | None:
        """The masks behind which the encoder learned; None: it did not."""
        return self.pretrained_on if self.pretrained_step else None
