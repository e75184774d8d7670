"""Every masking process, by specification string: 1 = known, 0 = missing.

One small grammar names the distributions in commands, configurations, checkpoints and reports:
`parse_masks("rec:0.1").draw(64, (3, 96, 96), generator=generator)`. The kinds are the table in `kinds.py`, and
`drawing.py` draws them, the one part that imports torch.
"""

from inpaint_cli.masks.folders import MASK_ENDING
from inpaint_cli.masks.kinds import KINDS, grammar
from inpaint_cli.masks.process import MaskProcess, names_masks, parse_masks

__all__ = ["KINDS", "MASK_ENDING", "MaskProcess", "grammar", "names_masks", "parse_masks"]
