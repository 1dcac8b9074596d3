"""At risk: the same person with another voice in the next video, and a dub that is made again because of a stranger.

The step, the register, the store and the plan are real; voices are hums, which the fake cloner tells apart by height.
"""

from pathlib import Path

import pytest
from octavia_fakes import ENGINES
from series import LANGUAGE, Series, voice

from octavia_dag.assets.corrections import shown
from octavia_dag.assets.judging import Judge
from octavia_dag.resources import register, registrar
from octavia_dag.schema import Casting, Turn

ANA, BEA, EVA, TOM = 1500.0, 1900.0, 2300.0, 500.0
ON = {"voices": {"recognize": True}}
CASTING = ("casting", LANGUAGE, "make")
MADE_OF_SPEECH = ("synced_speech", "ducked_mix")


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return Series(tmp_path, settings=ON)


def test_a_person_has_the_same_voice_in_every_video(series: Series) -> None:
    first = series.cast(series.add("one", [voice(ANA, 8), voice(BEA), voice(TOM)]))
    second = series.cast(series.add("two", [voice(TOM, take=1), voice(BEA, take=1)]))
    assert (second["B"].person, second["B"].voice) == (first["B"].person, first["B"].voice)
    assert (second["A"].person, second["A"].voice) == (first["C"].person, first["C"].voice)
    assert len({role.person for role in first.values()}) == 3


def test_without_the_setting_every_video_is_cast_by_itself(series: Series) -> None:
    series.set(voices={"recognize": False})
    first = series.cast(series.add("one", [voice(ANA, 8), voice(BEA)]))
    second = series.cast(series.add("two", [voice(BEA, take=1)]))
    assert second["A"].voice != first["B"].voice, "the voice that suits both best is free again"
    assert {role.person for role in (*first.values(), *second.values())} == {""}
    assert not register.folder(series.tools.store).exists()


def test_with_one_voice_for_everybody_nobody_enters_the_register(series: Series) -> None:
    series.set(voices={"own_voices": False})
    assert series.cast(series.add("one", [voice(ANA)]))["A"].person == ""
    assert not register.folder(series.tools.store).exists()


def test_what_casting_took_from_the_register_stands_in_its_key(series: Series) -> None:
    video = series.add("one", [voice(ANA)])
    role = series.cast(video)["A"]
    told = {"A": {"person": "P001", "name": "P001", "voice": role.voice.id}}
    assert series.casting(video).manifest.extras == {"people": told}


def test_after_a_cast_there_is_nothing_to_do(series: Series) -> None:
    video = series.add("one", [voice(ANA), voice(BEA)])
    series.cast(video)
    series.finish(video)
    assert series.stale(video) == []


def test_a_video_that_is_cast_makes_no_other_stale(series: Series) -> None:
    first = series.add("one", [voice(ANA)])
    series.cast(first)
    series.finish(first)
    series.cast(series.add("two", [voice(ANA, take=1), voice(BEA)]))
    assert series.stale(first) == []


def test_a_new_person_gets_a_voice_that_nobody_of_the_register_has(series: Series) -> None:
    first = series.cast(series.add("one", [voice(ANA)]))
    second = series.cast(series.add("two", [voice(BEA)]))
    assert first["A"].voice != second["A"].voice


def test_where_all_voices_are_taken_one_is_shared_between_videos(series: Series) -> None:
    heights = [1200.0, 1500.0, 1800.0, 2100.0, 2400.0]  # the fake synthesizer has four women
    casts = [series.cast(series.add(f"v{n}", [voice(hz)]))["A"] for n, hz in enumerate(heights)]
    assert len({one.person for one in casts}) == 5
    assert len({one.voice.id for one in casts}) == 4


def test_a_voice_chosen_by_hand_wins_and_stays_in_its_video(series: Series) -> None:
    first, second = (series.add(n, [voice(ANA, take=t)]) for t, n in enumerate(("one", "two")))
    own = series.cast(first)["A"].voice.id
    (series.tools.store.video_folder(second) / "settings.yaml").write_text("voices: {cast: {A: fake_f0}}")
    assert own != "fake_f0"
    assert series.cast(second)["A"].voice.id == "fake_f0"
    assert series.cast(first)["A"].voice.id == own
    (series.tools.store.video_folder(second) / "settings.yaml").unlink()
    assert series.cast(second)["A"].voice.id == own


def test_who_is_only_ever_cast_by_hand_has_no_voice_in_the_register(series: Series) -> None:
    video = series.add("one", [voice(ANA)])
    (series.tools.store.video_folder(video) / "settings.yaml").write_text("voices: {cast: {A: fake_f0}}")
    role = series.cast(video)["A"]
    assert register.person(series.tools.store, role.person).voices == {}


def test_two_people_with_one_voice_who_meet_are_told_apart_and_it_is_said(series: Series) -> None:
    alone = [series.add(n, [voice(hz)]) for n, hz in (("one", ANA), ("two", BEA))]
    people = [series.cast(video)["A"].person for video in alone]
    with register.changing(series.tools.store):
        both = dict.fromkeys(people, "fake_f2")
        register.give_voices(series.tools.store, both, LANGUAGE, ENGINES["synthesis"]["engine"])
    video = series.add("both", [voice(ANA, 5, take=2), voice(BEA, 9, take=2)])
    together = series.cast(video)
    assert together["B"].voice.id == "fake_f2", "who talks more keeps it"
    assert together["A"].voice.id != "fake_f2"
    notes = series.casting(video).read(Casting).notes
    assert any("A speaks with" in note and "fake_f2 in other videos" in note for note in notes)


def test_who_says_too_little_is_nobody_in_the_register_and_it_is_said(series: Series) -> None:
    video = series.add("one", [voice(ANA), voice(BEA, 1.5)])
    cast = series.cast(video)
    assert (cast["A"].person, cast["B"].person) == ("P001", "")
    assert any("B cannot be known again" in note for note in series.casting(video).read(Casting).notes)


def test_a_name_makes_the_castings_of_that_person_again_and_nothing_else(series: Series) -> None:
    videos = [series.add(n, [voice(hz)]) for n, hz in (("one", ANA), ("two", ANA), ("three", BEA))]
    for video in videos:
        series.cast(video)
        series.finish(video)
    registrar.rename(series.tools.store, "P001", "Ana Lima", who="me")
    below = [(n, LANGUAGE, "may follow") for n in ("dubbed_chunks", *MADE_OF_SPEECH, "final_mux", "qa_report")]
    assert [series.stale(video) for video in videos] == [[CASTING, *below], [CASTING, *below], []]
    items = {one.asset: one.causes for one in Judge(series.tools).plan(videos[0]).items}
    assert items["casting"] == ("its people have other names or voices in the register",)


def test_a_name_is_shown_and_makes_no_sound(series: Series) -> None:
    video = series.add("one", [voice(ANA)])
    series.cast(video)
    series.finish(video)
    before = series.casting(video).manifest
    registrar.rename(series.tools.store, "P001", "Ana Lima", who="me")
    assert series.cast(video)["A"].name == "Ana Lima"
    after = series.casting(video).manifest
    assert after.key != before.key
    assert after.data_version == before.data_version
    assert series.stale(video) == [("qa_report", LANGUAGE, "make")], "the report shows the name"


def test_a_name_taken_back_is_taken_from_the_store(series: Series) -> None:
    video = series.add("one", [voice(ANA)])
    series.cast(video)
    for name in ("Ana", ""):
        registrar.rename(series.tools.store, "P001", name, who="me")
        state = {one[0]: one[2] for one in series.stale(video)}["casting"]
        assert state == ("make" if name else "reuse")
        series.cast(video)


def test_a_merge_makes_only_the_castings_of_who_is_somebody_else_now(series: Series) -> None:
    videos = [series.add(n, [voice(hz)]) for n, hz in (("one", ANA), ("two", BEA), ("three", EVA))]
    cast = [series.cast(video)["A"] for video in videos]
    for video in videos:
        series.finish(video)
    registrar.merge(series.tools.store, cast[0].person, [cast[1].person], who="me")
    assert [bool(series.stale(video)) for video in videos] == [False, True, False]
    again = series.cast(videos[1])["A"]
    assert (again.person, again.voice) == (cast[0].person, cast[0].voice)


def test_after_a_split_those_videos_have_a_person_and_a_voice_of_their_own(series: Series) -> None:
    videos = [series.add(n, [voice(ANA, take=t)]) for t, n in enumerate(("one", "two", "three"))]
    before = [series.cast(video)["A"] for video in videos]
    for video in videos:
        series.finish(video)
    registrar.split(series.tools.store, "P001", [videos[2]], "Bea", who="me")
    assert [bool(series.stale(video)) for video in videos] == [False, False, True]
    after = series.cast(videos[2])["A"]
    assert (after.person, after.name) == ("P002", "Bea")
    assert after.voice != before[2].voice
    series.finish(videos[2])
    assert series.stale(videos[2]) == []


def test_each_language_has_a_voice_of_its_own_and_each_keeps_it(series: Series) -> None:
    video = series.add("one", [voice(ANA), voice(BEA)], languages=(LANGUAGE, "es"))
    series.cast(video)
    series.cast(video, "es")
    voices = register.person(series.tools.store, "P001").voices
    assert set(voices) == {LANGUAGE, "es"}
    other = series.add("two", [voice(BEA, take=1)], languages=("es",))
    assert series.cast(other, "es")["A"].voice.id == series.cast(video, "es")["B"].voice.id


def test_switched_on_later_the_voices_are_heard_again_where_they_are_deleted(series: Series) -> None:
    series.set(voices={"recognize": False})
    video = series.add("one", [voice(ANA)])
    series.cast(video)
    profiles = series.tools.store.current("voice_profiles", video, None)
    assert profiles is not None
    series.tools.store.forget(profiles, "profiles.sealed")
    series.set()
    assert series.cast(video)["A"].person == "P001"


def test_switched_off_and_on_again_nothing_is_made_and_nobody_is_new(series: Series) -> None:
    video = series.add("one", [voice(ANA), voice(BEA)])
    first = series.cast(video)
    key = series.casting(video).manifest.key
    series.set(voices={"recognize": False})
    series.cast(video)
    series.set()
    assert {one[0]: one[2] for one in series.stale(video)}["casting"] == "reuse"
    assert series.cast(video) == first
    assert series.casting(video).manifest.key == key
    assert set(register.everybody(series.tools.store)) == {"P001", "P002"}


def test_when_speakers_are_heard_otherwise_people_stay_who_they_are(series: Series) -> None:
    ana, bea = voice(ANA), voice(BEA, 6)
    video = series.add("one", [ana, bea])
    before = series.cast(video)
    series.set(diarization={"max_speakers": 2})
    apart = [Turn(speaker="B", start=0.2, end=4.8), Turn(speaker="A", start=5.7, end=11.3)]
    series.hear(video, [ana, bea], turns=apart)
    after = series.cast(video)
    assert {w: after[w].person for w in "AB"} == {"A": before["B"].person, "B": before["A"].person}
    assert {w: after[w].voice for w in "AB"} == {"A": before["B"].voice, "B": before["A"].voice}


def test_a_plan_knows_whom_the_speakers_stood_for_that_would_be_put_back(series: Series) -> None:
    video = series.add("one", [voice(ANA), voice(BEA, 6)])
    series.cast(video)
    series.set(diarization={"max_speakers": 2})
    apart = [Turn(speaker="B", start=0.2, end=4.8), Turn(speaker="A", start=5.7, end=11.3)]
    series.hear(video, [voice(ANA), voice(BEA, 6)], turns=apart)
    series.cast(video)
    series.set()
    states = {one[0]: one[2] for one in series.stale(video)}
    assert (states["speaker_map"], states["casting"]) == ("reuse", "reuse")


def test_another_engine_that_hears_the_same_speakers_keeps_them(series: Series) -> None:
    video = series.add("one", [voice(ANA), voice(BEA)])
    before = series.cast(video)
    series.set(voices={"engine": "series:OtherCloner"})
    series.hear(video, [voice(ANA), voice(BEA)])
    after = series.cast(video)
    assert {w: (r.person, r.voice) for w, r in after.items()} == {w: (r.person, r.voice) for w, r in before.items()}
    third = series.cast(series.add("two", [voice(BEA, take=1)]))
    assert third["A"].person == before["B"].person, "by what the new engine heard"


def test_a_name_given_for_one_video_goes_before_that_of_the_register() -> None:
    told = {"names": {"A": "Mum"}, "people": {"A": "Ana Lima", "B": "Tom"}}
    assert [shown(told, one) for one in "ABC"] == ["Mum", "Tom", "C"]


def test_a_plan_needs_no_key(series: Series) -> None:
    video = series.add("one", [voice(ANA)])
    series.cast(video)
    series.finish(video)
    Path(series.tools.vault.key_file).unlink()
    assert series.stale(video) == []
    assert not Path(series.tools.vault.key_file).exists()
