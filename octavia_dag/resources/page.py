"""One HTML file that holds all it shows, and asks for nothing: it is read where there is no network, and by strangers.

What it shows came out of other people's videos, so Jinja escapes every word, and a policy in the page forbids whatever
is not in it by hash: no script but ours runs, and no request leaves. Sound and picture lie in it as text at its end, so
that what can be read is there at once; they are written through in blocks, and so need no memory.
"""

import base64
import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from octavia_dag.resources.artifacts import guarded

_CLIPS = "<!-- clips -->"  # no text can hold it: an escaped one has no "<"
_BLOCK = 3 << 18  # a multiple of 3, so that the pieces are one base64 text


@dataclass(frozen=True)
class Clip:
    """Media of a page: `name` is the id of the element that plays it."""

    name: str
    path: Path
    kind: str


def write_page(template: str, facts: Mapping[str, Any], path: Path, clips: Sequence[Clip] = ()) -> None:
    """Renders `template` of the folder `pages` with `facts` to `path`, whole or not at all."""
    style, script = _static("page.css"), _static("page.js")
    policy = (
        f"default-src 'none'; style-src {_hashed(style)}; script-src {_hashed(script)}; "
        "media-src blob:; img-src data:; base-uri 'none'; form-action 'none'"
    )
    text = _templates().get_template(template).render(
        **facts, style=style, script=script, policy=policy, clips=_CLIPS
    )  # fmt: skip
    before, _, after = text.partition(_CLIPS)
    with guarded(f"Writing the report to {path}", "choose another --out"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", encoding="utf-8", delete=False) as made:
            part = Path(made.name)
            try:
                made.write(before)
                for clip in clips:
                    _embed(clip, made)
                made.write(after)
                made.flush()
                part.chmod(0o644)
                os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)


def _embed(clip: Clip, page: IO[str]) -> None:
    page.write(f'<script type="text/plain" data-clip="{clip.name}" data-kind="{clip.kind}">')
    with clip.path.open("rb") as file:
        while block := file.read(_BLOCK):
            page.write(base64.b64encode(block).decode("ascii"))
    page.write("</script>\n")


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


@cache
def _static(name: str) -> str:
    return (files("octavia_dag.resources") / "pages" / name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("octavia_dag.resources", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
