"""Python pickles that hold arrays of bytes, text, numbers, lists and dictionaries, and nothing else.

A pickle is a program: it calls whatever it names. Here every name that an array needs stands for a plain class of this
file, and any other name is refused before it is looked up, so that nothing of Python's or NumPy's is ever called.
"""

import pickle
from io import BytesIO
from typing import Any

import numpy as np

from inpaint_cli.errors import InputError


class _Bytes:
    """Stands for `numpy.dtype`; one byte without sign is the only type."""

    def __init__(self, code: Any, *_: Any):
        if code not in ("u1", b"u1"):
            raise InputError(f"holds an array of type {code!r}, not of bytes")

    def __setstate__(self, state: Any) -> None:
        """Byte order and alignment mean nothing for single bytes."""


class _Array:
    """Stands for `numpy.ndarray`; `values` is the array once its state is set."""

    values: np.ndarray

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, columns_first, contents = state
        if not isinstance(dtype, _Bytes) or not isinstance(contents, bytes):
            raise InputError("holds an array of something other than bytes")
        self.values = np.frombuffer(contents, np.uint8).reshape(shape, order="F" if columns_first else "C")


def _reconstruct(*_: Any) -> _Array:
    """Stands for NumPy's function of this name: an array before its state is set."""
    return _Array()


def _encode(text: str, encoding: str) -> bytes:
    """Stands for `_codecs.encode`, by which protocol 2 writes bytes from Python 3."""
    if encoding != "latin1":
        raise InputError(f"asks for the encoding {encoding!r}")
    return text.encode("latin1")


ADMITTED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Bytes,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise InputError(f"names {module}.{name}, which is not an array; nothing of it was run")
        return ADMITTED[module, name]


def load_byte_arrays(contents: bytes) -> dict[bytes | str, Any]:
    """A pickled dictionary, its arrays as uint8; `InputError` says what else it holds, or that it is damaged."""
    try:
        loaded = _Unpickler(BytesIO(contents), encoding="bytes").load()
    except InputError:
        raise
    except Exception as error:  # the pickle machine raises nearly every kind on damaged input
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        raise InputError(f"not a whole pickle ({reason}); was it cut short?") from None
    if not isinstance(loaded, dict):
        raise InputError(f"holds a {type(loaded).__name__}, not a dictionary")
    return {
        key: getattr(value, "values", value) if isinstance(value, _Array) else value for key, value in loaded.items()
    }
