"""The promises of a dub, by name: what each says, what it is about, and whether a broken one holds delivery back.

What anybody can verify on the file, and what nobody would want to hear (a changed picture, a cut line, another
language, two people in one voice), holds it back. The rest warns, each for the reason that stands beside it: where the
meter itself is often wrong, or where how much is too much is a matter of taste. A promise that was not measured counts
as broken: what could not be computed never passes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from octavia_dag.dubbing import quality
from octavia_dag.schema import Measure, QaReport


@dataclass(frozen=True)
class Promise:
    """One promise. `about` is the asset that it is a promise of, `warns` why a broken one only warns; "" where it holds
    the delivery back.
    """

    name: str
    about: str
    says: str
    warns: str = ""

    @property
    def check(self) -> str:
        """Its name where only letters, digits and underscores may stand."""
        return re.sub(r"\W+", "_", self.name).strip("_").lower()


_TASTE = "how much is too much is a matter of taste"
_EAR = "the transcriber mishears names and rare words in a voice that is right"
_PRINTS = "voices are told apart by prints that a short line leaves unsure"
_REPORTED = "it is reported, not promised"

_ALL = (
    Promise(quality.PICTURE, "final_mux", "The picture is the source's own packets, never encoded again."),
    Promise(quality.LENGTH, "final_mux", "The dub is as long as the source."),
    Promise(quality.DEFAULT, "final_mux", "Players play the dub, and know its language."),
    Promise(quality.TRACKS, "final_mux", "The original tracks stay behind the dub, untouched, where they are wanted."),
    Promise(quality.CHANNELS, "final_mux", "The dub has the source's channels."),
    Promise(quality.PEAK, "final_mux", "Nothing is clipped: the true peak of the decoded dub."),
    Promise(quality.LOUDER, "final_mux", "How much louder the programme became.", _REPORTED),
    Promise(quality.LANGUAGE, "final_mux", "The dub speaks its language, as heard."),
    Promise(quality.IN_FILE, "final_mux", "Every line is in the dub, at its place and whole."),
    Promise(quality.VOICE_LEFT, "final_mux", "Nobody of the original is heard under the dub."),
    Promise(quality.GAP_LEVEL, "final_mux", "Where nobody speaks the music is as loud as in the source."),
    Promise(quality.GAP_LIKENESS, "final_mux", "Where nobody speaks the music is the source's."),
    Promise(quality.GAP_WIDTH, "final_mux", "Where nobody speaks the music is as wide as in the source, never mono."),
    Promise(quality.GAP_SOUND, "final_mux", "Where there is no music, or none is wanted, no gap sounds."),
    Promise(quality.OVERLAP, "final_mux", "The dub speaks when the original speaks.", _TASTE),
    Promise(quality.AS_LOUD, "final_mux", "The dub speaks as loud as the original does.", _TASTE),
    Promise(quality.FAR_OFF, "final_mux", "Nobody shouts or whispers instead: far louder or softer than the original."),
    Promise(quality.DEPTH, "ducked_mix", "While the dub speaks the music steps back by the set depth.", _TASTE),
    Promise(quality.WORDS_LEFT, "ducked_mix", "No word of the original is heard in the music."),
    Promise(quality.ONSET_MEDIAN, "synced_speech", "Lines start when the person starts to speak.", _TASTE),
    Promise(quality.ONSET_LARGEST, "synced_speech", "No line starts long before or after the person.", _TASTE),
    Promise(quality.UNHURRIED, "dubbed_chunks", "Most lines are spoken without hurry.", _TASTE),
    Promise(quality.FASTEST, "dubbed_chunks", "No line is spoken faster than the tempo limit."),
    Promise(quality.ROUND_TRIP, "dubbed_chunks", "What is heard in the lines is what they were to say.", _EAR),
    Promise(quality.EMPTY, "dubbed_chunks", "No line is silent, or without a word that is heard."),
    Promise(quality.LINE_WORDS, "dubbed_chunks", "No line is cut: so many words as it has are heard in it."),
    Promise(quality.OWN_VOICES, "dubbed_chunks", "Everybody has a voice of their own."),
    Promise(quality.APART, "dubbed_chunks", "No two people sound alike."),
    Promise(quality.OWN_LINES, "dubbed_chunks", "Everybody keeps their voice from first to last.", _PRINTS),
    Promise(quality.CLASSES, "dubbed_chunks", "A woman is heard as a woman, a man as a man.", _PRINTS),
    Promise(quality.LIKENESS, "dubbed_chunks", "How much the voices resemble the original ones.", _REPORTED),
    Promise(quality.COUNT, "casting", "Nobody of those who were heard at first is missing.", _PRINTS),
)  # fmt: skip
PROMISES = {one.name: one for one in _ALL}


def judged(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """The measures in the order of the promises, told which hold a delivery back; what is missing is broken."""
    found = {one.name: one for one in measures}
    return tuple(
        found.get(one.name, _unmeasured(one)).model_copy(update={"blocking": not one.warns})
        for one in PROMISES.values()
    )


def held(report: QaReport) -> tuple[str, ...]:
    """Why a dub may not be delivered, in sentences; empty where it may."""
    return tuple(quality.in_words(one) for one in report.measures if one.blocking and not one.ok)


def _unmeasured(one: Promise) -> Measure:
    return quality.measure(one.name, None, "", "a promise that is measured", ok=False)
