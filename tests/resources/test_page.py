"""A page is written whole or not at all, escapes what it shows, and allows nothing that is not in it."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from octavia_dag.errors import StorageError
from octavia_dag.resources import page
from octavia_dag.resources.page import Clip, write_page

FACTS = {"rows": [], "figures": [], "counts": {"<i>odd</i>": 3}}


def test_the_policy_allows_the_style_and_the_script_that_are_in_the_page(tmp_path: Path) -> None:
    write_page("index.html", FACTS, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    for tag in ("style", "script"):
        inner = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert inner is not None
        digest = base64.b64encode(hashlib.sha256(inner.group(1).encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy.group(1)
    assert policy.group(1).startswith("default-src &#39;none&#39;")


def test_what_is_shown_is_escaped(tmp_path: Path) -> None:
    write_page("index.html", FACTS, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "&lt;i&gt;odd&lt;/i&gt;" in text
    assert "<i>odd" not in text


def test_what_is_embedded_comes_out_again_byte_by_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_BLOCK", 3 * 7)
    content = bytes(range(256)) * 3
    (tmp_path / "clip.mp4").write_bytes(content)
    write_page("index.html", FACTS, tmp_path / "page.html", [Clip("dub", tmp_path / "clip.mp4", "video/mp4")])
    found = re.search(r'data-clip="dub"[^>]*>([^<]*)</script>', (tmp_path / "page.html").read_text(encoding="utf-8"))
    assert found is not None
    assert base64.b64decode(found.group(1), validate=True) == content


def test_a_clip_that_is_gone_leaves_the_page_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("before")
    with pytest.raises(StorageError, match=r"Writing the report to .*page\.html: No such file .*choose another --out"):
        write_page("index.html", FACTS, path, [Clip("dub", tmp_path / "gone.mp4", "video/mp4")])
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
