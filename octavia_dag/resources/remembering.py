"""A translator's answers are kept per text, so that a changed term or line asks for its own texts only.

The artifact's key changes with any line, and then every line would be asked for again. An answer is kept under what it
depends on: the engine and its revision, the pair, the text. A file appears whole or not at all; of two processes that
ask at once, both write the same. A file that is damaged counts as absent.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.engines import EngineInfo, Translator
from octavia_dag.resources.line_store import line_key
from octavia_dag.schema import Document


class Answer(Document):
    """What a translator made of one text: what it holds best, and its other candidates behind it."""

    text: str
    translation: str
    others: tuple[str, ...] = ()


class Remembering:
    """Asks `translator` only for texts that `folder` has no answer to, all of them in one call."""

    def __init__(self, translator: Translator, folder: Path) -> None:
        self._translator = translator
        self._folder = folder

    def info(self) -> EngineInfo:
        """The translator's."""
        return self._info

    @cached_property
    def _info(self) -> EngineInfo:
        # Asked once: an engine may have to start a program to tell, and it is asked of every line.
        return self._translator.info()

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """One translation per text, in order; equal texts are asked for once."""
        return [found[0] for found in self.candidates(texts, source, target)]

    def candidates(self, texts: Sequence[str], source: str, target: str) -> list[list[str]]:
        """The translator's candidates per text, in order; equal texts are asked for once."""
        found = {text: answer for text in texts if (answer := self._known(text, source, target)) is not None}
        unknown = [text for text in dict.fromkeys(texts) if text not in found]
        made = self._translator.candidates(unknown, source, target) if unknown else []
        for text, (best, *others) in zip(unknown, made, strict=True):
            found[text] = Answer(text=text, translation=best, others=tuple(others))
            self._keep(found[text], source, target)
        return [[found[text].translation, *found[text].others] for text in texts]

    def _known(self, text: str, source: str, target: str) -> Answer | None:
        with guarded("Reading a kept translation"):
            try:
                return Answer.model_validate_json(self._path(text, source, target).read_bytes())
            except (FileNotFoundError, ValidationError):
                return None

    def _keep(self, answer: Answer, source: str, target: str) -> None:
        with guarded("Keeping a translation"):
            write_atomically(self._path(answer.text, source, target), answer.model_dump_json().encode())

    def _path(self, text: str, source: str, target: str) -> Path:
        told = self._info
        return self._folder / f"{line_key(told.name, told.revision, source, target, text)}.json"
