"""Where each row of a catalogue stands: is there work for a night, is it on its way, or what keeps it.

A row is one unit: a video and all languages it is wanted in, its own and those that its settings name. Which video it
is is known once a night has taken it, as long as its file is the same; until then only its file's stamp is looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import dagster as dg

from octavia_dag.assets.checks import reasons_to_hold
from octavia_dag.assets.judging import Judge
from octavia_dag.dubbing.budget import Candidate, State
from octavia_dag.errors import InputError, MediaError, OctaviaError
from octavia_dag.partitions import LANGUAGES
from octavia_dag.plan import NEVER, Plan, plan
from octavia_dag.resources import nights, remote
from octavia_dag.resources.catalogue import Row, Table
from octavia_dag.resources.nights import Known, Ledger, Listed
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import attempted_in, decide, partitions_at_work
from octavia_dag.settings import Settings, digest

SAME = "Its content is that of row {}; put both into one row."
_MOST_WHY = 200


def state_of(error: OctaviaError) -> State:
    """What a row is of which this was met: nothing helps it but another file, or it may be otherwise the next time."""
    return "unusable" if isinstance(error, InputError | MediaError) else "unreachable"


@dataclass(frozen=True)
class Standing:
    """Where a row stands. `languages` are those that it is wanted in, `plan` is there once it is registered.

    `changed`: the row's settings are others than those of the plan.
    """

    row: Row
    state: State
    why: str = ""
    video: str | None = None
    languages: tuple[str, ...] = ()
    plan: Plan | None = None
    changed: bool = False

    @property
    def candidate(self) -> Candidate:
        """The row as the choice sees it."""
        return Candidate(self.row.number, self.state, self.row.priority, self.row.deadline, self.why)


class Stands:
    """Judges the rows of one catalogue, as they stand now."""

    def __init__(self, tools: Workshop, instance: dg.DagsterInstance, table: Table, ledger: Ledger) -> None:
        self.judge = Judge(tools)
        self.settings: Settings = self.judge.catalogue()
        self._store = tools.store
        self._instance = instance
        self._ledger = ledger
        self._busy = set(partitions_at_work(instance))
        self._uris = {row.uri for row in table.rows}
        self._away: dict[str, str] = {}

    def all(self, rows: Iterable[Row]) -> Mapping[int, Standing]:
        """Where every row stands, by its number."""
        return {row.number: self._standing(row) for row in rows}

    def of_another(self, listed: Listed, row: Row) -> bool:
        """Whether another row of the catalogue has this video."""
        return listed.uri != row.uri and listed.uri in self._uris

    def _standing(self, row: Row) -> Standing:
        place = remote.place_of(row.uri)
        if place in self._away:
            return Standing(row, "unreachable", self._away[place])
        try:
            return self._known(row, self._ledger.known.get(row.uri), remote.stamp(row.uri))
        except remote.AwayError as error:
            # Nobody waits as often as there are rows for a storage that does not answer.
            self._away[place] = str(error)
            return Standing(row, "unreachable", str(error))
        except OctaviaError as error:
            return Standing(row, state_of(error), str(error))

    def _known(self, row: Row, known: Known | None, stamp: str) -> Standing:
        if known is None or known.stamp != stamp:
            self._ledger.known.pop(row.uri, None)
            return self._unknown(row, "another file lies there now" if known and known.video else NEVER)
        if known.fault:
            return Standing(row, "unusable", known.fault)
        return self._unknown(row, NEVER) if known.video is None else self._registered(row, known.video)

    def _unknown(self, row: Row, why: str) -> Standing:
        wanted = {*self.settings.delivery.languages, *row.languages}
        if not wanted:
            return Standing(row, "unusable", "It names no language, and delivery.languages names none.")
        return Standing(row, "missing", why, None, tuple(tag for tag in LANGUAGES if tag in wanted))

    def _registered(self, row: Row, video: str) -> Standing:
        listed = nights.read_listed(self._store, video)
        if listed is not None and self.of_another(listed, row):
            return Standing(row, "unusable", SAME.format(listed.row), video)
        sight = self.judge.sight(video, row.languages)
        found = plan(sight, self.judge)
        told = Standing(row, "done", "Everything is as it should be.", video, sight.languages, found)
        if video in self._busy or any(one.endswith(f"|{video}") for one in self._busy):
            return replace(told, state="at work", why="A run is at work on it.")
        if digest(row.settings) != (listed.settings if listed else digest({})):
            return replace(told, state="stale", why="the row's settings changed", changed=True)
        return self._settled(told, found) if found.empty else self._unsettled(told, found, listed)

    def _settled(self, told: Standing, found: Plan) -> Standing:
        """Nothing is to be made: is it delivered, or what keeps it?"""
        if found.of("held"):
            return replace(told, state="held", why="Its transcript cannot be used; its run tells why.")
        if waiting := found.of("waiting"):
            return replace(told, state="waiting", why=f"Its translation into {waiting[0].language} waits for approval.")
        for language in told.languages:
            if broken := reasons_to_hold(self._store, found.video, language):
                return replace(told, state="held", why=f"In {language}: {' '.join(broken)}"[:_MOST_WHY])
        return told

    def _unsettled(self, told: Standing, found: Plan, listed: Listed | None) -> Standing:
        """Something is to be made: was it asked for and is on its way, did it fail, or is it for a night to take?"""
        if not decide(found, self._busy, attempted_in(self._instance, listed.since if listed else 0.0)):
            tried = listed.attempts if listed is not None and listed.desired == desired_state(found) else 0
            if tried > self.settings.catalogue.retries:
                why = f"It failed in {tried} nights; look at its runs, and change something."
                return replace(told, state="given up", why=why)
            return replace(told, state="failed", why="its last run failed")
        if listed is not None and listed.open:
            return replace(told, state="at work", why=f"The night {listed.night} has asked for it.")
        return replace(told, state="missing" if _new(found) else "stale", why=_causes(found)[:_MOST_WHY])


def desired_state(found: Plan) -> str:
    """Hash of all that is asked for of a row: two nights that want the same are two attempts at it."""
    return digest(sorted((str(tag), wanted) for tag, wanted in found.desired.items()))[:32]


def _new(found: Plan) -> bool:
    """Whether a language of it was never dubbed."""
    return any(NEVER in item.causes for item in found.of("make", "may follow") if item.language)


def _causes(found: Plan) -> str:
    causes: Sequence[str] = [cause for item in found.of("make", "reuse") for cause in item.causes]
    return "; ".join(dict.fromkeys(causes)) or "an earlier outcome is wanted again"
