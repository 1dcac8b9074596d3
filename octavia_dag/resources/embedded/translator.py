"""Translation on this machine: Bergamot where it has the pair, Apertium where it is installed, else a clear refusal.

Bergamot is neural and good, and exists here for English and Brazilian Portuguese; Apertium is rule-based and rough.
No pair is bridged through a third language: two rough steps give a text nobody should be made to hear.
"""

import re
import threading
from collections.abc import Sequence
from typing import Literal

import langcodes
from langcodes.tag_parser import LanguageTagError
from pydantic import PrivateAttr

from octavia_dag.dubbing.numerals import read_digits, write_digits
from octavia_dag.errors import PairError
from octavia_dag.resources.embedded.apertium import Apertium
from octavia_dag.resources.embedded.bergamot import FOLDERS, Bergamot
from octavia_dag.resources.engines import EngineInfo, Translator


class LocalTranslator(Translator):
    """`apertium` names the program that serves the pairs Bergamot has not, `apertium_timeout_s` bounds its calls."""

    apertium: str = "apertium"
    apertium_timeout_s: float = 30.0

    _bergamot: Bergamot | None = PrivateAttr(default=None)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def info(self) -> EngineInfo:
        """Bergamot's revision; Apertium's pairs are named among the languages where it is installed."""
        return EngineInfo(
            name="bergamot+apertium",
            revision=Bergamot(self.models_dir).revision,
            licence="MPL-2.0 (Bergamot's weights), GPL-2.0-or-later (Apertium, a program of its own)",
            languages=tuple(sorted({tag for pair in self.pairs() for tag in pair})),
        )

    def pairs(self) -> frozenset[tuple[str, str]]:
        """The pairs that can be translated now."""
        return frozenset(FOLDERS) | frozenset(Apertium(self.apertium, timeout_s=self.apertium_timeout_s).modes())

    def quality(self, source: str, target: str) -> Literal["neural", "rule-based"] | None:
        """How well a pair is served here; None where it is not."""
        pair = (normal_tag(source), normal_tag(target))
        if pair in FOLDERS:
            return "neural"
        return "rule-based" if pair in Apertium(self.apertium, timeout_s=self.apertium_timeout_s).modes() else None

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """One translation per text, in order; an empty text stays empty. Tags may be as loose as 'pt' or 'en-US'."""
        pair = (normal_tag(source), normal_tag(target))
        wanted = [place for place, text in enumerate(texts) if text.strip()]
        given = [texts[place] for place in wanted]
        done = self._serve(given, *pair)
        made = dict(zip(wanted, done, strict=True))
        return [made.get(place, "") for place in range(len(texts))]

    def _serve(self, texts: list[str], source: str, target: str) -> list[str]:
        if (source, target) in FOLDERS:
            with self._lock:
                self._bergamot = self._bergamot or Bergamot(self.models_dir)
            return self._bergamot.translate(texts, source, target)
        apertium = Apertium(self.apertium, timeout_s=self.apertium_timeout_s)
        modes = apertium.modes()
        if (source, target) not in modes:
            served = ", ".join(f"{one} to {other}" for one, other in sorted(frozenset(FOLDERS) | frozenset(modes)))
            raise PairError(
                f"Translating from {source} to {target} is not possible here; pairs that are: {served}. "
                "Ask for one of these, or install the Apertium data of this pair."
            )
        made = apertium.translate(texts, modes[source, target]) if texts else []
        return [_digits_as_written(text, source, target) for text in made]


def _digits_as_written(text: str, source: str, target: str) -> str:
    """Apertium copies digits as they stand: "3.50" becomes "3,50" where the target language writes it so."""
    return re.sub(
        r"(?<![\d:])\d+(?:[.,]\d+)+(?![\d:])", lambda found: write_digits(read_digits(found[0], source), target), text
    )


def normal_tag(tag: str) -> str:
    """The tag by which a language is served: 'pt' and 'por' are 'pt-BR', 'en-US' is 'en', 'pt-PT' stays itself."""
    try:
        language = langcodes.get(tag)
    except LanguageTagError as error:
        raise PairError(f"{tag!r} is no language tag ({error}); write one such as en or pt-BR.") from error
    if language.language == "pt":
        return "pt-PT" if language.territory == "PT" else "pt-BR"
    return language.language or tag
