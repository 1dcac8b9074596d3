"""A translator whose texts are what a stranger's video may say: markup that a page must show and never obey."""

from collections.abc import Sequence

from octavia_fakes import FakeTranslator

MARKUP = """"><img src=x onerror=alert(1)></script><script>alert(2)</script>"""


class HostileTranslator(FakeTranslator):
    """The fake's words, with markup in front."""

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        return [f"{MARKUP} {text}" for text in super().translate(texts, source, target)]
