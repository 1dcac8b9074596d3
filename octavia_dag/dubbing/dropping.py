"""What to do with what lies in the drop folder: a pure function over what is listed and what was seen before.

Nothing is remembered of what was handled, since that leaves the folder: a tick costs what lies there, and no cursor can
lose an object (equal timestamps, a listing in another order, an object listed twice). What is remembered of each object
is since when it has not changed, and how often its taking was asked for: it may still be on its way up, and a taking
that was killed is asked for again, later and later. An object's version is its ETag and its time of change, so that the
same content put there again is another arrival. Beside a video lie, where people want them, `VIDEO.yaml` with its
settings and `VIDEO.done`, which says that the upload has ended; it is believed where it is not older than its video.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

FOLDER_SETTINGS = "settings.yaml"
SIDECAR, DONE = ".yaml", ".done"
# Names that upload programs give to what is not whole yet.
UNFINISHED = (".part", ".partial", ".filepart", ".crdownload", ".tmp", ".upload")
ALONE_S = 24 * 3600.0
EMPTY_S = 60.0
# How long after the first, second ... asking the next one comes, where the object is still there.
RETRY_S = (0.0, 15.0, 60.0, 300.0, 1800.0)
BATCH, BATCH_BYTES = 25, 20 << 30


@dataclass(frozen=True)
class Listed:
    """One object: its key below the storage's root, its size, its ETag (or what stands in for it), when it changed."""

    key: str
    size: int
    etag: str
    modified: float

    @property
    def version(self) -> str:
        """Tells two arrivals under one key apart, also where their content is the same."""
        return f"{self.etag} {self.size} {self.modified:.6f}"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Upload:
    """A video with what lies beside it. `reason`: why it goes to quarantine unseen. `settings`: its folder's own.

    `sidecar_done` says nothing: some programs put such a mark beside everything that they upload.
    """

    video: Listed
    sidecar: Listed | None = None
    sidecar_done: Listed | None = None
    done: Listed | None = None
    settings: Listed | None = None
    reason: str = ""

    @property
    def signature(self) -> str:
        """Changes with every object of the group."""
        group = (self.video, self.sidecar, self.sidecar_done, self.done)
        return _short("\n".join(one.version if one else "-" for one in group))

    @property
    def bytes(self) -> int:
        """Size of the video."""
        return self.video.size


@dataclass(frozen=True)
class Seen:
    """One upload as earlier ticks saw it: unchanged since, how often it was asked for, and when last."""

    signature: str
    since: float
    tries: int = 0
    asked: float = 0.0


@dataclass(frozen=True)
class Decision:
    """What to take now (none: nothing), under which run key, what waits and why, and what the next tick must know."""

    take: tuple[Upload, ...] = ()
    run_key: str = ""
    waiting: tuple[str, ...] = ()
    state: Mapping[str, Seen] = field(default_factory=dict[str, Seen])


def decide(
    listing: Iterable[Listed], state: Mapping[str, Seen], *, prefix: str, now: float, settle_s: float, busy: bool
) -> Decision:
    """The decision. `prefix` is the folder that is watched; `busy`: earlier uploads are being taken at this moment."""
    kept: dict[str, Seen] = {}
    ready: list[Upload] = []
    waiting: list[str] = []
    there = list(listing)
    for upload in uploads(there, prefix):
        place = _short(upload.video.key)
        before = state.get(place)
        seen = before if before and before.signature == upload.signature else Seen(upload.signature, now)
        # A clock that was ahead is put back: nothing was seen later than now.
        seen = replace(seen, since=min(seen.since, now), asked=min(seen.asked, now))
        kept[place] = seen
        obstacle, judged = _judged(upload, seen, now, settle_s)
        if obstacle or busy:
            waiting.append(f"{upload.video.name}: {obstacle or 'others are being taken'}")
        else:
            ready.append(judged)
    chosen = _batch(ready)
    waiting += [f"{one.video.name}: comes with the next batch" for one in ready[len(chosen) :]]
    waiting += [f"{one.key}: is hidden by a dot, and left alone" for one in there if _is_hidden(one.key)]
    key = _run_key(chosen, kept)
    for one in chosen:
        seen = kept[_short(one.video.key)]
        kept[_short(one.video.key)] = Seen(seen.signature, seen.since, seen.tries + 1, now)
    return Decision(tuple(chosen), key, tuple(waiting), kept)


def uploads(listing: Iterable[Listed], prefix: str) -> list[Upload]:
    """Videos with what lies beside them, and what lies alone; folders' markers, hidden names and settings are none."""
    there = {one.key: one for one in listing if one.key.startswith(prefix) and not one.key.endswith("/")}
    shown = {key: one for key, one in there.items() if not _is_hidden(key)}
    found: list[Upload] = []
    for key, one in sorted(shown.items()):
        base = _beside(key)
        if one.name == FOLDER_SETTINGS or (base is not None and base in shown):
            continue
        folder = f"{key.rsplit('/', 1)[0]}/{FOLDER_SETTINGS}"
        sidecar = shown.get(key + SIDECAR)
        mark = shown.get(key + SIDECAR + DONE) if sidecar else None
        found.append(Upload(one, sidecar, mark, shown.get(key + DONE), shown.get(folder)))
    return found


def _is_hidden(key: str) -> bool:
    return not key.endswith("/") and any(part.startswith(".") for part in key.split("/"))


def _beside(key: str) -> str | None:
    """The video that a sidecar or a mark belongs to."""
    return next((key.removesuffix(suffix) for suffix in (SIDECAR, DONE) if key.endswith(suffix)), None)


def _judged(upload: Upload, seen: Seen, now: float, settle_s: float) -> tuple[str, Upload]:
    """Why it is not taken now, empty where it is; and the upload, with the reason where it goes to quarantine."""
    quiet_s = now - seen.since
    alone, empty = _beside(upload.video.key) is not None, upload.bytes == 0
    done = upload.done is not None and upload.done.modified >= upload.video.modified
    settles_s = ALONE_S if alone else 0.0 if done else EMPTY_S if empty else settle_s
    obstacle = ""
    if not _is_text(upload.video.key):
        obstacle = "its name is not UTF-8 text; rename it"
    elif upload.video.name.lower().endswith(UNFINISHED):
        obstacle = "its name says that it is not whole yet"
    elif quiet_s < settles_s:
        obstacle = "waits for its video" if alone else "may still be on its way"
    elif seen.tries and now - seen.asked < RETRY_S[min(seen.tries, len(RETRY_S)) - 1]:
        obstacle = "was asked for a moment ago, and will be again"
    reason = "It lay here for a day without the video that it belongs to; upload both." if alone else ""
    return obstacle, replace(upload, reason=reason or ("It is empty; upload it again." if empty else ""))


def _batch(ready: list[Upload]) -> list[Upload]:
    """As many as one run takes, at least one where there is one."""
    chosen: list[Upload] = []
    size = 0
    for one in ready[:BATCH]:
        if chosen and size + one.bytes > BATCH_BYTES:
            break
        chosen.append(one)
        size += one.bytes
    return chosen


def _run_key(chosen: list[Upload], state: Mapping[str, Seen]) -> str:
    """The same for the same objects asked for the same time, so that a tick that is repeated asks for nothing new."""
    if not chosen:
        return ""
    told = [(one.video.key, one.signature, state[_short(one.video.key)].tries) for one in chosen]
    return " ".join([_short(repr(told)), *(one.video.etag for one in chosen)])


def _is_text(key: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in key)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
