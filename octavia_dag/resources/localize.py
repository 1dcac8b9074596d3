"""From a transcript's lines to a translation's lines: translate, guard what must survive, measure, condense, say so.

A line is translated as it is; only what that lost (a glossary term, a name, a number) is hidden behind a mark and the
line translated once more, since hidden words cost fluency. A sentence that goes on over several lines of one person is
translated whole and cut again where its punctuation tells the places, else line by line. Whatever could not be kept or
made to fit becomes a flag on its line, in words. Nothing is ever cut off.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from octavia_dag.dubbing.condensation import shorter_text
from octavia_dag.dubbing.continuation import joined_groups, split_like
from octavia_dag.dubbing.glossary import Losses, losses, lost_marks, mended, protect, restore, stands_in, terms_in
from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.dubbing.names import names
from octavia_dag.dubbing.numerals import number_writings
from octavia_dag.dubbing.punctuation import like_original
from octavia_dag.resources.engines import Condenser, Translator
from octavia_dag.schema import Line, TranslatedLine, Translation
from octavia_dag.settings import TranslationSlice

SHORTEST_ORIGINAL_S = 0.6  # a shorter original ("Yes.") has no length worth holding a translation to
Report = Callable[[float], None]


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
    translator: Translator,
    condenser: Condenser,
    chosen: TranslationSlice,
    voice: str,
    report: Report = lambda _: None,
) -> Translation:
    """The lines in `target`, in order, with predicted length, condensed text, glossary terms used and flags.

    `voice` names the synthesizer whose rates predict the length. A pair that is not served is a PairError; an endpoint
    that refuses for good an EngineError. `report` is told the share that is done.
    """
    work = _Work(lines, source, target, translator, condenser, chosen, voice)
    made = work.translated()
    finished: list[TranslatedLine] = []
    for line, (text, lost) in zip(lines, made, strict=True):
        finished.append(work.finished(line, text, lost))
        report(len(finished) / len(lines))
    return Translation(source=source, target=target, engine=translator.info().name, lines=tuple(finished))


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
    translator: Translator
    condenser: Condenser
    chosen: TranslationSlice
    voice: str

    def translated(self) -> list[tuple[str, Losses]]:
        """Text and losses per line: plain, then once more with what was lost hidden, whichever lost less."""
        texts, terms = [line.text for line in self.lines], self.chosen.glossary
        plain = [like_original(one, text) for one, text in zip(self._in_context(), texts, strict=True)]
        mend = [mended(one, self._lost(text, one).terms, terms) for one, text in zip(plain, texts, strict=True)]
        best = [(one, self._lost(text, one)) for one, text in zip(mend, texts, strict=True)]
        places = [place for place, (_, lost) in enumerate(best) if len(lost)]
        hidden = [protect(texts[place], self._to_hide(texts[place], best[place][1])) for place in places]
        again = self.translator.translate([text for text, _ in hidden], self.source, self.target) if hidden else []
        for place, (_, mapping), found in zip(places, hidden, again, strict=True):
            if lost_marks(found, mapping):
                continue
            put = like_original(restore(found, mapping, self.target), texts[place])
            lost = self._lost(texts[place], put)
            if len(lost) < len(best[place][1]):
                best[place] = (put, lost)
        return best

    def finished(self, line: Line, text: str, lost: Losses) -> TranslatedLine:
        """The line with its length, condensed where it is too long."""
        original_s = max(SHORTEST_ORIGINAL_S, line.seconds)
        allowed_s = self.chosen.max_length_ratio * original_s
        flags, shorter, needed_s = lost.sentences(), text, self._seconds(text)
        if needed_s > allowed_s:
            wordings = tuple(self.chosen.glossary.values())
            condensed = condense_text(
                text, line.text, self.target, allowed_s / needed_s, self.condenser, protected=wordings
            )
            shorter, needed_s = condensed.text, self._seconds(condensed.text)
            flags += [condensed.note] if condensed.note else []
        if needed_s > allowed_s:
            flags.append(f"too long: {needed_s / original_s:.2f} times the original, and no shorter wording was found")
        return TranslatedLine(
            id=line.id,
            speaker=line.speaker,
            text=shorter,
            full_text=text,
            predicted_seconds=needed_s,
            length_ratio=needed_s / original_s,
            glossary=tuple(term for term in terms_in(line.text, self.chosen.glossary) if term not in lost.terms),
            flags=tuple(flags),
        )

    def _in_context(self) -> list[str]:
        """One translation per line; sentences over several lines whole where they can be cut again."""
        texts = [line.text for line in self.lines]
        plain = self.translator.translate(texts, self.source, self.target)
        groups = joined_groups(self.lines)
        joined = [" ".join(texts[at] for at in group) for group in groups]
        whole = self.translator.translate(joined, self.source, self.target) if joined else []
        for group, text in zip(groups, whole, strict=True):
            parts = split_like(text, [texts[at] for at in group])
            for at, part in zip(group, parts or [plain[at] for at in group], strict=True):
                plain[at] = part
        return plain

    @cached_property
    def _known_names(self) -> frozenset[str]:
        return frozenset(name for line in self.lines for name in names(line.text, self.source))

    def _lost(self, original: str, translated: str) -> Losses:
        return losses(
            original,
            translated,
            source=self.source,
            target=self.target,
            glossary=self.chosen.glossary,
            known_names=self._known_names,
        )

    def _to_hide(self, text: str, lost: Losses) -> Mapping[str, str]:
        hide = {term: self.chosen.glossary[term] for term in lost.terms} | {name: name for name in lost.names}
        return hide | number_writings(text, lost.numbers, self.source, self.target)

    def _seconds(self, text: str) -> float:
        return predicted_seconds(text, self.target, self.voice)
