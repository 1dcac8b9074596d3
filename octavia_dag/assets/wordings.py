"""What people gave for the words of a dub: glossary entries and approved lines, as far as the transcript has them.

An entry whose term nobody says and an approved line that is not said again are not given, so they make nothing again.
Only a transcriber that takes hot words is told of terms before anybody knows what is said, and hears anew when they
change.
"""

from pathlib import Path

from octavia_dag.assets.engaging import engine_for
from octavia_dag.assets.giving import Asked, Giver
from octavia_dag.dubbing.glossary import terms_in
from octavia_dag.resources.engines import Transcriber
from octavia_dag.resources.glossary_files import effective_entries, entries
from octavia_dag.schema import Term
from octavia_dag.settings import digest


def _entries(asked: Asked) -> tuple[Term, ...]:
    found = effective_entries(Path(asked.store.root), asked.video, asked.language) if asked.language else ()
    return tuple(entry.term for entry in found)


def _glossary(asked: Asked) -> str:
    found = _entries(asked)
    return digest([one.model_dump() for one in found]) if found else ""


def _terms_said(asked: Asked) -> list[dict[str, str | bool]]:
    transcript, entries = asked.transcript(), _entries(asked)
    said = {one.term for line in (transcript.lines if transcript else ()) for one in terms_in(line.text, entries)}
    return [one.model_dump() for one in entries if one.term in said]


def _memory(asked: Asked) -> str:
    return asked.workshop.memory.stamp(None, asked.language) if asked.language else ""


def _lines_approved(asked: Asked) -> dict[str, str]:
    """Not those of this very video: approving a translation must not make another one of it, to be approved again."""
    transcript = asked.transcript()
    if transcript is None or transcript.language is None or asked.language is None:
        return {}
    texts = [line.text for line in transcript.lines]
    return asked.workshop.memory.lookup(transcript.language, asked.language, texts, but_of=asked.video)


def _hot_words(asked: Asked) -> list[str]:
    """Terms of the original for the transcriber to expect, the video's own first, whatever they become in a dub."""
    root = Path(asked.store.root)
    rows = (*entries(root, asked.video), *entries(root, None))
    ear = engine_for(asked.workshop, asked.settings, Transcriber, "transcriber") if rows else None
    return list(ear.hot_words(tuple(dict.fromkeys(row.term.term for row in rows)))) if ear else []


def _hot_words_hash(asked: Asked) -> str:
    words = _hot_words(asked)
    return digest(words) if words else ""


HOT_WORDS = Giver("hot_words", "chunks", source=_hot_words_hash, used=_hot_words)
GLOSSARY = Giver("glossary", "translation", source=_glossary, used=_terms_said)
MEMORY = Giver("memory", "translation", source=_memory, used=_lines_approved)
