"""Before a video is cast: its people enter the register, and who has no voice in this language yet is given one.

Both happen before casting's key is computed, so that what the register says is an input of casting like any other, and
no step reads what came out of a later one. Who has a voice keeps it. A new one is chosen beside the voices that the
others of the video have, and apart from those of everybody else in the register while there are enough voices. What is
only a makeshift (a shared voice, one of the other class), or was chosen by hand for one video, is nobody's elsewhere.
"""

from collections.abc import Callable, Mapping

from octavia_dag.assets.cast import candidates_for, people_in
from octavia_dag.assets.people import in_use
from octavia_dag.assets.step import Work, current, refuse_bad_transcript, settings_for
from octavia_dag.dubbing.lead import cast_by_hand, unlike
from octavia_dag.dubbing.voices import OTHER_CLASS, SHARED
from octavia_dag.graph import GRAPH
from octavia_dag.partitions import parts
from octavia_dag.resources import register
from octavia_dag.resources.engines import Profile, Synthesizer, VoiceCloner
from octavia_dag.resources.personal import engine_name
from octavia_dag.resources.videos import record
from octavia_dag.resources.workshop import Workshop

ProfilesOf = Callable[[Work], tuple[list[Profile], bool]]
_CASTING = GRAPH["casting"]
_MAKESHIFT = {SHARED, OTHER_CLASS}


def settle(workshop: Workshop, partition: str, profiles_of: ProfilesOf) -> None:
    """Brings the register up to what casting of this partition asks of it; nothing where it is switched off."""
    video, language = parts(partition)
    settings, store = settings_for(workshop, video, language), workshop.store
    if not in_use(settings):
        return
    refuse_bad_transcript(workshop, _CASTING, video)
    inputs = {name: current(workshop, name, video, language) for name in _CASTING.inputs}
    with store.workspace() as folder:
        work = Work(_CASTING, video, language, settings, workshop, inputs, {}, record(store, video), folder)
        _enter(work, profiles_of)
        _give_voices(work, profiles_of)


def _enter(work: Work, profiles_of: ProfilesOf) -> None:
    store, version = work.workshop.store, _version(work)
    cloner = work.engine(VoiceCloner, "cloner")
    engine = engine_name(cloner)
    if not register.entered(store, work.video, version, engine):
        profiles, _ = profiles_of(work)
        key = work.workshop.vault.secret()
        register.enter(store, work.video, version, profiles, engine=engine, key=key, least=cloner.same_voice)


def _give_voices(work: Work, profiles_of: ProfilesOf) -> None:
    synthesizer, store = work.engine(Synthesizer, "synthesizer"), work.workshop.store
    spoken = {voice.id for voice in synthesizer.voices(work.tag)}
    if not spoken or not _without(work, spoken):
        return
    profiles, _ = profiles_of(work)
    with register.changing(store):
        without, who = _without(work, spoken), register.stand_for(store, work.video, _version(work))
        voices = {speaker: voice for speaker, one in who.items() if (voice := _voice(work, one)) in spoken}
        people = people_in(work, [one for one in profiles if one.speaker in who])
        chosen = {w: voice for w, voice in work.settings.voices.cast.items() if voice in spoken and w in who}
        given = {*chosen.values(), *voices.values()}
        taken = _elsewhere(work, {one.id for one in who.values()})
        candidates = unlike(people, candidates_for(work, synthesizer, given), taken, given)
        roles = cast_by_hand(people, candidates, chosen, voices)
        new = {who[r.speaker].id: r.voice.id for r in roles if r.speaker in without and not _MAKESHIFT & {*r.flags}}
        register.give_voices(store, new, work.tag, work.settings.synthesis.engine)


def _without(work: Work, spoken: set[str]) -> set[str]:
    """The speakers who are to be given a voice: known people without one that is spoken here, none chosen by hand."""
    people = register.stand_for(work.workshop.store, work.video, _version(work))
    hand = work.settings.voices.cast
    return {who for who, one in people.items() if hand.get(who) not in spoken and _voice(work, one) not in spoken}


def _elsewhere(work: Work, here: set[str]) -> set[str]:
    """The voices of everybody who is not in this video."""
    others = (one for one in register.everybody(work.workshop.store).values() if one.id not in here)
    return {_voice(work, one) for one in others}


def _voice(work: Work, one: register.Person) -> str:
    found: Mapping[str, str] = one.voices.get(work.tag, {})
    return found.get(work.settings.synthesis.engine, "")


def _version(work: Work) -> str:
    return work.inputs["speaker_map"].manifest.data_version
