"""How deep a pyramid of doublings or halvings is, and how wide, for the data's shape: what GANs of any size ask."""

from inpaint_cli.errors import InputError

LEAST = 16  # pixels of the shorter side
COARSEST = 7  # pixels of the shorter side where halving ends: 64 -> 4, 96 -> 6, 28 -> 7
WIDEST = 8  # times the width at full size, as in DCGAN


def halvings(method: str, height: int, width: int) -> int:
    """The halvings that leave 4 to 7 pixels of the shorter side; `InputError` where sides cannot be halved so often."""
    levels, side = 0, min(height, width)
    while side > COARSEST:
        side, levels = side // 2, levels + 1
    if min(height, width) < LEAST or height % 2**levels or width % 2**levels:
        raise InputError(
            f"{method} makes images from 4 to {COARSEST} pixels by doubling: sides such as 28, 32, 64, 96, 128 or 256 "
            f"will do, this data is {width}×{height}"
        )
    return levels


def check_size(method: str, size: int | None, height: int, width: int) -> None:
    """Raise `InputError` where images of another size are asked for than the data has, in training or after it."""
    if size is not None and (height, width) != (size, size):
        raise InputError(
            f"--set size={size}: {method} makes images of the size of its data, here {width}×{height}: prepare and "
            f"train at {size}×{size} pixels, or leave size out"
        )


def widths(width: int, levels: int) -> list[int]:
    """Channels from the finest maps to the coarsest: twice as many with each halving, up to `WIDEST` times."""
    return [width * min(2**level, WIDEST) for level in range(levels)]
