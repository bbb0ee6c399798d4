"""HTML pages from templates, with inline style and script that the content security policy allows by hash."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mmbench import __version__
from mmbench.storage import write_text

if TYPE_CHECKING:
    from jinja2 import Environment


_NAME = "index.html"


@dataclass(frozen=True)
class Written:
    """A page that was written, and its size in bytes."""

    path: Path
    size: int


def write_page(html: str, out: Path) -> Written:
    """Write a page into the folder ``out``."""
    write_text(out / _NAME, html)
    return Written(out / _NAME, len(html.encode()))


def render_page(template: str, css: str = "", kind: str = "", **content: Any) -> str:
    """A page rendered from a template and ``content``; ``css`` are additional rules.

    ``kind`` names an additional style and script in ``static``.
    """
    style, script = f"{_static('style.css')}{css}", _static("script.js")
    if kind:
        style, script = f"{style}{_static(f'{kind}.css')}", f"{script}{_static(f'{kind}.js')}"
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(template)
        .render(**content, policy=policy, style=Markup(style), script=Markup(script), version=__version__)
    )


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("mmbench.reporting.pages")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _static(name: str) -> str:
    return (files("mmbench.reporting.pages") / "static" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The hash by which a content security policy allows an inline text (CSP level 2)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
