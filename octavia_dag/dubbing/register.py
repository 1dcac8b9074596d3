"""Who of a video is somebody known already: by likeness of voices, all its speakers at once, never two as one person.

Doubt decides for a new person. Two people taken for one share a name and a voice, and nothing shows it; one person
taken for two is seen in a list, and one word of an operator mends it. So somebody is known again only where all of this
holds: the voice class is the same; the cosine is at least what the engine calls one voice; no other speaker of the same
video, who is surely somebody else, is nearer; and no other person would do nearly as well.

Over a telephone no cosine is enough: two women were up to 0.93 alike, and either of them 0.92 like herself. So who is
heard through one is known again only beside somebody else who is too, as two who stood beside each other before: then
both are compared with both, and being mistaken would have to be so twice over.

One person can sound unlike themselves, before another microphone: an operator says that it is one person, and both ways
to sound stay apart, since their mean would be like neither.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.clustering import Vectors
from octavia_dag.schema import VoiceClass

# Of the summed cosines: who could be another person for less than this is nobody known. Two women on one telephone, the
# most alike of the recordings, are told apart by 0.04.
MARGIN = 0.03
LEAST_S = 2.0  # speech from which somebody can be known again; of less, voiceprints scatter too much
_NEVER = -1e6


@dataclass(frozen=True, eq=False)
class Heard:
    """One speaker of the video at hand."""

    speaker: str
    embedding: Vectors
    voice_class: VoiceClass
    narrow: bool = False  # as over a telephone


@dataclass(frozen=True)
class Appearance:
    """One person as a video had them; `seconds` of speech were heard for it."""

    person: str
    video: str
    embedding: Vectors
    voice_class: VoiceClass
    seconds: float


@dataclass(frozen=True)
class _Known:
    """One person, from all that was heard of them: one row for each way to sound."""

    person: str
    embeddings: Vectors
    voice_class: VoiceClass


def recognized(heard: Sequence[Heard], appearances: Iterable[Appearance], least: float) -> dict[str, str]:
    """Speaker -> person, for those who are known; `least` is the cosine from which two embeddings are one voice."""
    rows, seen = sorted(heard, key=lambda one: one.speaker), list(appearances)
    known = _people(seen, least)
    if not rows or not known:
        return {}
    gains = np.array([[_gain(one, other, rows, least) for other in known] for one in rows])
    best = _assigned(gains)
    sure = {rows[i]: known[j].person for i, j in best.items() if not _doubtful(gains, best, i)}
    return {one.speaker: who for one, who in sure.items() if not one.narrow or _beside_another(one, sure, seen)}


def _beside_another(one: Heard, sure: Mapping[Heard, str], seen: Sequence[Appearance]) -> bool:
    """Whether another narrow voice of the class is known too, as somebody who was in a video with whom `one` is."""
    videos = {each.video for each in seen if each.person == sure[one]}
    met = {each.person for each in seen if each.video in videos}
    alike = [each for each in sure if each.narrow and each.voice_class == one.voice_class and each is not one]
    return any(sure[each] in met for each in alike)


def _people(appearances: Iterable[Appearance], least: float) -> list[_Known]:
    """Everybody by id, and the class that more of their speech was heard as."""
    of: dict[str, list[Appearance]] = {}
    for one in sorted(appearances, key=lambda one: (one.person, one.video, one.embedding.tolist())):
        of.setdefault(one.person, []).append(one)
    return [_Known(person, _ways(mine, least), _class(mine)) for person, mine in of.items()]


def _ways(mine: Sequence[Appearance], least: float) -> Vectors:
    """Means by seconds of embeddings that are alike enough to be known by each other."""
    sums: list[Vectors] = []
    for one in mine:
        part = np.asarray(one.embedding * np.float32(one.seconds), np.float32)
        nearest = max(range(len(sums)), key=lambda n: float(_unit(sums[n]) @ one.embedding), default=None)
        if nearest is not None and float(_unit(sums[nearest]) @ one.embedding) >= least:
            sums[nearest] = np.asarray(sums[nearest] + part, np.float32)
        else:
            sums.append(part)
    return np.stack([_unit(one) for one in sums])


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def _class(mine: Sequence[Appearance]) -> VoiceClass:
    female = sum(one.seconds if one.voice_class == "female" else -one.seconds for one in mine)
    return "female" if female > 0 else "male"


def _gain(one: Heard, other: _Known, beside: Sequence[Heard], least: float) -> float:
    """How far above the bar the likeness is; never where the two cannot be the same person."""
    cosine = float((other.embeddings @ one.embedding).max())
    siblings = [float(one.embedding @ each.embedding) for each in beside if each.speaker != one.speaker]
    if one.voice_class != other.voice_class or cosine < max([least, *siblings]):
        return _NEVER
    return cosine - least


def _assigned(gains: NDArray[np.float64]) -> dict[int, int]:
    """Row -> column of the greatest sum, each at most once; a row may also stay alone."""
    from scipy.optimize import linear_sum_assignment

    alone = np.zeros((len(gains), len(gains)))
    rows, columns = linear_sum_assignment(np.hstack([gains, alone]), maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {row: column for row, column in pairs if column < gains.shape[1] and gains[row, column] >= 0}


def _doubtful(gains: NDArray[np.float64], best: Mapping[int, int], row: int) -> bool:
    """Whether this row could have another column, and the sum would be hardly less."""
    without = gains.copy()
    without[row, best[row]] = _NEVER
    other = _assigned(without)
    return row in other and _sum(gains, best) - _sum(gains, other) < MARGIN


def _sum(gains: NDArray[np.float64], pairs: Mapping[int, int]) -> float:
    return sum(float(gains[row, column]) for row, column in pairs.items())
