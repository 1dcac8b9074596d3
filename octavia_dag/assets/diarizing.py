"""Who speaks is heard while the words are, where two engines can work side by side.

Steps run one after another, and both of these hear the same sound. So the step that hears words begins with who speaks,
in a thread of its own, and the step that asks for it finds it done, or nearly. What was begun is taken only by whoever
asks for just that: the same sound, regions, bounds and engine; it is no input of anything, and changes no key.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future

from octavia_dag.assets.step import Work
from octavia_dag.resources.engines import Diarizer, Samples
from octavia_dag.schema import Span, Turn

Heard = tuple[list[Turn], list[Span]]
# At most one, of the video at work: what nobody took is let go by the next.
_BEGUN: dict[Hashable, Future[Heard]] = {}
_GUARD = threading.Lock()


def begin(work: Work, version: str, sound: Samples, regions: Sequence[Span]) -> None:
    """Begins to hear who speaks in `sound` (that of the stems of this `version`), if the engine works beside others."""
    diarizer = work.engine(Diarizer, "diarizer")
    if not diarizer.alongside:
        return
    found: Future[Heard] = Future()
    with _GUARD:
        _BEGUN.clear()
        _BEGUN[_key(work, diarizer, version, regions)] = found
    threading.Thread(target=_fill, args=(found, _hearing(work, diarizer, sound, regions)), daemon=True).start()


def who_speaks(work: Work, version: str, sound: Samples, regions: Sequence[Span]) -> Heard:
    """Turns, and where several speak at once: what was begun, or heard now."""
    diarizer = work.engine(Diarizer, "diarizer")
    with _GUARD:
        begun = _BEGUN.pop(_key(work, diarizer, version, regions), None)
    return begun.result() if begun else _hearing(work, diarizer, sound, regions)()


def _key(work: Work, diarizer: Diarizer, version: str, regions: Sequence[Span]) -> Hashable:
    chosen, told = work.settings.diarization, diarizer.info()
    return work.video, version, told.name, told.revision, chosen.min_speakers, chosen.max_speakers, tuple(regions)


def _hearing(work: Work, diarizer: Diarizer, sound: Samples, regions: Sequence[Span]) -> Callable[[], Heard]:
    chosen = work.settings.diarization
    return lambda: diarizer.diarize_with_overlaps(
        sound, regions, minimum=chosen.min_speakers, maximum=chosen.max_speakers
    )


def _fill(found: Future[Heard], work: Callable[[], Heard]) -> None:
    try:
        found.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised again where the outcome is asked for
        found.set_exception(error)
