"""Which measured voices make the cast, and the line that tells the classes apart: the choosing behind voice_table.py.

A mixture is worth having when it is understood, sounds its class, and is not taken for another voice; so the largest
set of voices that are all apart comes first, and only then single voices that are as little alike as there are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.voices import APART
from octavia_dag.schema import Voice

MIXTURES = 6
MAX_WER = 0.1


@dataclass(frozen=True, eq=False)
class Sample:  # compared by identity: arrays have no truth
    """How one voice sounds in one language."""

    voice: Voice
    embedding: NDArray[np.float32]
    pitch_hz: float
    wer: float


def separator(everyone: list[Sample]) -> dict[str, Any]:
    """Linear discriminant (Fisher, shrunk) on the embedding and the log pitch; above 0 is female."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    features = np.stack([np.append(s.embedding, np.log2(s.pitch_hz / 160.0)) for s in everyone])
    female = np.array([s.voice.voice_class == "female" for s in everyone])
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5, priors=[0.5, 0.5]).fit(features, female)
    scale = float(np.abs(features @ fitted.coef_[0] + fitted.intercept_[0]).mean())
    return {
        "weights": [round(float(w) / scale, 4) for w in fitted.coef_[0][:-1]],
        "pitch_weight": round(float(fitted.coef_[0][-1]) / scale, 4),
        "offset": round(float(fitted.intercept_[0]) / scale, 4),
    }


def chosen(pures: list[Sample], mixtures: list[Sample], judge: dict[str, Any]) -> list[Sample]:
    """Of each class the mixtures that are understood, sound their class, and differ most.

    First those of the largest set in which no two sound alike, then, one by one, the one least like all others.
    """
    kept: list[Sample] = []
    for kind in ("female", "male"):
        cast = [s for s in pures if s.voice.voice_class == kind]
        left = [s for s in mixtures if s.voice.voice_class == kind and s.wer <= MAX_WER and sounds(s, judge) == kind]
        picked = [s for s in largest_apart([*cast, *left]) if s in left][:MIXTURES]
        left = [s for s in left if s not in picked]
        while left and len(picked) < MIXTURES:
            best = min(left, key=lambda s: max(float(s.embedding @ other.embedding) for other in [*cast, *picked]))
            left.remove(best)
            picked.append(best)
        kept += picked
    return kept


def largest_apart(pool: list[Sample]) -> list[Sample]:
    """The largest set of voices of which no two are alike; of equals the one least alike in all."""
    vectors = np.array([s.embedding for s in pool])
    cosines = vectors @ vectors.T if pool else np.zeros((0, 0))
    best: tuple[int, float, list[int]] = (0, 0.0, [])

    def grow(members: list[int], open_: list[int]) -> None:
        nonlocal best
        alike = float(cosines[np.ix_(members, members)].sum())
        best = max(best, (len(members), -alike, members))
        for place, number in enumerate(open_):
            grow([*members, number], [o for o in open_[place + 1 :] if cosines[number, o] < APART])

    grow([], list(range(len(pool))))
    return [pool[number] for number in best[2]]


def sounds(sample: Sample, judge: dict[str, Any]) -> str:
    """The class a sample is heard as."""
    score = float(sample.embedding @ np.array(judge["weights"])) + judge["offset"]
    return "female" if score + judge["pitch_weight"] * np.log2(sample.pitch_hz / 160.0) > 0 else "male"
