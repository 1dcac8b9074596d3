"""What a table that came back changes: the difference between its rows and what is there now.

All that is refused is found before anything is changed. A refused row takes part in nothing; rows that are to be one
line with it are refused with it.
"""

from collections.abc import Sequence
from itertools import pairwise

from octavia_dag.dubbing.edits import corrected, told, with_added
from octavia_dag.dubbing.review import CUT, DROP, SPLIT, Changes, Refusal, Row, State
from octavia_dag.dubbing.review_checks import chains, refused_drops, refused_merges, refused_rows, refused_voices
from octavia_dag.dubbing.review_speakers import Spoken, spoken
from octavia_dag.schema import Correction, Dropped, Line, Merged, Reassigned, Reworded, Split, TextEdit


def changes_of(rows: Sequence[Row], state: State) -> tuple[Changes, list[Refusal]]:
    """What the good rows change, and every refusal, by row."""
    refused = refused_rows(rows, state)
    known = _without(rows, refused)
    who, unknown = spoken(known, state)
    refused += [
        *unknown,
        *refused_voices(known, state, who.by),
        *refused_merges(rows, state, who.by),
        *refused_drops(known, state),
    ]
    # A cut can only be judged on the words as they are corrected; a chain with a refused row falls as a whole.
    cuts = [Refusal(row.number, reason) for row in known if (reason := _bad_cut(row, state))]
    refused += cuts
    bad = {one.row for one in refused}
    for chain in chains(rows):
        broken = [row.number for row in chain if row.number in bad]
        refused += [
            Refusal(row.number, f"it would be merged with row {broken[0]}, which is refused")
            for row in chain
            if broken and row.number not in bad
        ]
    good = _without(known, refused)
    return _changes(good, state, who), sorted(refused, key=lambda one: one.row)


def _without(rows: Sequence[Row], refused: Sequence[Refusal]) -> list[Row]:
    bad = {one.row for one in refused}
    return [row for row in rows if row.number not in bad]


def _changes(rows: Sequence[Row], state: State, who: Spoken) -> Changes:
    lines = {line.id: line for line in state.lines}
    edits = [edit for row in rows for edit in _cell_edits(row, lines[row.line], who)]
    now, texts = corrected(state.lines, edits, state.speakers).lines, dict[str, TextEdit | None]()
    # From the last to the first, so that each still finds its line as the table shows it.
    for chain in reversed(chains(rows)):
        bounds, wordings = _bounds(chain, now, state)
        now = corrected(now, bounds, state.speakers).lines
        edits += bounds
        texts |= wordings
    present = {lines[row.line].speaker for row in rows}
    names = {speaker: name for speaker, name in who.names.items() if speaker in present}
    cast = {
        who.by[row.line]: row.voice
        for row in rows
        if row.voice != state.voices.get(lines[row.line].speaker, "")
        and row.voice != state.voices.get(who.by[row.line], "")
    }
    texts = dict(sorted(texts.items()))
    said = [told(edit) for edit in edits]
    said += [f"Calling {speaker} {name or speaker}" for speaker, name in names.items()]
    said += [_told_text(line, text, state) for line, text in texts.items()]
    said += [f"Giving {state.called(speaker)} the voice {voice}" for speaker, voice in sorted(cast.items())]
    return Changes(with_added((), edits), names, texts, cast, tuple(said))


def _cell_edits(row: Row, line: Line, who: Spoken) -> list[Correction]:
    """Speaker and original; a line that is dropped needs neither."""
    if row.action == DROP:
        return []
    edits: list[Correction] = []
    if who.by[row.line] != line.speaker:
        edits.append(Reassigned(line=line.id, speaker=who.by[row.line]))
    if _original(row) != line.text:
        edits.append(Reworded(line=line.id, text=_original(row)))
    return edits


def _bounds(
    chain: Sequence[Row], now: Sequence[Line], state: State
) -> tuple[list[Correction], dict[str, TextEdit | None]]:
    """How one row, or rows that become one, change what is a line; and the wordings that follow."""
    row = chain[0]
    if len(chain) > 1:
        pairs = pairwise(chain)
        joins: list[Correction] = [Merged(line=a.line, other=b.line) for a, b in pairs]
        return joins[::-1], _joined(chain, state)
    if row.action == DROP:
        return [Dropped(line=row.line)], {}
    if row.action != SPLIT:
        wording = _wording(row, state)
        return [], {} if wording is _SAME else {row.line: wording}
    cut = _cut(row, now)
    assert cut is not None
    after, before = corrected(now, [cut], ()).lines, {one.id for one in now}
    halves = [one for one in after if one.id == row.line or one.id not in before]
    return [cut], {
        half.id: TextEdit(text=text.strip(), original=half.text, locked=_locked(row))
        for half, text in zip(halves, row.translation.split(CUT), strict=True)
    }


# A row that changes nothing of its wording; None is already taken by one that gives it back to the translator.
_SAME = TextEdit(text="", original="")


def _wording(row: Row, state: State) -> TextEdit | None:
    now, before = state.texts[row.line].text, state.edits.get(row.line)
    locked, was_locked = _locked(row), before is not None and before.locked
    if row.translation != now:
        return TextEdit(text=row.translation, original=row.original, locked=locked)
    if locked and not was_locked:
        edited = before is not None and before.edited
        return TextEdit(text=now, original=row.original, locked=True, edited=edited)
    if was_locked and not locked and before is not None:
        return before.model_copy(update={"locked": False}) if before.edited else None
    if before is not None and before.edited and _original(row) != before.original:
        return before.model_copy(update={"original": _original(row)})  # the original alone was corrected
    return _SAME


def _joined(chain: Sequence[Row], state: State) -> dict[str, TextEdit | None]:
    """A person's wording stays one when its line grows; what only the translator said is translated anew."""
    by_hand = any(row.translation != state.texts[row.line].text or row.line in state.edits for row in chain)
    locked = any(_locked(row) for row in chain)
    if not by_hand and not locked:
        return {}
    text, original = (
        " ".join(parts) for parts in zip(*((row.translation, row.original) for row in chain), strict=True)
    )
    return {chain[0].line: TextEdit(text=text, original=original, locked=locked)}


def _bad_cut(row: Row, state: State) -> str:
    if row.action != SPLIT:
        return ""
    line = next(line for line in state.lines if line.id == row.line)
    text = _original(row)
    edits = [Reworded(line=line.id, text=text)] if text != line.text else []
    return "" if _cut(row, corrected([line], edits, ()).lines) else "no word of the original begins at the cut"


def _cut(row: Row, now: Sequence[Line]) -> Split | None:
    """The split at the row's cut: its place is counted in words."""
    line = next(line for line in now if line.id == row.line)
    left, at = "".join(row.original.split(CUT)[0].split()), 0
    while at < len(line.words) and len("".join(word.text for word in line.words[:at])) < len(left):
        at += 1
    fits = "".join("".join(word.text for word in line.words[:at]).split()) == left
    return Split(line=line.id, at=at, word=line.words[at].text) if fits and 0 < at < len(line.words) else None


def _original(row: Row) -> str:
    return row.original.replace(CUT, " ") if row.action == SPLIT else row.original


def _locked(row: Row) -> bool:
    return row.locked.lower() == "yes"


def _told_text(line: str, text: TextEdit | None, state: State) -> str:
    before = state.texts.get(line)
    if text is None:
        return f"Giving {line} back to the translator"
    if before is None or text.text != before.text:
        return f"Wording {line} as {text.text!r}" + (", locked" if text.locked else "")
    was = state.edits.get(line)
    if was is not None and was.locked == text.locked:
        return f"Keeping the wording of {line}"
    return f"{'Locking' if text.locked else 'Unlocking'} {line}"
