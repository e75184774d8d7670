"""Long lists in JSON, read one entry at a time."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable

BLOCK = 1 << 18  # characters read at a time
MAX_ENTRY = 1 << 24  # characters of one entry; those of Recipe1M have a few thousand
DECODER = json.JSONDecoder()
ENDS = tuple(" \t\r\n,]")  # what may follow an entry
SPACE = re.compile(r"[ \t\r\n]*")


def stream_list(path: Path) -> Iterator[Any]:
    """The entries of a file that holds one list; memory holds one entry. `InputError` when it is damaged."""
    try:
        with path.open(encoding="utf-8") as file:
            yield from _entries(file)
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        raise InputError(f"{printable(path)}: not a whole list in JSON ({reason}); was it cut short?") from None
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be read ({error.strerror})") from None


def _entries(file: TextIO) -> Iterator[Any]:
    text = _Text(file)
    text.expect("[")
    if text.skip("]"):
        return
    while True:
        yield text.entry()
        if text.skip("]"):
            return
        text.expect(",")


class _Text:
    """A file's text from the current place on, as far as it has been read."""

    def __init__(self, file: TextIO):
        self._file, self._held, self._place = file, "", 0

    def entry(self) -> Any:
        """The next value. Without a mark behind it more may belong to it, as to 4500 when .5 has not been read yet."""
        self._pass_space()
        while True:
            try:
                value, end = DECODER.raw_decode(self._held, self._place)
            except json.JSONDecodeError:
                if not self._more():
                    raise
            else:
                if self._held[end : end + 1] in ENDS or not self._more():
                    self._place = end
                    return value
            if len(self._held) - self._place > MAX_ENTRY:
                raise ValueError(f"an entry of more than {MAX_ENTRY:,} characters")

    def skip(self, mark: str) -> bool:
        """Pass over `mark` where it comes next, after white space."""
        self._pass_space()
        found = self._held.startswith(mark, self._place)
        self._place += found
        return found

    def expect(self, mark: str) -> None:
        """As `skip`; an error where something else comes next."""
        if not self.skip(mark):
            raise ValueError(f"no {mark} where one belongs")

    def _pass_space(self) -> None:
        while True:
            passed = SPACE.match(self._held, self._place)
            assert passed is not None  # no space matches, too
            self._place = passed.end()
            if self._place < len(self._held) or not self._more():
                return

    def _more(self) -> bool:
        """Read on; False at the file's end. What was passed over is let go."""
        block = self._file.read(BLOCK)
        if block:
            self._held, self._place = self._held[self._place :] + block, 0
        return bool(block)
