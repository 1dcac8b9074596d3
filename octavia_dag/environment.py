"""The only reader of the environment. Each variable is read once, checked, and refused with its name and value.

    OCTAVIA_HOME        where everything of this installation lives (default ~/.octavia)
    OCTAVIA_MODELS      the models, which all homes share (default ~/.octavia/models)
    OCTAVIA_THREADS     cores an engine may use (default: all there are)
    OCTAVIA_DEVICE      where studio engines compute: cuda, cuda:1 or cpu (default: the GPU where there is one)
    OCTAVIA_VOICE_KEY   Fernet key of the voice profiles (default: a file in the home that only its owner can read; it
                        is made there, but not where OCTAVIA_MEMORY_URL names a database that machines share)
    OCTAVIA_CHAT_KEY    key of the chat endpoint that condenses, where one is configured
    OCTAVIA_REMOTE_KEY  key of the server of voices, where an engine of the settings asks one
    OCTAVIA_MEMORY_URL  database of the translation memory (default: a file in the store)
    OCTAVIA_STORAGE     the storage: root of the drop folder and place of the catalogue; s3://bucket[/prefix], or a
                        folder (default: there is no drop folder, and a catalogue lies in the home)
    OCTAVIA_FETCHED_GB  how much of what was dropped may lie here beside the storage (default 100)
    OCTAVIA_WEBHOOK     where notices are posted, as Slack takes them (default: nowhere)
    OCTAVIA_UI_URL      how people reach the UI, for links in notices (default: http://127.0.0.1:3000)
    OCTAVIA_BROKER_URL  the Redis through which a fleet's work is handed out (default: none)
    OCTAVIA_GPU_IMAGE   with kubernetes, the image of the steps that ask for a GPU
    OCTAVIA_STEPS       where the steps of a run go: here (default: in one process), celery or kubernetes
    OCTAVIA_RUNPOD_ENDPOINT  the RunPod endpoint whose workers are kept warm (default: none is)
    OCTAVIA_RUNPOD_KEY       key of the account, which may set that endpoint's workers
    OCTAVIA_RUNPOD_JOBS_URL, OCTAVIA_RUNPOD_REST_URL  where its two APIs are (default: RunPod's own)
    AWS_ENDPOINT_URL    address of an S3 that is not Amazon's; AWS_DEFAULT_REGION its region

The keys, the URL and the webhook, which may hold a password, are read by name where they are used, so that no value of
theirs lies in a configuration. S3's credentials (AWS_ACCESS_KEY_ID ..., a profile, a role) are read by its own
libraries alone.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from octavia_dag.errors import InputError

Steps = Literal["here", "celery", "kubernetes"]

VOICE_KEY = "OCTAVIA_VOICE_KEY"
CHAT_KEY = "OCTAVIA_CHAT_KEY"
REMOTE_KEY = "OCTAVIA_REMOTE_KEY"
MEMORY_URL = "OCTAVIA_MEMORY_URL"
STORAGE = "OCTAVIA_STORAGE"
FETCHED_GB = "OCTAVIA_FETCHED_GB"
DEVICE = "OCTAVIA_DEVICE"
WEBHOOK = "OCTAVIA_WEBHOOK"
UI_URL = "OCTAVIA_UI_URL"
STEPS = "OCTAVIA_STEPS"
BROKER = "OCTAVIA_BROKER_URL"
RUNPOD_ENDPOINT = "OCTAVIA_RUNPOD_ENDPOINT"
RUNPOD_KEY = "OCTAVIA_RUNPOD_KEY"
RUNPOD_JOBS_URL = "OCTAVIA_RUNPOD_JOBS_URL"
RUNPOD_REST_URL = "OCTAVIA_RUNPOD_REST_URL"


@dataclass(frozen=True)
class Environment:
    """Where things lie, and which secrets are there (never their values)."""

    home: Path
    models_dir: Path
    threads: int
    has_voice_key: bool
    has_chat_key: bool
    has_memory_url: bool
    storage: str = ""
    s3_endpoint: str | None = None
    s3_region: str | None = None
    fetched_gb: int = 100
    has_webhook: bool = False
    ui_url: str = ""
    device: str = ""
    has_remote_key: bool = False
    steps: Steps = "here"
    runpod_endpoint: str = ""
    runpod_jobs_url: str = ""
    runpod_rest_url: str = ""
    has_runpod_key: bool = False

    @staticmethod
    def broker() -> str:
        """The address of the broker, empty where there is none; it may hold a password, so it is kept nowhere."""
        return os.environ.get(BROKER, "")

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
    def fetched(self) -> Path:
        """What was dropped, fetched for as long as it is worked on; on the file system of `scratch`."""
        return self.home / "fetched"

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
        threads=_whole("OCTAVIA_THREADS", os.cpu_count() or 1, 1024),
        has_voice_key=bool(os.environ.get(VOICE_KEY)),
        has_chat_key=bool(os.environ.get(CHAT_KEY)),
        has_memory_url=bool(os.environ.get(MEMORY_URL)),
        storage=_storage(os.environ.get(STORAGE, "")),
        s3_endpoint=_address(
            "AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
        ),
        s3_region=os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION"),
        fetched_gb=_whole(FETCHED_GB, 100, 1_000_000),
        has_webhook=bool(os.environ.get(WEBHOOK)),
        ui_url=(os.environ.get(UI_URL) or "http://127.0.0.1:3000").rstrip("/"),
        device=_device(os.environ.get(DEVICE, "")),
        has_remote_key=bool(os.environ.get(REMOTE_KEY)),
        steps=_steps(os.environ.get(STEPS) or "here"),
        runpod_endpoint=_word(RUNPOD_ENDPOINT),
        runpod_jobs_url=_address(RUNPOD_JOBS_URL, os.environ.get(RUNPOD_JOBS_URL, "")) or "",
        runpod_rest_url=_address(RUNPOD_REST_URL, os.environ.get(RUNPOD_REST_URL, "")) or "",
        has_runpod_key=bool(os.environ.get(RUNPOD_KEY)),
    )


def _device(text: str) -> str:
    """Where engines compute, as torch names it."""
    if text and not re.fullmatch(r"cpu|cuda(:\d{1,2})?", text):
        raise InputError(f"{DEVICE} has the value {text!r}; it must be cpu, cuda, or a GPU by number such as cuda:1.")
    return text


def _steps(text: str) -> Steps:
    """Where steps go."""
    if text in get_args(Steps):
        return cast(Steps, text)
    raise InputError(f"{STEPS} has the value {text!r}; it must be here, celery or kubernetes.")


def _whole(name: str, usual: int, most: int) -> int:
    """A whole number from 1 to `most`."""
    text = os.environ.get(name, "")
    if not text:
        return usual
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise InputError(f"{name} has the value {text!r}; it must be a whole number from 1 to {most}.")
    return int(text)


def _storage(text: str) -> str:
    """The root of the storage as a URL; a folder may be named by its path."""
    if not text:
        return ""
    told = urlsplit(text)
    if told.scheme == "s3" and told.netloc and "@" not in told.netloc:
        return text.rstrip("/")
    path = Path(told.path if told.scheme == "file" else text)
    if told.scheme not in ("", "file") or not path.is_absolute():  # what was given may hold a password
        raise InputError(f"{STORAGE} must be s3://bucket, s3://bucket/prefix or the absolute path of a folder.")
    return f"file://{path}"


def _address(name: str, text: str) -> str | None:
    told = urlsplit(text)
    if text and (told.scheme not in ("http", "https") or "@" in told.netloc):
        raise InputError(f"{name} must be a bare http(s) address; the keys have variables of their own.")
    return text or None


def _word(name: str) -> str:
    """What becomes a part of an address."""
    text = os.environ.get(name, "")
    if text and not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", text):
        raise InputError(f"{name} must be an id of letters, digits, '-' and '_', and nothing else.")
    return text


def enter(environment: Environment) -> None:
    """Points Dagster, which reads its own variables, at this installation."""
    os.environ["DAGSTER_HOME"] = str(environment.dagster_home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"


def with_threads(threads: int) -> dict[str, str]:
    """The environment of a process that this one starts to work with so many cores."""
    return {**os.environ, "OCTAVIA_THREADS": str(threads)}
