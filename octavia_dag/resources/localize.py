"""From a transcript's lines to a translation's lines: translate, guard what must survive, measure, condense, say so.

A line is translated as it is; only what that lost (a glossary term, a name, a number) is hidden behind a mark and the
line translated once more, since hidden words cost fluency. A sentence that goes on over several lines of one person is
translated whole and cut again where its punctuation tells the places, else line by line. Where a translator offers
several translations, one that loses nothing comes before one that fits, and the first that fits before any that is
condensed afterwards. A line that somebody approved before is taken word for word, and no translator is asked for it.
Whatever could not be kept or made to fit becomes a flag on its line, in words. Nothing is ever cut off.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from octavia_dag.dubbing.condensation import shorter_text
from octavia_dag.dubbing.continuation import joined_groups, split_like
from octavia_dag.dubbing.glossary import Losses, losses, lost_marks, mended, protect, restore, stands_in, terms_in
from octavia_dag.dubbing.lengths import SHORTEST_ORIGINAL_S, predicted_seconds
from octavia_dag.dubbing.names import names
from octavia_dag.dubbing.numerals import number_writings
from octavia_dag.dubbing.punctuation import like_original
from octavia_dag.resources.engines import Condenser, EngineInfo
from octavia_dag.schema import Line, Term, TranslatedLine, Translation
from octavia_dag.settings import TranslationSlice

FROM_MEMORY = "from the translation memory"
Report = Callable[[float], None]
Judged = tuple[str, Losses]


class Translating(Protocol):
    """What is asked of a translator here; the role has it, and so has what remembers a translator's answers."""

    def info(self) -> EngineInfo: ...  # noqa: D102
    def candidates(self, texts: Sequence[str], source: str, target: str) -> list[list[str]]: ...  # noqa: D102


@dataclass(frozen=True)
class Condensed:
    """A shorter text; `reached` is False where it is still longer than was asked for. `note` is a flag, or empty."""

    text: str
    reached: bool
    note: str = ""


def translate_lines(
    lines: Sequence[Line],
    *,
    source: str,
    target: str,
    translator: Translating,
    condenser: Condenser,
    chosen: TranslationSlice,
    glossary: Sequence[Term],
    voice: str,
    approved: Mapping[str, str] | None = None,
    report: Report = lambda _: None,
) -> Translation:
    """The lines in `target`, in order, with predicted length, condensed text, glossary terms used and flags.

    `approved` maps texts of lines to their translations. `voice` names the synthesizer whose rates predict the length.
    A pair that is not served is a PairError; an endpoint that refuses for good an EngineError. `report` is told the
    share that is done.
    """
    work = _Work(lines, source, target, translator, condenser, chosen, glossary, voice, approved or {})
    made = work.translated()
    finished: list[TranslatedLine] = []
    for line, (text, lost) in zip(lines, made, strict=True):
        finished.append(work.finished(line, text, lost))
        report(len(finished) / len(lines))
    return Translation(
        source=source,
        target=target,
        engine=translator.info().name,
        wordings={entry.term: entry.wording for entry in sorted(glossary, key=lambda one: one.term)},
        lines=tuple(finished),
    )


def condense_text(
    text: str,
    original: str,
    language: str,
    ratio: float,
    condenser: Condenser,
    *,
    protected: Sequence[str] = (),
) -> Condensed:
    """`text` in at most `ratio` of its predicted length, or as near as the rules of dubbing/condensation.py get.

    `condenser` is asked first. An answer that lost one of the `protected` wordings standing in `text` is not taken.
    """
    wanted = [one for one in protected if stands_in(one, text)]

    def kept(answer: str) -> bool:
        return all(stands_in(one, answer) for one in wanted)

    answer = condenser.condense(text, original, language, ratio)
    if answer and kept(answer):
        return Condensed(answer, reached=True)
    shorter = shorter_text(text, language, ratio, keep=kept)
    reached = predicted_seconds(shorter, language) <= ratio * predicted_seconds(text, language)
    by_rule = condenser.info().name != "rules" and shorter != text
    note = "condensed by rules, since the condenser gave no usable answer" if by_rule else ""
    return Condensed(shorter, reached, note)


@dataclass(frozen=True)
class _Work:
    """One call of `translate_lines`."""

    lines: Sequence[Line]
    source: str
    target: str
    translator: Translating
    condenser: Condenser
    chosen: TranslationSlice
    glossary: Sequence[Term]
    voice: str
    approved: Mapping[str, str]

    def translated(self) -> list[Judged]:
        """Text and losses per line: plain, then once more with what was lost hidden, whichever lost less."""
        texts = [line.text for line in self.lines]
        best = self._in_context()
        places = [place for place, (_, lost) in enumerate(best) if len(lost) and texts[place] not in self.approved]
        hidden = [protect(texts[place], self._to_hide(texts[place], best[place][1])) for place in places]
        again = self._candidates([text for text, _ in hidden])
        for place, (_, mapping), found in zip(places, hidden, again, strict=True):
            whole = [restore(one, mapping, self.target) for one in found if not lost_marks(one, mapping)]
            if not whole:
                continue
            put = [like_original(one, texts[place]) for one in whole]
            (chosen,) = self._chosen([place], [[(one, self._lost(texts[place], one))] for one in put])
            if len(chosen[1]) < len(best[place][1]):
                best[place] = chosen
        return best

    def finished(self, line: Line, text: str, lost: Losses) -> TranslatedLine:
        """The line with its length, condensed where it is too long."""
        original_s = max(SHORTEST_ORIGINAL_S, line.seconds)
        allowed_s = self._allowed_s(line)
        flags = [FROM_MEMORY, *lost.sentences()] if line.text in self.approved else lost.sentences()
        shorter, needed_s = text, self._seconds(text)
        if needed_s > allowed_s:
            wordings = tuple(entry.wording for entry in self.glossary)
            condensed = condense_text(
                text, line.text, self.target, allowed_s / needed_s, self.condenser, protected=wordings
            )
            shorter, needed_s = condensed.text, self._seconds(condensed.text)
            flags += [condensed.note] if condensed.note else []
        if needed_s > allowed_s:
            flags.append(
                f"its text takes {needed_s / original_s:.2f} times the original's time, and no shorter one was found"
            )
        return TranslatedLine(
            id=line.id,
            speaker=line.speaker,
            text=shorter,
            full_text=text,
            predicted_seconds=needed_s,
            length_ratio=needed_s / original_s,
            glossary=tuple(one.term for one in terms_in(line.text, self.glossary) if one not in lost.terms),
            flags=tuple(flags),
        )

    def _judged(self, original: str, found: str) -> Judged:
        """A first translation put right where that is sure, and what it lost.

        An approved one stands as it is: who approved it knew of its names and numbers, but maybe not of today's terms.
        """
        if original in self.approved:
            return found, Losses(terms=self._lost(original, found).terms)
        put = like_original(found, original)
        put = mended(put, self._lost(original, put).terms)
        return put, self._lost(original, put)

    def _in_context(self) -> list[Judged]:
        """One translation per line; sentences over several lines whole where they can be cut again."""
        texts = [line.text for line in self.lines]
        best = {
            place: self._judged(text, self.approved[text]) for place, text in enumerate(texts) if text in self.approved
        }
        asked = [place for place in range(len(texts)) if place not in best]
        for place, found in zip(asked, self._candidates([texts[place] for place in asked]), strict=True):
            (best[place],) = self._chosen([place], [[self._judged(texts[place], one)] for one in found])
        groups = self._sentences()
        whole = self._candidates([" ".join(texts[at] for at in group) for group in groups])
        for group, found in zip(groups, whole, strict=True):
            originals = [texts[at] for at in group]
            cut = [parts for one in found if (parts := split_like(one, originals)) is not None]
            if cut:
                options = [[self._judged(*pair) for pair in zip(originals, parts, strict=True)] for parts in cut]
                best |= zip(group, self._chosen(group, options), strict=True)
        return [best[place] for place in range(len(texts))]

    def _candidates(self, texts: Sequence[str]) -> list[list[str]]:
        return self.translator.candidates(texts, self.source, self.target) if texts else []

    def _chosen(self, places: Sequence[int], options: Sequence[Sequence[Judged]]) -> Sequence[Judged]:
        """Of ways to say the lines at `places`: what loses least; of those the first that fits, else the shortest."""
        fewest = min(_lost_by(one) for one in options)
        kept = [one for one in options if _lost_by(one) == fewest]
        for one in kept:
            fits = (
                self._seconds(text) <= self._allowed_s(self.lines[at])
                for at, (text, _) in zip(places, one, strict=True)
            )
            if all(fits):
                return one
        return min(kept, key=lambda one: sum(self._seconds(text) for text, _ in one))

    def _allowed_s(self, line: Line) -> float:
        return self.chosen.max_length_ratio * max(SHORTEST_ORIGINAL_S, line.seconds)

    def _sentences(self) -> list[list[int]]:
        """Places of lines that form one sentence; an approved line is asked for no more, so it ends one."""
        ending = [one.model_copy(update={"text": ""}) if one.text in self.approved else one for one in self.lines]
        groups = [[at for at in group if self.lines[at].text not in self.approved] for group in joined_groups(ending)]
        return [group for group in groups if len(group) > 1]

    @cached_property
    def _known_names(self) -> frozenset[str]:
        return frozenset(name for line in self.lines for name in names(line.text, self.source))

    def _lost(self, original: str, translated: str) -> Losses:
        return losses(
            original,
            translated,
            source=self.source,
            target=self.target,
            glossary=self.glossary,
            known_names=self._known_names,
        )

    def _to_hide(self, text: str, lost: Losses) -> list[Term]:
        """What was lost, names and numbers as terms that count as they are written."""
        written = {name: name for name in lost.names} | number_writings(text, lost.numbers, self.source, self.target)
        return [*lost.terms, *(Term(term=one, wording=put, match_case=True) for one, put in written.items())]

    def _seconds(self, text: str) -> float:
        return predicted_seconds(text, self.target, self.voice)


def _lost_by(option: Sequence[Judged]) -> int:
    return sum(len(lost) for _, lost in option)
