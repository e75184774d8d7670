"""HTML pages in one file: styles, scripts and pictures inlined, and nothing else admitted by the page's own policy.

A page is a Jinja2 template in `templates/` that extends `base.html.j2` and fills its blocks: `title`, `style`, `main`,
`help`, `script`. Every value is escaped. The content security policy names the style and the script by their hashes,
so that even a page whose escaping failed would run and fetch nothing.
"""

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from inpaint_cli import __version__


def render(template: str, **values: Any) -> str:
    """The page that `templates/<template>` describes, as one string of HTML."""
    return _environment().get_template(template).render(version=__version__, **values)


@cache
def _environment() -> Environment:
    loader = PackageLoader("inpaint_cli.reports")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["source"] = lambda name: Markup(loader.get_source(environment, name)[0])
    environment.filters["sha256"] = _policy_hash
    return environment


def _policy_hash(text: str) -> str:
    """`sha256-…`, as a content security policy names an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
