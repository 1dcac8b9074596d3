"""The only reader of the environment. Each variable is read once, checked, and refused with its name and value.

    OCTAVIA_HOME        where everything of this installation lives (default ~/.octavia)
    OCTAVIA_MODELS      the models, which all homes share (default ~/.octavia/models)
    OCTAVIA_THREADS     cores an engine may use (default: all there are)
    OCTAVIA_VOICE_KEY   Fernet key of the voice profiles (default: a file in the home that only its owner can read)
    OCTAVIA_CHAT_KEY    key of the chat endpoint that condenses, where one is configured
    OCTAVIA_MEMORY_URL  database of the translation memory (default: a file in the store)

The keys and the URL, which may hold a password, are read by name where they are used, so that no value of theirs lies
in a configuration.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from octavia_dag.errors import InputError

VOICE_KEY = "OCTAVIA_VOICE_KEY"
CHAT_KEY = "OCTAVIA_CHAT_KEY"
MEMORY_URL = "OCTAVIA_MEMORY_URL"


@dataclass(frozen=True)
class Environment:
    """Where things lie, and which secrets are there (never their values)."""

    home: Path
    models_dir: Path
    threads: int
    has_voice_key: bool
    has_chat_key: bool
    has_memory_url: bool

    @property
    def dagster_home(self) -> Path:
        """Dagster's own folder: runs, events, schedules."""
        return self.home / "dagster"

    @property
    def store(self) -> Path:
        """Artifacts and the videos' records."""
        return self.home / "store"

    @property
    def scratch(self) -> Path:
        """Work in progress; on the store's file system, so that publishing is a rename."""
        return self.home / "scratch"

    @property
    def memory_file(self) -> Path:
        """The translation memory where the environment names no database."""
        return self.store / "memory.sqlite"

    @property
    def voice_key_file(self) -> Path:
        """The key of the voice profiles where the environment gives none."""
        return self.home / "keys" / "voice.key"


def read(home: Path | None = None) -> Environment:
    """The environment, with `home` in place of OCTAVIA_HOME where it is given."""
    usual = Path.home() / ".octavia"
    root = (home or Path(os.environ.get("OCTAVIA_HOME") or usual)).expanduser().absolute()
    models = Path(os.environ.get("OCTAVIA_MODELS") or usual / "models").expanduser().absolute()
    return Environment(
        home=root,
        models_dir=models,
        threads=_threads(os.environ.get("OCTAVIA_THREADS", "")),
        has_voice_key=bool(os.environ.get(VOICE_KEY)),
        has_chat_key=bool(os.environ.get(CHAT_KEY)),
        has_memory_url=bool(os.environ.get(MEMORY_URL)),
    )


def _threads(text: str) -> int:
    if not text:
        return os.cpu_count() or 1
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise InputError(f"OCTAVIA_THREADS has the value {text!r}; it must be a whole number from 1 to 1024.")
    return int(text)


def enter(environment: Environment) -> None:
    """Points Dagster, which reads its own variables, at this installation."""
    os.environ["DAGSTER_HOME"] = str(environment.dagster_home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"


def with_threads(threads: int) -> dict[str, str]:
    """The environment of a process that this one starts to work with so many cores."""
    return {**os.environ, "OCTAVIA_THREADS": str(threads)}
