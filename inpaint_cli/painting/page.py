"""The page of `inpaint mask` as HTML."""

from inpaint_cli.painting.session import Session
from inpaint_cli.reports.rendering import render


def painting_page(session: Session, name: str, method: str) -> str:
    """`name`: the photo's; `method`: what completes it, as the page says it."""
    return render(
        "painter.html.j2",
        name=name,
        method=method,
        size=session.photo.size,
        view=session.view,
        photo=session.photo_uri(),
        outputs=session.outputs,
    )
