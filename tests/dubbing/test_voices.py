"""Casting: nobody shares a voice, nobody crosses the class while a voice is left; the operator has the last word."""

import itertools

import numpy as np
import pytest

from octavia_dag.dubbing import voices as craft
from octavia_dag.dubbing.voices import Candidate, Person, cast_voices, fitness, reference_segments
from octavia_dag.schema import Span, Turn, Voice, VoiceClass

DICE = np.random.default_rng(3)


def direction() -> np.ndarray:
    vector = DICE.normal(size=32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def voice(name: str, kind: VoiceClass, embedding: np.ndarray | None = None, pitch_hz: float = 150.0) -> Candidate:
    made = Voice(id=name, styles=((name, 1.0),), voice_class=kind)
    return Candidate(made, direction() if embedding is None else embedding, pitch_hz)


def person(
    name: str, kind: VoiceClass, embedding: np.ndarray | None = None, pitch_hz: float = 150.0, talk: float = 10.0
) -> Person:
    return Person(name, direction() if embedding is None else embedding, pitch_hz, kind, talk)


WOMEN = [voice(f"f{n}", "female") for n in range(3)]
MEN = [voice(f"m{n}", "male") for n in range(3)]


def test_each_person_has_a_voice_of_their_own_and_of_their_class() -> None:
    people = [person("A", "female"), person("B", "male"), person("C", "female"), person("D", "male")]
    roles = cast_voices(people, WOMEN + MEN, {})
    assert [role.speaker for role in roles] == ["A", "B", "C", "D"]
    assert len({role.voice.id for role in roles}) == 4
    assert [role.voice.voice_class for role in roles] == ["female", "male", "female", "male"]
    assert all(not role.flags and not role.overridden for role in roles)


def test_the_cast_is_the_best_of_all_casts() -> None:
    people = [person(name, "female", talk=talk) for name, talk in (("A", 60.0), ("B", 5.0), ("C", 20.0))]
    roles = cast_voices(people, WOMEN, {})
    by_id = {candidate.voice.id: candidate for candidate in WOMEN}

    def worth(cast: tuple[Candidate, ...]) -> float:
        return sum(fitness(p, c) * p.talk_seconds for p, c in zip(people, cast, strict=True))

    best = max(itertools.permutations(WOMEN, 3), key=worth)
    assert worth(tuple(by_id[role.voice.id] for role in roles)) == pytest.approx(worth(best))


def test_pitch_decides_between_voices_that_are_equally_near() -> None:
    same = direction()
    low, high = voice("low", "male", same, 100.0), voice("high", "male", same, 180.0)
    assert cast_voices([person("A", "male", pitch_hz=110.0)], [high, low], {})[0].voice.id == "low"


def test_a_class_is_crossed_only_when_its_voices_run_out_and_it_is_said() -> None:
    people = [person("A", "male"), person("B", "male")]
    roles = cast_voices(people, [MEN[0], WOMEN[0]], {})
    assert {role.voice.id for role in roles} == {"m0", "f0"}
    crossed = [role for role in roles if role.voice.voice_class == "female"]
    assert crossed[0].flags == (craft.OTHER_CLASS,)


def test_a_voice_is_shared_only_when_none_is_left_and_it_is_said() -> None:
    people = [person(name, "male") for name in "ABC"]
    roles = cast_voices(people, MEN[:2], {})
    assert {role.voice.id for role in roles} == {"m0", "m1"}
    assert sum(craft.SHARED in role.flags for role in roles) == 2


def test_two_people_do_not_get_voices_that_sound_alike_while_others_are_left() -> None:
    base = direction()
    near = (base + 0.2 * direction()).astype(np.float32)
    twins = [voice("t0", "female", base), voice("t1", "female", near / np.linalg.norm(near)), *WOMEN]
    roles = cast_voices([person("A", "female", base), person("B", "female", base)], twins, {})
    by_id = {candidate.voice.id: candidate.embedding for candidate in twins}
    one, other = (by_id[role.voice.id] for role in roles)
    assert float(one @ other) <= craft.APART
    only = cast_voices([person("A", "female", base), person("B", "female", base)], twins[:2], {})
    assert all(role.flags == (craft.ALIKE,) for role in only)


def test_a_voice_chosen_by_hand_wins_and_is_given_to_nobody_else() -> None:
    people = [person("A", "female", WOMEN[0].embedding), person("B", "female", WOMEN[0].embedding)]
    roles = cast_voices(people, WOMEN + MEN, {"B": "f0"})
    assert (roles[1].voice.id, roles[1].overridden) == ("f0", True)
    assert roles[0].voice.id != "f0"


def test_a_chosen_voice_may_cross_the_class_without_a_flag() -> None:
    role = cast_voices([person("A", "female")], WOMEN + MEN, {"A": "m1"})[0]
    assert (role.voice.id, role.flags) == ("m1", ())


def test_an_unknown_voice_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"nobody.*f0, f1, f2"):
        cast_voices([person("A", "female")], WOMEN, {"A": "nobody"})


def test_nobody_to_cast_is_an_empty_cast() -> None:
    assert cast_voices([], WOMEN, {}) == []


TURNS = [
    Turn(start=0, end=5, speaker="A"),
    Turn(start=5.5, end=15.5, speaker="A"),
    Turn(start=15, end=20, speaker="B"),
    Turn(start=21, end=21.4, speaker="B"),
    Turn(start=30, end=30.3, speaker="C"),
]


def test_references_stay_inside_own_turns_and_out_of_overlaps() -> None:
    overlap = Span(start=15, end=15.5)
    found = reference_segments(TURNS, [overlap], "A", seconds=30)
    assert sum(span.seconds for span in found) > 13
    for span in found:
        assert any(t.speaker == "A" and t.start <= span.start and span.end <= t.end for t in TURNS)
        assert span.end <= overlap.start or span.start >= overlap.end


@pytest.mark.parametrize("seconds", [3.0, 9.0, 12.0])
def test_references_hold_what_was_asked_for_and_no_more(seconds: float) -> None:
    found = reference_segments(TURNS, [], "A", seconds=seconds)
    assert seconds - 0.5 <= sum(span.seconds for span in found) <= seconds + 1e-9


def test_a_person_with_one_short_turn_still_has_a_reference() -> None:
    assert reference_segments(TURNS, [], "C", seconds=30) == [Span(start=29.9, end=30.4)]
    assert reference_segments(TURNS, [], "nobody", seconds=30) == []


def test_a_speaker_with_one_short_word_still_has_a_reference_of_half_a_second() -> None:
    found = reference_segments([Turn(speaker="A", start=0.1, end=0.42)], [], "A", seconds=30.0)
    assert sum(span.seconds for span in found) >= 0.5 - 1e-6
    assert found[0].start >= 0.0
