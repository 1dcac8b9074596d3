"""Who talks the most leads the cast: by a sample without unsettling the others, or as one voice for everybody."""

import numpy as np

from octavia_dag.dubbing.clustering import Vectors
from octavia_dag.dubbing.lead import cast_by_hand, cast_by_sample, main_speaker, one_voice, unlike
from octavia_dag.dubbing.voices import ALIKE, Candidate, Person
from octavia_dag.schema import Voice, VoiceClass

SIZE = 8


def axis(place: int, beside: int | None = None) -> Vectors:
    """A unit vector along one axis, or close to it on the way to another."""
    vector = np.zeros(SIZE, np.float32)
    vector[place] = 1.0
    if beside is not None:
        vector[beside] = 0.4
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def voice(name: str, kind: VoiceClass, embedding: Vectors, styles: int = 1) -> Candidate:
    parts = tuple((f"{name}{n}", 1.0 / styles) for n in range(styles))
    return Candidate(Voice(id=name, styles=parts, voice_class=kind), embedding, 150.0)


def person(name: str, kind: VoiceClass, embedding: Vectors, talk: float) -> Person:
    return Person(name, embedding, 150.0, kind, talk)


WOMEN = [voice(f"f{n}", "female", axis(n)) for n in range(4)]
MEN = [voice(f"m{n}", "male", axis(4 + n)) for n in range(3)]
PEOPLE = [
    person("A", "female", axis(0, 3), 10.0),
    person("B", "female", axis(1, 3), 60.0),
    person("C", "male", axis(4, 3), 5.0),
]


def ids(people: list[Person], chosen: dict[str, str] | None = None, sample: Person | None = None) -> dict[str, str]:
    voices = WOMEN + MEN
    roles = (
        cast_by_sample(people, voices, chosen or {}, sample) if sample else cast_by_hand(people, voices, chosen or {})
    )
    return {role.speaker: role.voice.id for role in roles}


def test_who_talks_the_most_is_the_main_speaker() -> None:
    assert main_speaker(PEOPLE).speaker == "B"


def test_a_sample_changes_the_main_speaker_only() -> None:
    assert ids(PEOPLE) == {"A": "f0", "B": "f1", "C": "m0"}
    assert ids(PEOPLE, sample=person("B", "female", axis(2), 60.0)) == {"A": "f0", "B": "f2", "C": "m0"}


def test_a_voice_chosen_by_hand_changes_that_speaker_only() -> None:
    people = [person("A", "female", axis(1, 0), 10.0), person("B", "female", axis(1), 60.0)]
    assert ids(people, {"B": "f2"}) == {"A": "f0", "B": "f2"}


def test_whoever_had_the_voice_that_was_chosen_for_somebody_else_gets_another() -> None:
    assert ids(PEOPLE, {"B": "f0"}) == {"A": "f3", "B": "f0", "C": "m0"}


def test_a_voice_that_the_sample_sets_free_tempts_nobody_away_from_theirs() -> None:
    people = [person("A", "female", axis(1, 0), 10.0), person("B", "female", axis(1), 60.0)]
    assert ids(people) == {"A": "f0", "B": "f1"}
    assert ids(people, sample=person("B", "female", axis(2), 60.0)) == {"A": "f0", "B": "f2"}


def test_a_sample_of_another_class_has_a_voice_of_its_own_class() -> None:
    assert ids(PEOPLE, sample=person("B", "male", axis(6), 60.0))["B"] == "m2"


def test_who_loses_their_voice_to_the_sample_has_another() -> None:
    found = ids(PEOPLE, sample=person("B", "female", axis(0), 60.0))
    assert found["B"] == "f0"
    assert found["A"] in {"f1", "f2", "f3"}
    assert found["C"] == "m0"


def test_who_would_sound_too_like_the_sample_has_another() -> None:
    twin = voice("f4", "female", axis(0, 2))
    sample = person("B", "female", axis(0, 2), 60.0)
    roles = cast_by_sample(PEOPLE, [*WOMEN, *MEN, twin], {}, sample)
    assert roles[1].voice.id == "f4"
    assert all(ALIKE not in role.flags for role in roles)


def test_a_voice_chosen_by_hand_for_another_is_not_taken_by_the_sample() -> None:
    found = ids(PEOPLE, {"A": "f2"}, person("B", "female", axis(2, 3), 60.0))
    assert found["A"] == "f2"
    assert found["B"] == "f3"


def test_a_voice_that_is_kept_is_nobodys_choice() -> None:
    roles = cast_by_sample(PEOPLE, WOMEN + MEN, {}, person("B", "female", axis(2), 60.0))
    assert [(role.overridden, role.personal) for role in roles] == [(False, False), (False, True), (False, False)]


def test_one_voice_for_everybody_is_the_pure_one_nearest_to_the_main_speaker() -> None:
    mixture = voice("mixed", "female", axis(1, 3), styles=2)
    assert {role.voice.id for role in one_voice(PEOPLE, [*WOMEN, *MEN, mixture], {})} == {"f1"}


def test_one_voice_for_everybody_is_the_one_chosen_for_the_main_speaker() -> None:
    roles = one_voice(PEOPLE, WOMEN + MEN, {"B": "m1", "A": "f0"})
    assert {role.voice.id for role in roles} == {"m1"}
    assert [role.overridden for role in roles] == [False, True, False]


def known(people: list[Person], voices: dict[str, str], chosen: dict[str, str] | None = None) -> dict[str, str]:
    return {role.speaker: role.voice.id for role in cast_by_hand(people, WOMEN + MEN, chosen or {}, voices)}


def test_who_is_known_by_a_voice_keeps_it_though_another_is_nearer() -> None:
    assert known(PEOPLE, {"B": "f3"}) == {"A": "f0", "B": "f3", "C": "m0"}


def test_a_voice_chosen_by_hand_goes_before_the_one_that_somebody_is_known_by() -> None:
    assert known(PEOPLE, {"A": "f2", "B": "f3"}, {"B": "f1"}) == {"A": "f2", "B": "f1", "C": "m0"}


def test_of_two_who_are_known_by_one_voice_whoever_talks_more_keeps_it() -> None:
    assert known(PEOPLE, {"A": "f2", "B": "f2"})["B"] == "f2"
    assert known(PEOPLE, {"A": "f2", "B": "f2"})["A"] == "f0"


def test_a_voice_that_is_there_no_more_is_nobody_s() -> None:
    assert known(PEOPLE, {"A": "gone"}) == ids(PEOPLE)


def test_a_sample_goes_before_the_voice_that_the_main_speaker_is_known_by() -> None:
    roles = cast_by_sample(PEOPLE, WOMEN + MEN, {}, person("B", "female", axis(2), 60.0), {"A": "f3", "B": "f0"})
    assert {role.speaker: role.voice.id for role in roles} == {"A": "f3", "B": "f2", "C": "m0"}


TWIN = voice("f0twin", "female", axis(0, 3))  # 0.93 like f0


def free(people: list[Person], taken: set[str], given: set[str] | None = None) -> list[str]:
    return [one.voice.id for one in unlike(people, [*WOMEN[:2], TWIN, MEN[0]], taken, given or set())]


def test_who_may_meet_others_later_has_a_voice_unlike_theirs() -> None:
    assert free(PEOPLE[:1], {"f0"}) == ["f1", "m0"]


def test_where_too_few_are_unlike_a_voice_that_nobody_has_is_enough() -> None:
    assert free(PEOPLE[:2], {"f0"}) == ["f1", "f0twin", "m0"]


def test_where_all_are_taken_all_may_be_had() -> None:
    assert free(PEOPLE[:2], {"f0", "f1"}) == ["f0", "f1", "f0twin", "m0"]
    assert free(PEOPLE, {"m0"}) == ["f0", "f1", "f0twin", "m0"]


def test_a_voice_that_is_given_stays_a_candidate_whoever_else_has_it() -> None:
    assert free(PEOPLE[:1], {"f0", "f0twin"}, {"f0twin"}) == ["f1", "f0twin", "m0"]
    assert free(PEOPLE[:1], {"f0"}, {"f0twin"}) == ["f1", "f0twin", "m0"]
