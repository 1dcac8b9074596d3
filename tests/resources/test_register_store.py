"""At risk: a voice in the clear, a person who is lost or two by an accident of timing, a merge that nobody can mend."""

import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from cryptography.fernet import Fernet
from octavia_fakes import wav
from private_search import embedding_needles, search

from octavia_dag.errors import EngineError, InputError, StorageError
from octavia_dag.resources import register, registrar
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.engines import Profile
from octavia_dag.resources.records import recorded
from octavia_dag.resources.register import Person
from octavia_dag.resources.vault import open_sealed
from octavia_dag.schema import Span

KEY = Fernet.generate_key()
ENGINE, LEAST, SIZE = "dvector 1", 0.7, 64
WAV = wav(np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(root=str(tmp_path / "store"), scratch=str(tmp_path / "scratch"))


def profile(speaker: str, actor: int, take: int = 0, seconds: float = 6.0) -> Profile:
    """How an actor sounds as one speaker of one video."""
    noise = np.random.default_rng([actor, take]).standard_normal(SIZE)
    vector = np.eye(SIZE)[actor] + 0.3 * noise / np.linalg.norm(noise)
    return Profile(
        speaker=speaker,
        segments=(Span(start=1.0, end=1.0 + seconds),),
        embedding=tuple(float(x) for x in (vector / np.linalg.norm(vector)).astype(np.float32)),
        pitch_hz=200.0,
        voice_class="female",
        reference_wav=WAV,
        clone=b"what speaks in this voice",
    )


def enter(
    store: ArtifactStore, video: str, actors: Sequence[int], *, take: int = 0, version: str = "m1", engine: str = ENGINE
) -> dict[str, str]:
    """Enters the actors of a video as its speakers A, B and so on, and says who they are."""
    profiles = [profile("ABCDEFGH"[n], actor, take) for n, actor in enumerate(actors)]
    register.enter(store, video, version, profiles, engine=engine, key=KEY, least=LEAST)
    return {speaker: one.id for speaker, one in register.stand_for(store, video, version).items()}


def test_people_are_known_again_and_newcomers_are_numbered(store: ArtifactStore) -> None:
    assert enter(store, "one", [0, 1]) == {"A": "P001", "B": "P002"}
    assert enter(store, "two", [2, 1], take=1) == {"A": "P003", "B": "P002"}


def test_entering_again_changes_nothing(store: ArtifactStore) -> None:
    first = enter(store, "one", [0, 1])
    assert enter(store, "one", [1, 0], take=5) == first, "of one speaker map it is settled who is who"
    assert set(register.everybody(store)) == {"P001", "P002"}


def test_no_voice_lies_in_the_clear_and_no_sound_at_all(store: ArtifactStore, tmp_path: Path) -> None:
    enter(store, "one", [0, 1])
    enter(store, "two", [1, 2], take=1)
    private = [n for actor in range(3) for take in range(2) for n in embedding_needles(profile("A", actor, take))]
    assert search(tmp_path, private) == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"female" in path.read_bytes()]
    sealed = sorted(tmp_path.rglob("*.sealed"))
    assert len(sealed) == 2
    for path in sealed:
        assert path.stat().st_mode & 0o777 == 0o600
        kept = open_sealed(path.read_bytes(), KEY)
        assert kept
        assert {(one.reference_wav, one.clone) for one in kept} == {(b"", b"")}, "nobody can speak with what is kept"
    (tmp_path / "planted").write_bytes(Fernet(KEY).decrypt(sealed[0].read_bytes()))
    assert search(tmp_path, private), "the search finds what is planted"


def test_embeddings_of_another_engine_are_not_compared(store: ArtifactStore) -> None:
    enter(store, "one", [0])
    assert enter(store, "two", [0], take=1, engine="dvector 2") == {"A": "P002"}


def test_a_speaker_map_that_another_engine_hears_keeps_its_people(store: ArtifactStore) -> None:
    enter(store, "one", [0, 1])
    assert not register.entered(store, "one", "m1", "dvector 2")
    assert enter(store, "one", [5, 6], engine="dvector 2") == {"A": "P001", "B": "P002"}
    assert register.entered(store, "one", "m1", "dvector 2")
    assert enter(store, "two", [6], take=1, engine="dvector 2") == {"A": "P002"}


def test_a_new_speaker_map_finds_its_people_and_the_old_one_is_kept(store: ArtifactStore) -> None:
    enter(store, "one", [0, 1])
    assert enter(store, "one", [1, 0, 2], take=1, version="m2") == {"A": "P002", "B": "P001", "C": "P003"}
    assert {s: p.id for s, p in register.stand_for(store, "one", "m1").items()} == {"A": "P001", "B": "P002"}
    assert register.latest(store) == {"one": {"A": "P002", "B": "P001", "C": "P003"}}


@pytest.mark.parametrize("sound", [b"", b"RIFF" + bytes(200), WAV[:30]])
def test_a_voice_whose_sound_cannot_be_read_is_a_sentence_and_nobody_is_entered(
    store: ArtifactStore, sound: bytes
) -> None:
    broken = profile("A", 0).model_copy(update={"reference_wav": sound})
    with pytest.raises(EngineError, match=r"Comparing the voice of A .* is no readable sound"):
        register.enter(store, "one", "m1", [broken], engine=ENGINE, key=KEY, least=LEAST)
    assert register.everybody(store) == {}


def test_who_is_heard_too_little_is_nobody(store: ArtifactStore) -> None:
    register.enter(store, "one", "m1", [profile("A", 0, seconds=1.9)], engine=ENGINE, key=KEY, least=LEAST)
    assert register.stand_for(store, "one", "m1") == {}
    assert register.entered(store, "one", "m1", ENGINE), "and is not asked about again"


def test_videos_that_come_at_once_lose_nobody_and_find_one_another(store: ArtifactStore) -> None:
    casts = {f"v{n}": [n, n + 1, 20 + n] for n in range(8)}
    troubles: list[Exception] = []

    def come(video: str, take: int) -> None:
        try:
            enter(store, video, casts[video], take=take)
        except (StorageError, InputError) as error:
            troubles.append(error)

    all_at_once = [threading.Thread(target=come, args=(video, take)) for take, video in enumerate(casts)]
    for one in all_at_once:
        one.start()
    for one in all_at_once:
        one.join()
    assert troubles == []
    latest = register.latest(store)
    who: dict[int, set[str]] = {}
    for video, actors in casts.items():
        for letter, actor in zip("ABC", actors, strict=True):
            who.setdefault(actor, set()).add(latest[video][letter])
    assert all(len(people) == 1 for people in who.values()), "each actor is one person"
    assert len({next(iter(people)) for people in who.values()}) == len(who) == 17


def test_a_seal_of_another_key_is_a_sentence_that_names_the_file(store: ArtifactStore) -> None:
    enter(store, "one", [0])
    other = Fernet.generate_key()
    with pytest.raises(StorageError, match=r"sealed with another key.*delete it"):
        register.enter(store, "two", "m1", [profile("A", 0)], engine=ENGINE, key=other, least=LEAST)
    assert register.stand_for(store, "two", "m1") == {}


def test_a_seal_that_was_deleted_is_made_again_and_people_stay(store: ArtifactStore) -> None:
    before = enter(store, "one", [0])
    for path in Path(store.root).rglob("*.sealed"):
        path.unlink()
    assert not register.entered(store, "one", "m1", ENGINE)
    assert enter(store, "one", [0]) == before
    assert enter(store, "two", [0], take=1) == before


@pytest.mark.parametrize("name", ["people/P001.json", "videos/one/people/people.json"])
def test_a_damaged_file_is_refused_and_never_taken_for_an_empty_one(store: ArtifactStore, name: str) -> None:
    enter(store, "one", [0])
    (Path(store.root) / name).write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        register.stand_for(store, "one", "m1")


def test_a_person_whose_file_is_gone_is_a_sentence(store: ArtifactStore) -> None:
    enter(store, "one", [0])
    (Path(store.root) / "people" / "P001.json").unlink()
    with pytest.raises(StorageError, match=r"P001\.json is gone"):
        register.stand_for(store, "one", "m1")


@pytest.mark.parametrize("content", [None, "", "{", '{"id": "P002", "merged": ["P001"]}'])
def test_a_person_whose_file_is_lost_comes_back_as_the_sentence_says(store: ArtifactStore, content: str | None) -> None:
    before = enter(store, "one", [0, 1, 2])
    path = Path(store.root) / "people" / "P002.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(StorageError) as caught:
        register.stand_for(store, "one", "m1")
    assert "delete" not in str(caught.value), "without its file, a person who was merged would be two again"
    remedy = re.search(r"write (\{.*?\}) into it", str(caught.value))
    assert remedy
    path.write_text(remedy[1])
    assert {speaker: one.id for speaker, one in register.stand_for(store, "one", "m1").items()} == before
    assert enter(store, "two", [3, 1], take=1) == {"A": "P004", "B": "P002"}


def test_the_number_of_somebody_whose_file_is_gone_is_not_given_again(store: ArtifactStore) -> None:
    enter(store, "one", [0, 1, 2])
    (Path(store.root) / "people" / "P003.json").unlink()
    with register.changing(store):
        assert register.newcomer(store).id == "P004"
    with pytest.raises(StorageError, match=r"P003\.json is gone"):
        enter(store, "two", [2], take=1)
    with pytest.raises(StorageError, match=r"P003\.json is gone"):
        register.latest(store)


def test_the_number_into_which_somebody_was_merged_is_not_given_again(store: ArtifactStore) -> None:
    enter(store, "one", [0])
    register.keep(store, Person(id="P001", merged="P002"))
    with register.changing(store):
        assert register.newcomer(store).id == "P003"


@pytest.mark.parametrize("circle", [["P001"], ["P001", "P002"], ["P001", "P002", "P003"]])
def test_merges_in_a_circle_are_a_sentence_and_never_an_endless_search(store: ArtifactStore, circle: list[str]) -> None:
    for n, video in enumerate(("one", "two", "three")):
        enter(store, video, [n])
    for one, other in zip(circle, [*circle[1:], circle[0]], strict=True):
        register.keep(store, Person(id=one, merged=other))
    asked: list[Callable[[], object]] = [
        lambda: register.latest(store),
        lambda: register.stand_for(store, "one", "m1"),
        lambda: enter(store, "four", [0], take=1),
        lambda: registrar.rename(store, "P001", "Ana", who="me"),
        lambda: registrar.merge(store, "P003", ["P001"], who="me"),
    ]
    for ask in asked:
        with pytest.raises(StorageError, match="in a circle"):
            ask()
    with register.changing(store):  # and nobody holds the lock any more
        register.keep(store, Person(id=circle[-1]))
    assert set(register.latest(store)) == {"one", "two", "three"}


def test_two_speakers_of_one_video_are_never_one_person_whatever_the_files_say(store: ArtifactStore) -> None:
    enter(store, "one", [0, 1])
    register.keep(store, Person(id="P002", merged="P001"))
    with pytest.raises(StorageError, match=r"two of its speakers are one person \(A is P001, B is P001\)"):
        register.stand_for(store, "one", "m1")


def test_a_merged_person_leads_to_who_they_are_and_their_number_is_not_given_again(store: ArtifactStore) -> None:
    enter(store, "one", [0])
    enter(store, "two", [1])
    registrar.merge(store, "P001", ["P002"], who="me")
    assert register.latest(store) == {"one": {"A": "P001"}, "two": {"A": "P001"}}
    assert registrar.meant(store, "P002").id == "P001"
    assert enter(store, "three", [1, 2], take=1) == {"A": "P001", "B": "P003"}


def test_the_first_of_a_merge_keeps_name_and_voices_and_has_the_others_where_it_has_none(store: ArtifactStore) -> None:
    for video, actor in (("one", 0), ("two", 1)):
        enter(store, video, [actor])
    with register.changing(store):
        register.give_voices(store, {"P001": "f1"}, "es", "kokoro")
        register.give_voices(store, {"P002": "f2"}, "es", "kokoro")
        register.give_voices(store, {"P002": "f3"}, "fr", "kokoro")
    registrar.rename(store, "P002", "Bea", who="me")
    merged = registrar.merge(store, "P001", ["bea"], who="me")
    assert (merged.name, merged.voices) == ("Bea", {"es": {"kokoro": "f1"}, "fr": {"kokoro": "f3"}})


def test_people_of_one_video_are_never_merged(store: ArtifactStore) -> None:
    enter(store, "one", [0, 1])
    enter(store, "two", [2])
    with pytest.raises(InputError, match="in one they are the speakers A and B"):
        registrar.merge(store, "P003", ["P001", "P002"], who="me")
    assert not [one for one in register.everybody(store).values() if one.merged]


def test_an_earlier_speaker_map_that_has_two_who_are_merged_is_entered_anew(store: ArtifactStore) -> None:
    enter(store, "one", [0, 1])
    enter(store, "one", [0], take=1, version="m2")
    registrar.merge(store, "P001", ["P002"], who="me")
    assert register.stand_for(store, "one", "m1") == {}
    again = enter(store, "one", [0, 1])
    assert len(set(again.values())) == 2


def test_merging_somebody_with_themselves_is_a_sentence(store: ArtifactStore) -> None:
    enter(store, "one", [0])
    with pytest.raises(InputError, match="one person already"):
        registrar.merge(store, "P001", ["p001"], who="me")


def test_a_split_keeps_whom_earlier_speaker_maps_stand_for(store: ArtifactStore) -> None:
    enter(store, "one", [0])
    enter(store, "two", [0, 5], take=1)
    enter(store, "two", [5, 0], take=2, version="m2")
    registrar.split(store, "P001", ["two"], "Bea", who="me")
    for version, told in (("m1", {"A": "P003", "B": "P002"}), ("m2", {"A": "P002", "B": "P003"})):
        assert {who: one.id for who, one in register.stand_for(store, "two", version).items()} == told
    assert enter(store, "two", [0, 5], take=1) == {"A": "P003", "B": "P002"}, "when settings are put back"


def test_a_split_takes_some_videos_and_their_voices_with_them(store: ArtifactStore) -> None:
    for n, video in enumerate(("one", "two", "three")):
        enter(store, video, [0], take=n)
    other = registrar.split(store, "P001", ["two"], "Bea", who="me")
    assert (other.id, other.name, other.voices) == ("P002", "Bea", {})
    assert register.latest(store) == {"one": {"A": "P001"}, "two": {"A": "P002"}, "three": {"A": "P001"}}
    assert enter(store, "two", [0], take=1) == {"A": "P002"}, "it stays so when the video comes again"


@pytest.mark.parametrize(
    ("videos", "sentence"),
    [(["three"], "three is not among their videos, which are one, two"), (["one", "two"], "nobody would be left")],
)
def test_a_split_that_is_none_is_a_sentence(store: ArtifactStore, videos: list[str], sentence: str) -> None:
    enter(store, "one", [0])
    enter(store, "two", [0], take=1)
    enter(store, "three", [1])
    with pytest.raises(InputError, match=sentence):
        registrar.split(store, "P001", videos, "", who="me")
    assert set(register.everybody(store)) == {"P001", "P002"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("bea", "P002 has that name already.*octavia people merge P002 P001"),
        ("p017", "the register's own"),
        ("x" * 81, "longer than 80 letters"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(store: ArtifactStore, name: str, sentence: str) -> None:
    enter(store, "one", [0, 1])
    registrar.rename(store, "P002", "Bea", who="me")
    with pytest.raises(InputError, match=sentence):
        registrar.rename(store, "P001", name, who="me")


def test_a_person_is_meant_by_id_by_name_or_by_its_beginning(store: ArtifactStore) -> None:
    enter(store, "one", [0, 1, 2])
    for one, name in (("P001", "Ana"), ("P002", "Anabel Lima"), ("P003", "Tom")):
        registrar.rename(store, one, name, who="me")
    assert [registrar.meant(store, text).id for text in ("p003", "tom", " t ", "ana", "anab")] == [
        "P003",
        "P003",
        "P003",
        "P001",
        "P002",
    ]
    with pytest.raises(InputError, match=r"beginning of Ana \(P001\), Anabel Lima \(P002\)"):
        registrar.meant(store, "an")
    for nobody in ("Zoe", "P009", ""):
        with pytest.raises(InputError, match="There is nobody"):
            registrar.meant(store, nobody)


def test_it_stays_on_record_who_changed_what(store: ArtifactStore) -> None:
    enter(store, "one", [0])
    enter(store, "two", [1])
    registrar.rename(store, "P001", "Ana", who="carla")
    registrar.merge(store, "Ana", ["P002"], who="dora")
    registrar.split(store, "Ana", ["two"], "", who="carla")
    rows = recorded(register.folder(store) / registrar.CHANGES)
    assert [(row["who"], row["change"], row["person"]) for row in rows] == [
        ("carla", "rename", "P001"),
        ("dora", "merge", "P001"),
        ("carla", "split", "P001"),
    ]
