"""A person's wording replaces the translator's, as it stands: never condensed, its length only told.

The translator is asked for every line all the same. It translates a sentence that goes on over several lines whole, so
leaving one out would change its neighbours, and a correction of one line must not make another be spoken anew.
"""

from collections.abc import Mapping, Sequence

from octavia_dag.dubbing.glossary import stands_in, terms_in
from octavia_dag.dubbing.lengths import SHORTEST_ORIGINAL_S, predicted_seconds
from octavia_dag.schema import Line, Term, TextEdit, TranslatedLine

EDITED = "edited by a person"
LOCKED = "locked by a person"
CHANGED_SINCE = "the original has changed since it was locked"


def counting(edits: Mapping[str, TextEdit], lines: Sequence[Line]) -> dict[str, TextEdit]:
    """Those that count today: made for the line's present original, or locked."""
    return {
        line.id: edit
        for line in lines
        if (edit := edits.get(line.id)) is not None and (edit.locked or edit.original == line.text)
    }


def with_wordings(
    translated: Sequence[TranslatedLine],
    lines: Sequence[Line],
    edits: Mapping[str, TextEdit],
    *,
    language: str,
    voice: str,
    glossary: Mapping[str, str],
) -> tuple[TranslatedLine, ...]:
    """`translated` with the texts of `edits`, which all count; `voice` names the synthesizer that will speak them."""
    originals = {line.id: line for line in lines}
    return tuple(
        _reworded(one, originals[one.id], edits[one.id], language, voice, glossary) if one.id in edits else one
        for one in translated
    )


def _reworded(
    one: TranslatedLine, original: Line, edit: TextEdit, language: str, voice: str, glossary: Mapping[str, str]
) -> TranslatedLine:
    needed_s = predicted_seconds(edit.text, language, voice)
    terms = terms_in(original.text, [Term(term=term, wording=wording) for term, wording in glossary.items()])
    stale = edit.original != original.text
    flags = ((EDITED, edit.edited), (LOCKED, edit.locked), (CHANGED_SINCE, stale))
    return TranslatedLine(
        id=one.id,
        speaker=one.speaker,
        text=edit.text,
        full_text=edit.text,
        predicted_seconds=needed_s,
        length_ratio=needed_s / max(SHORTEST_ORIGINAL_S, original.seconds),
        glossary=tuple(one.term for one in terms if stands_in(one.wording, edit.text)),
        flags=tuple(flag for flag, true in flags if true),
        verbatim=True,
    )
