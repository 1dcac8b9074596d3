"""What operators change of the register of people: names, and whom its entries were wrong about.

A person is meant by id, by name or by enough of the name's beginning. Two people who speak in one video are two, so
they are never merged. Everything is recorded with who did it and when.
"""

import re
from collections.abc import Sequence

from octavia_dag.errors import InputError
from octavia_dag.resources import register
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.records import append_record
from octavia_dag.resources.register import Person, Standing, Standings

CHANGES = register.CHANGES
_ID = re.compile(r"P\d+", re.IGNORECASE)
_LONGEST = 80
_JOINERS = "\u200c\u200d"  # unseen, but part of names in Persian or Malayalam


def meant(store: ArtifactStore, text: str) -> Person:
    """The person that `text` means; an InputError where it means nobody, or more than one."""
    everybody, wanted = register.everybody(store), text.strip().casefold()
    by_id = next((one for one in everybody.values() if one.id.casefold() == wanted), None)
    if by_id is not None:
        return register.now(store, by_id.id)
    named = [one for one in everybody.values() if one.name and not one.merged]
    exact = [one for one in named if one.name.casefold() == wanted]
    found = exact or [one for one in named if wanted and one.name.casefold().startswith(wanted)]
    if len(found) > 1:
        told = ", ".join(f"{one.name} ({one.id})" for one in found)
        raise InputError(f"{text!r} is the beginning of {told}; write more of it, or the id.")
    if not found:
        raise InputError(f"There is nobody {text!r} in the register; list those there are: 'octavia people list'.")
    return found[0]


def rename(store: ArtifactStore, text: str, name: str, *, who: str) -> Person:
    """Gives a person a name that nobody else has, and returns them; "" takes it away again."""
    name = " ".join(name.split())
    with register.changing(store):
        found = meant(store, text)
        _refuse_name(store, found, name)
        renamed = found.model_copy(update={"name": name})
        register.keep(store, renamed)
        _record(store, who, change="rename", person=found.id, before=found.name, after=name)
    return renamed


def merge(store: ArtifactStore, text: str, others: Sequence[str], *, who: str) -> Person:
    """Makes `others` one person with the first, whose name and voices count; what it lacks it has of them."""
    with register.changing(store):
        one, rest = meant(store, text), {other.id: other for other in (meant(store, each) for each in others)}
        if one.id in rest:
            raise InputError(f"Merging {one.shown} with {one.shown}: they are one person already.")
        ids = {one.id, *rest}
        _refuse_together(store, ids)
        _part(store, ids)
        for other in rest.values():
            voices = {
                tag: {**other.voices.get(tag, {}), **one.voices.get(tag, {})} for tag in {*other.voices, *one.voices}
            }
            one = one.model_copy(update={"name": one.name or other.name, "voices": voices})
        gone = [other.model_copy(update={"name": "", "voices": {}, "merged": one.id}) for other in rest.values()]
        register.keep(store, one, *gone)
        _record(
            store,
            who,
            change="merge",
            person=one.id,
            others=[f"{other.id} {other.name}".strip() for other in rest.values()],
        )
    return one


def split(store: ArtifactStore, text: str, videos: Sequence[str], name: str, *, who: str) -> Person:
    """Makes whoever was taken for a person in `videos` a person of their own, and returns them."""
    name = " ".join(name.split())
    with register.changing(store):
        one = meant(store, text)
        there = [video for video, people in register.latest(store).items() if one.id in people.values()]
        missing = [video for video in videos if video not in there]
        if missing:
            told = ", ".join(there) or "no video"
            raise InputError(f"Splitting {one.shown}: {missing[0]} is not among their videos, which are {told}.")
        if set(videos) == set(there):
            raise InputError(
                f"Splitting {one.shown}: they appear in no other video than {', '.join(there)}, so nobody would be "
                "left; rename them instead."
            )
        _refuse_name(store, None, name)
        other = register.newcomer(store, name)
        for video in videos:
            _hand_over(store, video, one.id, other.id)
        _record(store, who, change="split", person=one.id, other=other.id, name=name, videos=list(videos))
    return other


def _refuse_name(store: ArtifactStore, own: Person | None, name: str) -> None:
    if own is None and not name:
        return
    doing = f"Naming {own.shown if own else 'somebody'} {name!r}"
    if len(name) > _LONGEST:
        raise InputError(f"{doing}: that is longer than {_LONGEST} letters; give a shorter name.")
    if not all(sign.isprintable() or sign in _JOINERS for sign in name):
        raise InputError(f"{doing}: it has control characters, which would stand in every sentence; take them out.")
    if _ID.fullmatch(name):
        raise InputError(f"{doing}: names like this are the register's own; give another.")
    for one in register.everybody(store).values():
        same = bool(name) and one.name.casefold() == name.casefold() and not one.merged
        if same and (own is None or one.id != own.id):
            raise InputError(
                f"{doing}: {one.id} has that name already; give another, or, if they are one person, run "
                f"'octavia people merge {one.id} {own.id if own else 'PERSON'}'."
            )


def _refuse_together(store: ArtifactStore, ids: set[str]) -> None:
    for video, people in register.latest(store).items():
        both = sorted(speaker for speaker, one in people.items() if one in ids)
        if len(both) > 1:
            raise InputError(
                f"Merging {', '.join(sorted(ids))}: in {video} they are the speakers {' and '.join(both)}, and "
                "speakers of one video are different people; if it took one person for two, set its "
                "diarization.max_speakers, or give one's lines to the other with 'octavia review'."
            )


def _part(store: ArtifactStore, ids: set[str]) -> None:
    """Forgets earlier speaker maps that have two of `ids`: if one comes back, it is entered anew."""
    for video in register.latest(store):
        heard = register.standings(store, video).heard
        kept = [one for one in heard if len([p for p in one.people.values() if register.now(store, p).id in ids]) < 2]
        if len(kept) < len(heard):
            register.keep_standings(store, video, Standings(heard=tuple(kept)))


def _hand_over(store: ArtifactStore, video: str, one: str, other: str) -> None:
    heard = register.standings(store, video).heard
    changed = [
        Standing(map=s.map, people={k: other if register.now(store, p).id == one else p for k, p in s.people.items()})
        for s in heard
    ]
    register.keep_standings(store, video, Standings(heard=tuple(changed)))


def _record(store: ArtifactStore, who: str, **row: object) -> None:
    append_record(register.folder(store) / CHANGES, who, [row])
