"""What an engine is asked to say, as a sound: from the line store, or spoken now, several lines at once.

An engine that samples may say a text wrong. Where somebody listens (`ear`), a line that is heard wrong is spoken again,
twice at most, and of all takes the one heard best is kept, however wrong it still is: the report tells what is heard in
it. An engine that does not sample would say the same again, so nobody listens to it here.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from octavia_dag.dubbing.hearing import word_error_rate
from octavia_dag.dubbing.trimming import trimmed
from octavia_dag.errors import StorageError
from octavia_dag.resources.engines import Samples, Synthesizer, Transcriber, Utterance
from octavia_dag.resources.inspection import heard_in
from octavia_dag.resources.line_store import LineStore, line_key
from octavia_dag.resources.listening import HEARING_HZ
from octavia_dag.resources.sound import read_mono

# Word errors over words above which a take is heard wrong, and how often a line is spoken once more then.
HEARD_WRONG = 0.3
MORE_TAKES = 2


@dataclass
class Takes:
    """The sounds of one dub. `reuse` False speaks every line anew; `version` is that of the code, part of every key."""

    synthesizer: Synthesizer
    store: LineStore
    version: str
    reuse: bool
    ear: Transcriber | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[str, threading.Lock] = field(default_factory=dict[str, threading.Lock])
    # Which take of a text was heard best, at whatever speed; and what was spoken ahead, for whoever asks first.
    _best: dict[str, int] = field(default_factory=dict[str, int])
    _ahead: set[str] = field(default_factory=set[str])

    def key(self, asked: Utterance, own: str) -> str:
        """Under which key the store has it; `own` is the id of a line that shares no sound with others."""
        return self._key(asked, asked.speed, own)

    def get(self, asked: Utterance, own: str) -> tuple[str, Samples, bool]:
        """Its key, its sound, and whether it was spoken now."""
        key = self.key(asked, own)
        with self._lock(key):
            sound, made = self._kept(key), key in self._ahead
            if sound is None:
                self._speak({key: (asked, own)})
                sound, made = self._read(key), True
            self._ahead.discard(key)
        return key, sound, made

    def ahead(self, asked: Sequence[tuple[Utterance, str]]) -> None:
        """Speaks at once what `get` will be asked for, as far as it is not there."""
        wanted = {self.key(one, own): (one, own) for one, own in asked}
        missing = {key: one for key, one in wanted.items() if self._kept(key) is None}
        if missing:
            self._speak(missing)
            self._ahead |= missing.keys()

    def _speak(self, wanted: Mapping[str, tuple[Utterance, str]]) -> None:
        """Puts the best take of each into the store."""
        best: dict[str, tuple[float, Samples]] = {}
        texts = {key: self._key(one, 0.0, own) for key, (one, own) in wanted.items()}
        known = {key: self._best[text] for key, text in texts.items() if text in self._best}
        open_ = list(wanted)
        for take in range(1 + MORE_TAKES):
            takes = [wanted[key][0].model_copy(update={"take": known.get(key, take)}) for key in open_]
            for key, one, sound in zip(open_, takes, self._spoken(takes), strict=True):
                wrong = 0.0 if key in known else self._wrong(sound, one)
                if key not in best or wrong < best[key][0]:
                    best[key] = (wrong, sound)
                    self._best[texts[key]] = one.take
            open_ = [key for key in open_ if best[key][0] > HEARD_WRONG]
            if not open_:
                break
        for key, (_, sound) in best.items():
            self.store.put(key, sound, self.synthesizer.rate_hz)

    def _spoken(self, takes: Sequence[Utterance]) -> list[Samples]:
        return [trimmed(sound, self.synthesizer.rate_hz) for sound in self.synthesizer.speak_all(takes)]

    def _wrong(self, sound: Samples, asked: Utterance) -> float:
        if self.ear is None or not self.synthesizer.samples:
            return 0.0
        import soxr

        heard = np.asarray(soxr.resample(sound, self.synthesizer.rate_hz, HEARING_HZ), np.float32)
        return word_error_rate(asked.text, heard_in(heard, asked.language.split("-")[0], self.ear))

    def _key(self, asked: Utterance, speed: float, own: str) -> str:
        told = self.synthesizer.info()
        parts: list[object] = [self.version, asked.text, asked.voice.model_dump(), told.name, told.revision]
        ears = [] if self.ear is None else [self.ear.info().name, self.ear.info().revision]
        return line_key(*parts, asked.language, speed, *([own] if own else []), *ears)

    def _kept(self, key: str) -> Samples | None:
        """A sound that was spoken before; None where there is none that can be read."""
        path = self.store.get(key) if self.reuse or key in self._ahead else None
        try:
            return None if path is None else read_mono(path, self.synthesizer.rate_hz)
        except StorageError:  # damaged: spoken anew
            return None

    def _read(self, key: str) -> Samples:
        """Read back even if just spoken, so that a stored line and a fresh one are the same to the last bit."""
        path = self.store.get(key)
        assert path is not None
        return read_mono(path, self.synthesizer.rate_hz)

    def _lock(self, key: str) -> threading.Lock:
        """One lock per sound: equal lines are spoken once, whichever comes first."""
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())
