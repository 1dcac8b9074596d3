"""What nights have done: which file of the catalogue is which video, what was taken, what was left and why.

    store/catalogue/known.json             per address: its stamp, its length, its video once it has one
    store/catalogue/taken/NIGHT.jsonl      one line per row taken, written as it is asked for: what the night has spent
    store/catalogue/reports/TIME.json      what one look at the catalogue took and left
    store/videos/VIDEO/catalogue.json      that the catalogue has this video, and whether its night is still going on

A video that the catalogue has is made by nights, not whenever something changes: the automation leaves it alone unless
it is open, and closes it when nothing is left to do.
"""

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from octavia_dag.dubbing.budget import Cost, spelled
from octavia_dag.errors import StorageError
from octavia_dag.resources.artifacts import ArtifactStore, guarded, write_atomically
from octavia_dag.resources.locks import holding
from octavia_dag.resources.records import append_record, recorded
from octavia_dag.schema import Document

LISTED = "catalogue.json"


class Listed(Document):
    """A video of the catalogue: its row, the settings that the row gave it, and the night that asked for it last.

    `desired` is what that night wanted, `attempts` in how many nights the same was wanted; `place` orders the night.
    """

    uri: str
    row: int
    tenant: str = ""
    deadline: datetime | None = None
    settings: str = ""
    open: bool = False
    since: float = 0.0
    night: str = ""
    place: int = 0
    desired: str = ""
    attempts: int = 0


class Known(Document):
    """What is known of a file at an address, as long as its stamp is the same; `near` is where it lies here.

    `fault` is why it is no video that can be used.
    """

    stamp: str
    seconds: float
    video: str | None = None
    near: str = ""
    fault: str = ""


class Entry(Document):
    """One row in a report."""

    row: int
    uri: str
    state: str
    why: str = ""
    video: str | None = None
    languages: tuple[str, ...] = ()
    priority: float = 0.0
    deadline: datetime | None = None
    tenant: str = ""
    minutes: float | None = None
    money: float | None = None


class NightReport(Document):
    """What one look at the catalogue took and left, in the order of the night; `bad` are rows that were skipped."""

    night: str
    begun: datetime
    minutes_allowed: float | None
    money_allowed: float | None
    minutes: float
    money: float | None
    taken: tuple[Entry, ...]
    left: tuple[Entry, ...]
    bad: tuple[Entry, ...]
    ignored: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The report in one sentence."""
        return self.said("asked for")

    def said(self, done: str) -> str:
        """The same; `done` is what became of the rows that were taken."""
        counts: dict[str, int] = {}
        for one in self.left:
            counts[one.state] = counts.get(one.state, 0) + 1
        left = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"
        return (
            f"Night {self.night}: {len(self.taken)} rows {done} ({spelled(self.minutes)} minutes of video), "
            f"{len(self.left)} left ({left}), {len(self.bad)} skipped as bad."
        )


def read_listed(store: ArtifactStore, video: str) -> Listed | None:
    """What the catalogue has to do with `video`; None: nothing."""
    path = store.video_folder(video) / LISTED
    try:
        return Listed.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise StorageError(f"The catalogue's note on {video} is damaged; delete {path}.") from error


def write_listed(store: ArtifactStore, video: str, listed: Listed) -> None:
    """Notes it; the video's mark changes with it, so the automation looks at the video next."""
    with guarded(f"Noting the night of {video}"):
        write_atomically(store.video_folder(video) / LISTED, listed.model_dump_json(indent=1).encode())


def open_now(store: ArtifactStore, video: str) -> None:
    """Lets the automation make `video` now, since somebody asked for it apart from the catalogue's nights."""
    listed = read_listed(store, video)
    if listed is not None and not listed.open:
        write_listed(store, video, listed.model_copy(update={"open": True, "since": time.time(), "place": 0}))


def close(store: ArtifactStore, video: str) -> None:
    """Ends the night of `video`: nothing is left to do."""
    listed = read_listed(store, video)
    if listed is not None and listed.open:
        write_listed(store, video, listed.model_copy(update={"open": False}))


@dataclass
class Ledger:
    """What is known of the catalogue's files."""

    path: Path
    known: dict[str, Known] = field(default_factory=dict[str, Known])

    @classmethod
    def read(cls, store: ArtifactStore) -> "Ledger":
        """The ledger; an empty one where it cannot be read: it only saves looking at files again."""
        path = Path(store.root) / "catalogue" / "known.json"
        try:
            loaded = json.loads(path.read_bytes())
            return cls(path, {str(uri): Known.model_validate(told) for uri, told in loaded.items()})
        except (FileNotFoundError, ValueError, AttributeError):
            return cls(path)

    def write(self) -> None:
        """Keeps it for the next look."""
        with guarded("Noting what is known of the catalogue's files"):
            told = {uri: one.model_dump() for uri, one in self.known.items()}
            write_atomically(self.path, json.dumps(told, ensure_ascii=False).encode())


def note_taken(store: ArtifactStore, night: str, who: str, entry: Entry) -> None:
    """Notes that a row is paid for out of the night's budget."""
    append_record(_taken(Path(store.root), night), who, [entry.model_dump(mode="json")])


def taken_in(root: Path, night: str) -> Cost:
    """What the night has spent so far."""
    total = Cost(0.0, 0.0)
    for row in recorded(_taken(root, night)):
        total += Cost(float(row["minutes"] or 0.0), row["money"])
    return total


def keep_report(store: ArtifactStore, report: NightReport) -> Path:
    """Stores a report and returns where it lies."""
    path = Path(store.root) / "catalogue" / "reports" / f"{report.begun:%Y-%m-%dT%H-%M-%S.%f}.json"
    with guarded(f"Storing the report of the night {report.night}"):
        write_atomically(path, report.model_dump_json(indent=1).encode())
    return path


def last_report(store: ArtifactStore) -> NightReport | None:
    """The report of the latest look; None where there was none."""
    paths = sorted((Path(store.root) / "catalogue" / "reports").glob("*.json"))
    if not paths:
        return None
    try:
        return NightReport.model_validate_json(paths[-1].read_bytes())
    except ValidationError as error:
        raise StorageError(f"The report {paths[-1]} is damaged; delete it.") from error


@contextmanager
def one_at_a_time(store: ArtifactStore) -> Generator[None]:
    """Refuses a second night while one is choosing: both would take the same rows."""
    taken = "Another night is choosing from the catalogue; wait until it has ended."
    with holding(Path(store.root) / "catalogue" / "lock", "Locking the catalogue", taken):
        yield


def _taken(root: Path, night: str) -> Path:
    return root / "catalogue" / "taken" / f"{night}.jsonl"
