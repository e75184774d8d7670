"""What lies beside the photo that is painted on: further photos, those that are dropped on the page, other methods."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from inpaint_cli.errors import InputError
from inpaint_cli.imaging.decoding import printable
from inpaint_cli.imaging.photos import Photo
from inpaint_cli.painting.page import painting_page
from inpaint_cli.painting.session import Complete, Outputs, Session

LONGEST_NAME = 60  # letters of a dropped photo's: at most 240 bytes

Read = Callable[[Path], Photo]
Load = Callable[[str, Photo], Complete]  # by a choice's name, for a photo
Places = Callable[[Path], Outputs]  # where a photo's results go


class Desk:
    """Photos in their order, what completes them, and what was saved so far. Used from one thread."""

    def __init__(
        self,
        photos: Sequence[Path],
        choices: Sequence[str],
        read: Read,
        load: Load,
        places: Places,
        seed: int,
        remarks: list[str] | None = None,
    ):
        """photos: at least one, the first is opened; choices: names of what can complete, the first of them does.

        remarks: where what completes adds what there is to say of a completion.
        """
        self._remarks = remarks
        self.photos, self.choices, self.choice = photos, choices, choices[0]
        self._read, self._load, self._places, self._seed = read, load, places, seed
        self._dropped = TemporaryDirectory(prefix="inpaint-")
        self.place = 0
        self._saved: list[Path] = []
        self._notes: list[str] = []
        self._open(photos[0], places(photos[0]))

    @property
    def page(self) -> str:
        """As it is now."""
        return painting_page(self.session, self.name, self.choice, self.choices, len(self.photos) > 1)

    @property
    def saved(self) -> list[Path]:
        """Of all photos, each once."""
        return list(dict.fromkeys([*self._saved, *self.session.saved]))

    @property
    def notes(self) -> list[str]:
        return [*self._notes, *self.session.notes]

    def close(self) -> None:
        self._dropped.cleanup()

    def turn(self, step: int) -> None:
        """To the next photo, or the one before; round about. From one that cannot be read it goes on, too."""
        self.place = (self.place + step) % len(self.photos)
        self._open(self.photos[self.place], self._places(self.photos[self.place]))

    def drop(self, body: bytes) -> None:
        """A photo from anywhere: its name, a line break, its bytes. Its results go where the first photo lies."""
        named, _, content = body.partition(b"\n")
        name = Path(named.decode(errors="replace").replace("\0", "")).name[-LONGEST_NAME:].lstrip(".") or "photo"
        path = Path(self._dropped.name) / name
        path.write_bytes(content)
        self._open(path, self._places(self.photos[0].parent / name))

    def choose(self, body: bytes) -> None:
        """Complete with another of the choices: its name."""
        name = body.decode(errors="replace")
        if name not in self.choices:
            raise InputError(f"no method '{printable(name)}' on this page")
        self.session.complete_with(self._load(name, self.session.photo))
        self.choice = name

    def _open(self, path: Path, outputs: Outputs) -> None:
        photo = self._read(path)
        session = Session(photo, self._load(self.choice, photo), outputs, self._seed, self._remarks)
        if hasattr(self, "session"):
            self._saved, self._notes = self.saved, self.notes
        self.session, self.name = session, printable(path.name)
        self._notes += photo.notes
