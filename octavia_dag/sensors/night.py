"""One night: what it takes of a catalogue within its budget, and the asking for that.

Nothing of a row is registered before a night takes it, and its languages are asked for all at once then: what the
automation makes is what nights have taken, never a whole catalogue. A row is noted as paid before it is asked for, so a
night that is killed and begun again goes on with what is left of the same budget.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import dagster as dg

from octavia_dag.assets.admission import record_of, refuse_container, refuse_undubbable, register
from octavia_dag.dubbing.budget import Budget, Choice, Cost, Left, choose
from octavia_dag.errors import InputError, OctaviaError
from octavia_dag.graph import GRAPH
from octavia_dag.layers import Place, change_layer, layer_at
from octavia_dag.resources import nights, remote
from octavia_dag.resources.artifacts import guarded
from octavia_dag.resources.catalogue import Row, Table
from octavia_dag.resources.fetched import bring
from octavia_dag.resources.nights import Entry, Known, Ledger, Listed, NightReport
from octavia_dag.resources.probe import probe_video, sha256_cached
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.standing import SAME, Standing, Stands, desired_state, state_of
from octavia_dag.sensors.taking import in_use
from octavia_dag.settings import digest, effective

_HOUR_S = 3600.0


@dataclass
class Night:
    """A night of this name. `opens`: the automation makes what it takes; else whoever began it does.

    `budget` is one of its own; None: the night's, of which it may have spent a part already.
    """

    tools: Workshop
    instance: dg.DagsterInstance
    table: Table
    name: str
    who: str
    opens: bool = True
    budget: Budget | None = None
    begun: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self._store = self.tools.store
        self._ledger = Ledger.read(self._store)
        self._stands = Stands(self.tools, self.instance, self.table, self._ledger)
        self._judge, self._settings = self._stands.judge, self._stands.settings
        of_a_night = self._settings.catalogue
        self._limit = self.budget or Budget(of_a_night.minutes_per_night, of_a_night.money_per_night)
        if self._limit.money is not None and not self._settings.costs.gpu_hour:
            raise InputError("There is a budget in money, but no price; set costs.gpu_hour, or take the budget out.")

    @cached_property
    def standings(self) -> Mapping[int, Standing]:
        """Where every row stands, by its number."""
        return self._stands.all(self.table.rows)

    def choice(self) -> Choice:
        """What this night takes; nothing is asked for yet."""
        found = self._chosen(self._spent, ())
        self._ledger.write()
        return found

    def carry_out(self, choice: Choice) -> NightReport:
        """Asks for what was chosen, in its order; stores and returns the report. A row that fails is left, and said.

        What such a row would have cost is chosen for once more.
        """
        taken: list[Entry] = []
        left: list[Entry] = []
        spent, tried = self._spent, set[int]()
        while choice.taken:
            freed = False
            for one in choice.taken:
                tried.add(one.row)
                entry = self._tried(len(taken) + 1, self.standings[one.row], one.cost)
                if entry.minutes is None:
                    left.append(entry)
                    freed = True
                else:
                    taken.append(entry)
                    spent += one.cost
            if not freed:
                break
            choice = self._chosen(spent, tried)
        self._ledger.write()
        report = self._report(choice, taken, left)
        nights.keep_report(self._store, report)
        return report

    @cached_property
    def _spent(self) -> Cost:
        """What the night had spent before; nothing of a budget of its own."""
        return nights.taken_in(Path(self._store.root), self.name) if self.budget is None else Cost(0.0, 0.0)

    def _chosen(self, spent: Cost, without: Collection[int]) -> Choice:
        candidates = [one.candidate for one in self.standings.values() if one.row.number not in without]
        return choose(candidates, self._limit, lambda one: self._cost(self.standings[one.row]), spent)

    def _tried(self, place: int, standing: Standing, cost: Cost) -> Entry:
        """The row as it was taken; without minutes where it is left."""
        try:
            return self._take(place, standing, cost)
        except OctaviaError as error:
            return _entry(standing, state_of(error), str(error))

    def foretold(self, choice: Choice) -> NightReport:
        """The report of a choice that is not carried out."""
        standings = [(self.standings[one.row], one.cost) for one in choice.taken]
        return self._report(choice, [_entry(one, one.state, one.why, cost) for one, cost in standings], [])

    def _report(self, choice: Choice, taken: Sequence[Entry], also_left: Sequence[Entry]) -> NightReport:
        left = [_entry(self.standings[one.row], one.state, one.why) for one in choice.left]
        bad = [Entry(row=one.number, uri="", state="bad", why=f"{one.why[:1].upper()}{one.why[1:]}.")
               for one in self.table.bad]  # fmt: skip
        money = [one.money for one in taken]
        return NightReport(
            night=self.name,
            begun=datetime.fromtimestamp(self.begun, UTC),
            minutes_allowed=self._limit.minutes,
            money_allowed=self._limit.money,
            minutes=round(sum(one.minutes or 0.0 for one in taken), 3),
            money=None if None in money else round(sum(one or 0.0 for one in money), 4),
            taken=tuple(taken),
            left=(*also_left, *left),
            bad=tuple(bad),
            ignored=self.table.ignored,
        )

    # --- what a row costs ---

    def _cost(self, one: Standing) -> Cost | Left:
        """Minutes of video, once per language that is made, and money; why not, where its file cannot be used."""
        try:
            seconds = self._seconds(one.row)
        except OctaviaError as error:
            return Left(one.row.number, state_of(error), str(error))
        # What other settings make again is not known before they are set: all, at the most.
        planned = one.plan is not None and not one.plan.empty and not one.changed
        stale = one.plan.stale_languages if one.plan is not None and planned else one.languages
        languages = max(1, len(stale))
        return Cost(seconds / 60.0 * languages, self._money(one, seconds, languages))

    def _seconds(self, row: Row) -> float:
        known = self._ledger.known.get(row.uri)
        if known is None:
            stamp, path = remote.stamp(row.uri), self._near(row.uri)
            try:
                length, fault = probe_video(self.tools.media, path, "", None).seconds, ""
            except InputError as error:
                length, fault = 0.0, str(error)
            known = Known(stamp=stamp, seconds=length, near=str(path), fault=fault)
            self._ledger.known[row.uri] = known
        if known.fault:
            raise InputError(known.fault)
        return known.seconds

    def _money(self, one: Standing, seconds: float, languages: int) -> float | None:
        """By the pace of this installation so far; None where it has none yet, or nobody asks."""
        if self._limit.money is None:
            return None
        if one.plan is not None and not one.plan.empty and not one.changed:
            work = one.plan.seconds("make", "may follow")
        else:
            times = {"video": 1, "dub": languages}
            each = [(self._judge.seconds(node, seconds), times[node.granularity]) for node in GRAPH.values()]
            work = None if any(pace is None for pace, _ in each) else sum((pace or 0.0) * n for pace, n in each)
        return None if work is None else work / _HOUR_S * self._settings.costs.gpu_hour

    # --- asking for it ---

    def _take(self, place: int, one: Standing, cost: Cost) -> Entry:
        """Registers what is not, and asks for it; an entry that says it is done already has cost nothing."""
        row, store, path = one.row, self._store, self._near(one.row.uri)
        with guarded(f"Reading {path.name}", "mend its permissions"):
            record = record_of(store, path.name, sha256_cached(path, Path(store.root) / "hashes.json"))
        listed = nights.read_listed(store, record.id)
        if listed is not None and self._stands.of_another(listed, row):
            raise InputError(SAME.format(listed.row))
        before = listed.settings if listed else digest({})
        changed = before != digest(row.settings)
        if one.plan is None or changed:
            self._refuse(row, path, record.id, one.languages)
        known = self._ledger.known[row.uri].model_copy(update={"video": record.id, "near": str(path)})
        self._ledger.known[row.uri] = known
        if one.plan is None and not changed and record.path and self._judge.plan(record.id, one.languages).empty:
            return _entry(one, "done", "It was dubbed before it came into the catalogue.")
        entry = _entry(one, one.state, one.why, cost).model_copy(update={"video": record.id})
        asked = Listed(uri=row.uri, row=row.number, tenant=row.tenant, deadline=row.deadline, settings=before)
        nights.write_listed(store, record.id, listed or asked)
        if changed:
            change_layer(Path(store.root), Place(record.id), row.settings, who=f"the catalogue's row {row.number}")
        nights.note_taken(store, self.name, self.who, entry)
        origin = "" if remote.local(row.uri) else row.uri
        register(store, self.instance, record, path, known.seconds, one.languages, origin)
        desired = desired_state(self._judge.plan(record.id, one.languages))
        again = listed.attempts if listed is not None and listed.desired == desired else 0
        now = {"settings": digest(row.settings), "open": self.opens, "since": time.time(), "night": self.name,
               "place": place, "desired": desired, "attempts": again + 1}  # fmt: skip
        nights.write_listed(store, record.id, asked.model_copy(update=now))
        return entry

    def _refuse(self, row: Row, path: Path, video: str, languages: Sequence[str]) -> None:
        """What can be known to be impossible before it is asked for, as for a video that the command is given."""
        store = Path(self._store.root)
        settings = effective([layer_at(store, Place()), row.settings or layer_at(store, Place(video))])
        refuse_container(path, probe_video(self.tools.media, path, "", settings.separation.track))
        refuse_undubbable(self.tools, settings, languages)

    def _near(self, uri: str) -> Path:
        """The file on this machine: itself, or a copy, which is fetched unless it is still there."""
        if remote.local(uri):
            return Path(uri)
        known = self._ledger.known.get(uri)
        if known is not None and known.near and Path(known.near).exists():
            return Path(known.near)
        return bring(self._store, self.tools.storage, uri, in_use(self.tools, self.instance))


def _entry(one: Standing, state: str, why: str, cost: Cost | None = None) -> Entry:
    row = one.row
    return Entry(
        row=row.number, uri=row.uri, state=state, why=why, video=one.video, languages=one.languages,
        priority=row.priority, deadline=row.deadline, tenant=row.tenant,
        minutes=None if cost is None else round(cost.minutes, 3), money=None if cost is None else cost.money,
    )  # fmt: skip
