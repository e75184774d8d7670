"""Numbers from MATLAB's files, checked before they are believed."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

Read = TypeVar("Read")
MAX_VALUES = 1 << 31  # the largest file of the house's sets, SVHN's extra_32x32.mat, has 1.6e9


def stored_shapes(path: Path, names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """The shape of each of `names`, from the headers alone; `InputError` when one is absent or the file damaged."""
    from scipy.io import whosmat

    shapes = {name: shape for name, shape, _ in _guarded(path, lambda: whosmat(path))}
    for name in names:
        if name not in shapes:
            raise InputError(f"{printable(path)}: holds no {name}, but {', '.join(sorted(shapes)) or 'nothing'}")
        if int(np.prod(shapes[name], dtype=object)) > MAX_VALUES:
            raise InputError(f"{printable(path)}: {name} claims the shape {shapes[name]}; the file is damaged")
    return shapes


def stored_numbers(path: Path, *names: str) -> list[np.ndarray]:
    """The arrays called `names`, of whole numbers; `InputError` names the file and its fault."""
    from scipy.io import loadmat

    stored_shapes(path, names)
    values = _guarded(path, lambda: loadmat(path, variable_names=names))
    for name in names:
        if not isinstance(values.get(name), np.ndarray) or values[name].dtype.kind not in "uif":
            raise InputError(f"{printable(path)}: {name} does not hold numbers")
    return [_whole(path, name, values[name]) for name in names]


def _whole(path: Path, name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.floor(values)).all()):
        raise InputError(f"{printable(path)}: {name} holds something other than whole numbers")
    return values


def _guarded(path: Path, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except FileNotFoundError:
        raise InputError(f"{printable(path)}: no such file") from None
    except Exception as error:  # SciPy raises nearly every kind on damaged files
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        raise InputError(f"{printable(path)}: not a whole MATLAB file ({reason}); was it cut short?") from None


def labels_from(path: Path, name: str, values: np.ndarray, first: int, last: int) -> np.ndarray:
    """int64 [N] of values that lie between `first` and `last`."""
    labels = values.ravel().astype(np.int64)
    outside = labels[(labels < first) | (labels > last)]
    if len(outside):
        raise InputError(f"{printable(path)}: {name} holds {outside[0]}; its values are {first} to {last}")
    return labels
