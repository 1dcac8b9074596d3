"""Every failure an operator can meet, as one small tree.

    OctaviaError                 exit 1  something failed; a rerun may help
    |-- InputError               exit 2  what was given cannot be used; a rerun cannot help
    |   |-- SettingsError        exit 2  unknown setting, or a value outside its limits
    |   `-- PairError            exit 2  a language pair that cannot be dubbed
    |-- MediaError               exit 1  ffmpeg or ffprobe failed (carries the tail of its stderr)
    |-- ModelError               exit 1  a model is missing, or its sha256 is wrong
    |-- EngineError              exit 1  an engine failed on a piece of work
    |-- StorageError             exit 1  the disk is full, or the store is damaged
    `-- RefusedError             exit 1  a check or a lock forbids going on

A message is one sentence that says what was attempted, on what, and what to do. The command prints it as it
is; the Dagster UI shows it as the step's failure. Nothing here catches anything.
"""


class OctaviaError(Exception):
    """Root of the tree. `str(error)` is the sentence shown to an operator."""

    exit_code: int = 1

    def __init__(self, sentence: str = "", *, passing: bool = False) -> None:
        """`passing`: the cause may pass by itself (somebody else is at it, a server is away), so a step tries again."""
        super().__init__(sentence)
        self.passing = passing


class InputError(OctaviaError):
    """The file, the arguments or the settings cannot be used as they are."""

    exit_code = 2


class SettingsError(InputError):
    """An unknown setting, or a value outside the limits of its field."""


class PairError(InputError):
    """A language pair that no installed translator or synthesizer can serve."""


class MediaError(OctaviaError):
    """ffmpeg or ffprobe failed; the tail of its stderr is part of the sentence."""


class ModelError(OctaviaError):
    """A model file is missing, or does not have the sha256 that models.lock names."""


class EngineError(OctaviaError):
    """An engine failed on one piece of work."""


class StorageError(OctaviaError):
    """The store could not be read or written."""


class RefusedError(OctaviaError):
    """A blocking check or a lock forbids going on."""
