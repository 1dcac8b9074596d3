"""The register of a catalogue's people: who they are, whom the speakers of each video stand for, and their voices.

    STORE/people/P001.json                     a person: name, voices by language and synthesizer; into whom merged
    STORE/people/changes.jsonl                 who named, merged or split whom, and when
    STORE/videos/VIDEO/people/people.json      whom its speakers stand for, by data version of the speaker map
    STORE/videos/VIDEO/people/MAP.ENGINE.sealed    their embeddings by one engine, sealed like the voice profiles

A ledger, like that of the line ids: what was once decided of a speaker map stays, so that settings that are put back
find everybody again, and engines that are changed do too. Nothing is ever taken back but by an operator. A person who
was merged stays on record and leads to who they are now, so a merge is one write, however many videos it concerns.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from pydantic import Field

from octavia_dag.dubbing.bandwidth import narrow
from octavia_dag.dubbing.register import LEAST_S, Appearance, Heard, recognized
from octavia_dag.errors import EngineError, StorageError
from octavia_dag.resources.artifacts import ArtifactStore, guarded, write_atomically
from octavia_dag.resources.corrections import keep_document, read_document
from octavia_dag.resources.engines import Profile
from octavia_dag.resources.locks import alone
from octavia_dag.resources.vault import open_sealed, seal
from octavia_dag.schema import Document
from octavia_dag.settings import digest

_PEOPLE = "people"
CHANGES = "changes.jsonl"
_STANDING = "people.json"
_HASH = 16


class Person(Document):
    """One person. `voices` are ids by language and synthesizer (its import path); `merged` is who they are now."""

    id: str
    name: str = ""
    voices: dict[str, dict[str, str]] = Field(default={})
    merged: str = ""

    @property
    def shown(self) -> str:
        """The name, or the id before anybody gave one."""
        return self.name or self.id


class Standing(Document):
    """Whom the speakers of one speaker map (its data version) stand for; who was heard too little stands for nobody."""

    map: str
    people: dict[str, str]


class Standings(Document):
    """All of one video, the latest last."""

    heard: tuple[Standing, ...] = ()

    def of(self, version: str) -> Standing | None:
        """That of one speaker map."""
        return next((one for one in self.heard if one.map == version), None)


@contextmanager
def changing(store: ArtifactStore) -> Generator[None]:
    """Nobody else changes the register meanwhile."""
    with alone(store, _PEOPLE):
        yield


def folder(store: ArtifactStore) -> Path:
    """Where the people lie."""
    return Path(store.root) / _PEOPLE


def everybody(store: ArtifactStore) -> dict[str, Person]:
    """Every person by id, those too who were merged into others."""
    return {path.stem: person(store, path.stem) for path in sorted(folder(store).glob("P*.json"))}


def person(store: ArtifactStore, one: str) -> Person:
    """The person with an id; a StorageError where their file is gone or damaged."""
    path = folder(store) / f"{one}.json"
    # Never "delete it": who was merged into somebody would be two people again.
    remedy = (
        f'put back a copy of it, or, for want of one, write {{"id": "{one}"}} into it and name and merge them again '
        f"({CHANGES} beside it tells how they were)"
    )
    found = read_document(path, Person, damaged=remedy)
    if found is None:
        raise StorageError(f"Reading the register of people: {path} is gone; {remedy}.")
    return found


def now(store: ArtifactStore, one: str) -> Person:
    """Who the person with an id is now; a StorageError where nobody can tell."""
    return _followed(one, lambda each: person(store, each))


def keep(store: ArtifactStore, *people: Person) -> None:
    """Writes persons, in this order."""
    for one in people:
        keep_document(folder(store) / f"{one.id}.json", one)


def standings(store: ArtifactStore, video: str) -> Standings:
    """Whom the speakers of a video stand for, as it was entered."""
    return read_document(_place(store, video) / _STANDING, Standings) or Standings()


def keep_standings(store: ArtifactStore, video: str, found: Standings) -> None:
    """Writes those of a video."""
    keep_document(_place(store, video) / _STANDING, found)


def stand_for(store: ArtifactStore, video: str, version: str) -> dict[str, Person]:
    """Speaker -> who that is now, of one speaker map; empty where it was never entered."""
    found = standings(store, video).of(version)
    who = {} if found is None else {speaker: now(store, one) for speaker, one in sorted(found.people.items())}
    if len({one.id for one in who.values()}) < len(who):
        told = ", ".join(f"{speaker} is {one.id}" for speaker, one in who.items())
        raise StorageError(
            f"Looking up the people of {video}: two of its speakers are one person ({told}); files in {folder(store)} "
            "were changed by hand: put back copies of them."
        )
    return who


def latest(store: ArtifactStore) -> dict[str, dict[str, str]]:
    """By video, speaker -> the id of who that is now, of the speaker map that was entered last."""
    who = _lookup(store)
    return {video: {s: _followed(p, who).id for s, p in found.people.items()} for video, found in _last(store)}


def entered(store: ArtifactStore, video: str, version: str, engine: str) -> bool:
    """Whether there is nothing to enter of this speaker map, as this engine hears it."""
    heard = standings(store, video).heard
    return bool(heard) and heard[-1].map == version and _sealed(store, video, version, engine).is_file()


def enter(
    store: ArtifactStore,
    video: str,
    version: str,
    profiles: Sequence[Profile],
    *,
    engine: str,
    key: bytes,
    least: float,
) -> None:
    """Enters the speakers of a video: those who are known again, and new people.

    `engine` is name and revision of what made the profiles: embeddings of another one do not compare. A speaker map
    that was entered before keeps its people, and gains what this engine hears.
    """
    enough = [one for one in profiles if _seconds(one) >= LEAST_S]
    with changing(store):
        before = standings(store, video)
        standing = before.of(version) or Standing(map=version, people=_people(store, enough, engine, key, least))
        bare = [_bare(one) for one in enough]
        with guarded(f"Entering the people of {video}"):
            write_atomically(_sealed(store, video, version, engine), seal(bare, key))
        others = tuple(one for one in before.heard if one.map != version)
        keep_standings(store, video, Standings(heard=(*others, standing)))


def give_voices(store: ArtifactStore, voices: Mapping[str, str], language: str, synthesizer: str) -> None:
    """Person -> voice, from now on, in one language by one synthesizer; to be called while `changing`."""
    for one, voice in sorted(voices.items()):
        found = person(store, one)
        told = {**found.voices, language: {**found.voices.get(language, {}), synthesizer: voice}}
        keep(store, found.model_copy(update={"voices": told}))


def newcomer(store: ArtifactStore, name: str = "") -> Person:
    """A person whom nobody was before; to be called while `changing`.

    A number is never given twice, also where the file of who had it is gone.
    """
    people = everybody(store)
    named = {one for video in _videos(store) for each in standings(store, video).heard for one in each.people.values()}
    ids = {*people, *(one.merged for one in people.values()), *named}
    numbers = [int(one[1:]) for one in ids if one[1:].isdecimal()]
    found = Person(id=f"P{max(numbers, default=0) + 1:03d}", name=name)
    keep(store, found)
    return found


def _people(store: ArtifactStore, enough: Sequence[Profile], engine: str, key: bytes, least: float) -> dict[str, str]:
    known = recognized([_heard(one) for one in enough], _appearances(store, engine, key), least) if enough else {}
    return {one.speaker: known.get(one.speaker) or newcomer(store).id for one in enough}


def _heard(one: Profile) -> Heard:
    import soundfile

    try:
        sound, rate = soundfile.read(BytesIO(one.reference_wav), dtype="float32")
    except soundfile.LibsndfileError as error:
        raise EngineError(
            f"Comparing the voice of {one.speaker} with the register of people: what the engine of the voices kept of "
            "it is no readable sound; make the voice profiles again, or choose another engine for voices."
        ) from error
    is_narrow = narrow(np.asarray(sound, np.float32), rate)
    return Heard(one.speaker, np.asarray(one.embedding, np.float32), one.voice_class, is_narrow)


def _appearances(store: ArtifactStore, engine: str, key: bytes) -> Iterable[Appearance]:
    """What this engine heard of everybody, once per video."""
    who = _lookup(store)
    for video, standing in _last(store):
        path = _sealed(store, video, standing.map, engine)
        for one in _opened(path, key) if path.is_file() else ():
            if one.speaker in standing.people:
                known = _followed(standing.people[one.speaker], who).id
                embedding = np.asarray(one.embedding, np.float32)
                yield Appearance(known, video, embedding, one.voice_class, _seconds(one))


def _bare(one: Profile) -> Profile:
    """What somebody is known by, and no more: what could speak in their voice is gone once a dub is delivered."""
    return Profile(
        speaker=one.speaker,
        segments=one.segments,
        embedding=one.embedding,
        pitch_hz=one.pitch_hz,
        voice_class=one.voice_class,
        reference_wav=b"",
    )


def _opened(path: Path, key: bytes) -> list[Profile]:
    with guarded(f"Reading {path}"):
        payload = path.read_bytes()
    try:
        return open_sealed(payload, key)
    except StorageError as error:
        raise StorageError(
            f"Comparing voices with the register of people: {path} was sealed with another key, or is damaged; give "
            "the key it was sealed with, or delete it, and its voices are heard again when that video is cast."
        ) from error


def _last(store: ArtifactStore) -> Iterable[tuple[str, Standing]]:
    """Every video that was entered, and its latest standing."""
    for video in _videos(store):
        heard = standings(store, video).heard
        if heard:
            yield video, heard[-1]


def _videos(store: ArtifactStore) -> list[str]:
    paths = (Path(store.root) / "videos").glob(f"*/{_PEOPLE}/{_STANDING}")
    return sorted(path.parent.parent.name for path in paths)


def _lookup(store: ArtifactStore) -> Callable[[str], Person]:
    """The person with an id, for many who are asked for at once."""
    known = everybody(store)
    return lambda one: known.get(one) or person(store, one)


def _followed(one: str, who: Callable[[str], Person]) -> Person:
    """Whoever `one` is now: after all merges."""
    found, passed = who(one), [one]
    while found.merged:
        if found.merged in passed:
            raise StorageError(
                f"Looking up who {one} is: by their files {' and '.join(passed)} were merged in a circle, which no "
                f'command does; put back a copy of {passed[-1]}.json, or make its "merged" empty.'
            )
        passed.append(found.merged)
        found = who(found.merged)
    return found


def _place(store: ArtifactStore, video: str) -> Path:
    return store.video_folder(video) / _PEOPLE


def _sealed(store: ArtifactStore, video: str, version: str, engine: str) -> Path:
    return _place(store, video) / f"{version[:_HASH]}.{digest(engine)[:_HASH]}.sealed"


def _seconds(one: Profile) -> float:
    return sum(span.seconds for span in one.segments)
