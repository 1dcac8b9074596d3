"""At risk: two people taken for one, which nobody would see; and one person who is a new one in every video."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavia_dag.dubbing.clustering import Vectors
from octavia_dag.dubbing.register import Appearance, Heard, recognized
from octavia_dag.schema import VoiceClass

LEAST = 0.7
SIZE = 32
CAST = 6  # people of the made-up series


def towards(cosine: float, place: int = 0, beside: int = 1) -> Vectors:
    """A unit vector with this cosine to the axis `place`; the rest of it lies on another axis."""
    vector = np.zeros(SIZE, np.float32)
    vector[beside] = np.sqrt(1 - cosine**2)
    vector[place] = cosine
    return vector


def heard(speaker: str, embedding: Vectors, kind: VoiceClass = "female") -> Heard:
    return Heard(speaker, embedding, kind)


def known(
    person: str, embedding: Vectors, kind: VoiceClass = "female", *, video: str = "v1", s: float = 10
) -> Appearance:
    return Appearance(person, video, embedding, kind, s)


ANA = known("P001", towards(1.0))


def test_who_is_as_like_as_one_voice_is_known_again() -> None:
    assert recognized([heard("A", towards(0.71))], [ANA], LEAST) == {"A": "P001"}


def test_who_is_less_like_is_nobody_known() -> None:
    assert recognized([heard("A", towards(0.69))], [ANA], LEAST) == {}


def test_where_nobody_is_known_everybody_is_new() -> None:
    assert recognized([heard("A", towards(1.0))], [], LEAST) == {}


def test_a_voice_of_the_other_class_is_another_person() -> None:
    assert recognized([heard("A", towards(0.99), "male")], [ANA], LEAST) == {}


def test_of_two_speakers_who_are_like_one_person_one_is_that_person() -> None:
    two = [heard("A", towards(0.8, beside=1)), heard("B", towards(0.9, beside=2))]  # 0.72 like each other
    assert recognized(two, [ANA], LEAST) == {"B": "P001"}


def test_nobody_is_known_by_a_likeness_that_others_of_the_same_video_have_too() -> None:
    # Over a telephone: the caller at hand is as like to another caller beside her as she is to one of last week.
    callers = [heard("A", towards(0.9, beside=1)), heard("B", towards(0.6, beside=1))]
    assert float(callers[0].embedding @ callers[1].embedding) > 0.88
    assert recognized(callers, [ANA], LEAST) == {"A": "P001"}
    closer = [callers[0], heard("B", towards(0.85, beside=1))]
    assert recognized(closer, [ANA], LEAST) == {}


ON_A_LINE = [known("P001", towards(1.0)), known("P002", towards(1.0, place=1, beside=2))]


def on_a_line(speaker: str, embedding: Vectors, kind: VoiceClass = "female") -> Heard:
    return Heard(speaker, embedding, kind, narrow=True)


def test_over_a_telephone_nobody_is_known_by_themselves() -> None:
    assert recognized([on_a_line("A", towards(0.99))], [ANA], LEAST) == {}
    assert recognized([heard("A", towards(0.99))], [ANA], LEAST) == {"A": "P001"}


def test_over_a_telephone_two_who_met_are_known_by_each_other() -> None:
    both = [on_a_line("A", towards(0.9, beside=3)), on_a_line("B", towards(0.9, place=1, beside=4))]
    assert recognized(both, ON_A_LINE, LEAST) == {"A": "P001", "B": "P002"}


def test_over_a_telephone_two_who_never_met_may_be_one_person_taken_for_two() -> None:
    both = [on_a_line("A", towards(0.9, beside=3)), on_a_line("B", towards(0.9, place=1, beside=4))]
    assert recognized(both, [ON_A_LINE[0], replace(ON_A_LINE[1], video="v2")], LEAST) == {}


@pytest.mark.parametrize("other", [heard("B", towards(0.9, place=1, beside=4)), on_a_line("B", towards(1, place=7))])
def test_who_is_at_a_microphone_or_new_is_no_help_to_who_is_on_a_telephone(other: Heard) -> None:
    assert "A" not in recognized([on_a_line("A", towards(0.9, beside=3)), other], ON_A_LINE, LEAST)


def test_who_could_nearly_as_well_be_another_is_a_new_person() -> None:
    both = [ANA, known("P002", towards(1.0, place=1))]
    assert recognized([heard("A", towards(np.sqrt(0.5)))], both, LEAST) == {}
    assert recognized([heard("A", towards(0.8))], both, 0.5) == {"A": "P001"}


def test_who_is_taken_by_a_better_match_makes_nobody_doubtful() -> None:
    both = [ANA, known("P002", towards(0.8))]  # 0.8 like each other
    speakers = [heard("A", towards(1.0)), heard("B", towards(0.78))]
    assert recognized(speakers, both, LEAST) == {"A": "P001", "B": "P002"}


def test_a_person_is_the_mean_of_what_was_heard_of_them_by_its_length() -> None:
    one, other = towards(1.0), towards(0.8)
    of_both = [known("P001", one, s=30), known("P001", other, video="v2", s=1)]
    assert recognized([heard("A", one)], of_both, 0.78) == {"A": "P001"}
    assert recognized([heard("A", towards(0.79, beside=2))], of_both, 0.78) == {"A": "P001"}, "as the mean of 31 s"
    assert recognized([heard("A", towards(0.79, beside=2))], [replace(o, seconds=1) for o in of_both], 0.78) == {}


def test_who_sounds_in_two_ways_that_are_unlike_is_known_by_either() -> None:
    of_both = [known("P001", towards(1.0)), known("P001", towards(1.0, place=1, beside=2), video="v2")]
    assert recognized([heard("A", towards(0.8, beside=3))], of_both, LEAST) == {"A": "P001"}
    assert recognized([heard("A", towards(0.8, place=1, beside=3))], of_both, LEAST) == {"A": "P001"}
    assert recognized([heard("A", towards(0.69, beside=3))], of_both, LEAST) == {}


def test_the_class_of_a_person_is_that_of_most_of_their_speech() -> None:
    mostly_male = [known("P001", towards(1.0), "male", s=30), replace(ANA, video="v2", seconds=2)]
    assert recognized([heard("A", towards(1.0), "male")], mostly_male, LEAST) == {"A": "P001"}
    assert recognized([heard("A", towards(1.0), "female")], mostly_male, LEAST) == {}


vectors = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda v: np.linalg.norm(v) > 0.1)
classes = st.sampled_from(["female", "male"])


def unit(values: Sequence[float]) -> Vectors:
    return (np.array(values) / np.linalg.norm(values)).astype(np.float32)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(vectors, classes), max_size=6),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), vectors, classes), max_size=8),
    st.floats(0.0, 0.95),
)
def test_no_person_is_ever_two_speakers_of_one_video(
    speakers: list[tuple[list[float], VoiceClass]],
    people: list[tuple[int, int, list[float], VoiceClass]],
    least: float,
) -> None:
    rows = [heard(f"S{n}", unit(v), kind) for n, (v, kind) in enumerate(speakers)]
    seen = [known(f"P{p}", unit(v), kind, video=f"v{w}") for p, w, v, kind in people]
    found = recognized(rows, seen, least)
    assert len(set(found.values())) == len(found)
    assert set(found) <= {one.speaker for one in rows}
    assert set(found.values()) <= {one.person for one in seen}
    assert found == recognized(rows[::-1], seen[::-1], least), "the order in which they are told does not matter"


Episodes = list[list[int]]
episodes = st.lists(st.lists(st.integers(0, CAST - 1), unique=True, min_size=1), min_size=1, max_size=5)


def entered(cast: Episodes, order: Sequence[int], seed: int) -> set[frozenset[tuple[int, int]]]:
    """Which (episode, actor) are one person after the episodes came in `order`; nobody sounds twice the same."""
    seen: list[Appearance] = []
    for number in order:
        rows = [Heard(f"{actor}", _sounding(actor, number, seed), _kind(actor)) for actor in cast[number]]
        found = recognized(rows, seen, LEAST)
        new = {one.speaker: f"P{number}-{one.speaker}" for one in rows}
        seen += [
            Appearance(found.get(r.speaker, new[r.speaker]), f"{number} {r.speaker}", r.embedding, r.voice_class, 5.0)
            for r in rows
        ]
    who = {one.person for one in seen}
    parts = [one.video.split() for one in seen]
    tagged = [(one.person, (int(a), int(b))) for one, (a, b) in zip(seen, parts, strict=True)]
    return {frozenset(place for person, place in tagged if person == each) for each in who}


def _kind(actor: int) -> VoiceClass:
    return "female" if actor % 2 else "male"


def _sounding(actor: int, episode: int, seed: int) -> Vectors:
    noise = np.random.default_rng([seed, actor, episode]).standard_normal(SIZE)
    return unit((np.eye(SIZE)[actor] + 0.4 * noise / np.linalg.norm(noise)).tolist())


@settings(max_examples=60, deadline=None)
@given(episodes, st.integers(0, 1000), st.data())
def test_whichever_episode_comes_first_the_same_people_are_found(
    cast: Episodes, seed: int, data: st.DataObject
) -> None:
    order = list(range(len(cast)))
    shuffled = data.draw(st.permutations(order))
    truth = {
        frozenset((number, actor) for number in order if actor in cast[number])
        for actor in {one for episode in cast for one in episode}
    }
    assert entered(cast, order, seed) == truth
    assert entered(cast, shuffled, seed) == truth


@pytest.mark.parametrize("least", [0.5, 0.7, 0.9])
def test_the_bar_is_the_engine_s(least: float) -> None:
    assert recognized([heard("A", towards(least + 0.01))], [ANA], least) == {"A": "P001"}
    assert recognized([heard("A", towards(least - 0.01))], [ANA], least) == {}
