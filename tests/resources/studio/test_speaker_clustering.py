"""At risk: two people of one moment made one, somebody dropped, a count that people outside the regions have spoilt."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from octavia_dag.resources.studio.speaker_clustering import spectral_clustering
from octavia_dag.schema import Span

pytestmark = pytest.mark.studio

FRAMES = 100  # of a chunk of 10 s
EVERYWHERE = [Span(start=0.0, end=1000.0)]
# Unit vectors of people who are nothing like each other.
ANN, BEN, CAY, DAN, EVE = np.eye(8, dtype=np.float32)[:5]
Chunk = list[tuple[NDArray[np.float32], float, float]]


def clustered(
    chunks: list[Chunk], *, minimum: int = 1, maximum: int = 8, regions: list[Span] = EVERYWHERE
) -> tuple[list[list[int]], Any]:
    """Persons per chunk and local speaker, and the people's vectors; a chunk begins every second, and holds up to three
    local speakers: a vector, and from when to when in the chunk they speak.
    """
    from pyannote.core import SlidingWindow, SlidingWindowFeature

    vectors, said = np.full((len(chunks), 3, 8), 0.01, np.float32), np.zeros((len(chunks), FRAMES, 3), np.float32)
    for number, chunk in enumerate(chunks):
        for local, (vector, start, end) in enumerate(chunk):
            vectors[number, local] = vector
            said[number, round(start * 10) : round(end * 10), local] = 1.0
    people, _, means = spectral_clustering(0.5)(
        embeddings=vectors,
        segmentations=SlidingWindowFeature(said, SlidingWindow(duration=10.0, step=1.0)),
        min_clusters=minimum,
        max_clusters=maximum,
        file={"regions": regions},
        frames=None,
    )
    return people.tolist(), means


def test_the_same_voice_in_any_place_is_the_same_person() -> None:
    people, means = clustered([[(ANN, 0, 4), (BEN, 5, 9)], [(BEN, 0, 4), (ANN, 5, 9)], [(BEN, 1, 8)]] * 3)
    assert len(means) == 2
    assert {(chunk[0], other[1]) for chunk, other in zip(people[::3], people[1::3], strict=True)} == {
        (people[0][0], people[0][0])
    }
    assert {chunk[0] for chunk in people[2::3]} == {people[0][1]}


def test_two_that_are_told_apart_inside_a_chunk_are_two_people_though_they_sound_alike() -> None:
    nearly = 0.8 * ANN + 0.6 * BEN
    apart: list[Chunk] = [[(ANN, 0, 9)], [(BEN, 0, 9)]]
    together: Chunk = [(ANN, 0, 4), (nearly, 5, 6)]
    people, _ = clustered([*apart * 5, together])
    assert people[-1][:2] == [people[0][0], people[1][0]]


def test_where_a_chunk_holds_more_than_there_may_be_people_nobody_is_dropped() -> None:
    people, _ = clustered([[(ANN, 0, 3), (BEN, 3, 6), (CAY, 6, 9)]] * 4, maximum=2)
    assert {person for chunk in people for person in chunk} == {0, 1}


def test_a_local_speaker_who_says_nothing_takes_nobodys_place() -> None:
    chunks: list[Chunk] = [[(ANN, 0, 9)], [(BEN, 0, 9)], [(BEN, 0, 0), (0.6 * ANN + 0.8 * BEN, 1, 9)]]
    people, _ = clustered(chunks * 3)
    assert people[2][1] == people[1][0]


def test_people_who_speak_outside_the_regions_do_not_count() -> None:
    inside: list[Chunk] = [[(one, 0, 10)] for one in (ANN, BEN) for _ in range(20)]
    others: list[Chunk] = [[(one, 0, 10)] for one in (CAY, DAN, EVE) for _ in range(20)]
    people, means = clustered(
        [*inside, *others],
        minimum=2,
        maximum=2,
        regions=[Span(start=0.0, end=40.0)],
    )
    assert sorted(np.abs(means @ np.stack([ANN, BEN]).T).max(axis=0).round(2).tolist()) == [1.0, 1.0]
    assert people[0][0] != people[20][0]


def test_people_of_a_word_each_are_told_apart_where_two_are_asked_for() -> None:
    people, means = clustered([[(ANN, 1, 2), (BEN, 4, 5)]], minimum=2)
    assert len(means) == 2
    assert people[0][0] != people[0][1]


def test_a_chunk_in_which_nobody_says_enough_is_one_persons() -> None:
    people, means = clustered([[(ANN, 1, 1.2), (BEN, 4, 4.2)]])
    assert (len(means), people) == (0, [[0, 0, 0]])
