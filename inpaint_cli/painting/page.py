"""The page of `inpaint mask` as HTML."""

from collections.abc import Sequence

from inpaint_cli.painting.limits import LARGEST_BODY
from inpaint_cli.painting.session import Session
from inpaint_cli.reports.rendering import render


def painting_page(session: Session, name: str, method: str, choices: Sequence[str] = (), several: bool = False) -> str:
    """name: the photo's; method: what completes it, as the page says it; choices: what else could; several: photos."""
    return render(
        "painter.html.j2",
        name=name,
        method=method,
        choices=choices or [method],
        several=several,
        largest=LARGEST_BODY,
        size=session.photo.size,
        view=session.view,
        photo=session.photo_uri(),
        outputs=session.outputs,
    )
