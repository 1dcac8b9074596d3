"""The register of people, as casting and the report are given it: who the speakers are, their names, their voices.

The register is a ledger outside every key, like that of the line ids. What casting takes of it is an input of casting,
and stands in its key: so a voice that somebody has in the register, or a name, makes the castings of those videos again
in which they speak, and a name makes no sound.
"""

from typing import Any

from octavia_dag.assets.giving import Asked, Giver
from octavia_dag.resources import register
from octavia_dag.resources.corrections import read_corrections
from octavia_dag.resources.register import Person
from octavia_dag.settings import Settings, digest

NAME = "people"
# What each speaker's entry in casting's extras holds; no voice where the person has none in this language yet.
PERSON, SHOWN, VOICE = "person", "name", "voice"


def in_use(settings: Settings) -> bool:
    """Whether people are known again; with one voice for everybody there is nothing to know them for."""
    return settings.voices.recognize and settings.voices.own_voices


def _source(asked: Asked) -> str:
    if not in_use(asked.settings):
        return ""
    versions = [one.map for one in register.standings(asked.store, asked.video).heard]
    told = {version: _entries(asked, register.stand_for(asked.store, asked.video, version)) for version in versions}
    return digest([asked.settings.synthesis.engine, told])


def _used(asked: Asked) -> dict[str, dict[str, str]]:
    return _entries(asked, _people(asked)) if in_use(asked.settings) else {}


def _people(asked: Asked) -> dict[str, Person]:
    """Speaker -> person, of the speaker map that the step is made from."""
    version = asked.inputs.get("speaker_map")
    if version is None:
        found = asked.store.pointer("speaker_map", asked.video, None)
        version = "" if found is None else found.data_version
    return register.stand_for(asked.store, asked.video, version)


def _entries(asked: Asked, people: dict[str, Person]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for speaker, one in people.items():
        voice = one.voices.get(asked.language or "", {}).get(asked.settings.synthesis.engine)
        found[speaker] = {PERSON: one.id, SHOWN: one.shown, **({VOICE: voice} if voice else {})}
    return found


def _names(asked: Asked) -> dict[str, Any]:
    """The names of those whom nobody named for this very video; never one that somebody else has in it."""
    own = read_corrections(asked.store, asked.video).names
    told = {speaker: entry[SHOWN] for speaker, entry in _used(asked).items()}
    return {speaker: name for speaker, name in told.items() if speaker not in own and name not in own.values()}


def _source_of_names(asked: Asked) -> str:
    own = read_corrections(asked.store, asked.video).names
    return digest([_source(asked), own]) if in_use(asked.settings) else ""


PEOPLE = Giver(NAME, "casting", _source, _used)
NAMES = Giver(NAME, "qa_report", _source_of_names, _names)
