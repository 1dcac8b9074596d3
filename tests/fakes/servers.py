"""Redis and Postgres from Debian, each a process of its own on a free port, that can be killed and started again.

Both write what they are told before they say so, as deploy/ has them: what was handed out outlives a kill.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL

import psycopg2
import redis
from bucket import free_port

USER = "octavia"
PASSWORD = "a-secret-of-the-database"
_UP_WITHIN_S = 60.0
_SERVERS = Path("/usr/lib/postgresql")


@dataclass
class Redis:
    """A broker that keeps what it has on disk."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        kept = ["--appendonly", "yes", "--appendfsync", "always", "--dir", str(self.folder), "--save", ""]
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--logfile", str(self.folder / "redis.log")]
        self.process = subprocess.Popen(["redis-server", *where, *kept])
        _wait(lambda: redis.Redis(port=self.port).ping(), (redis.RedisError,), "Redis")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def waiting(self) -> int:
        """Messages that nobody has taken, of all priorities of both queues."""
        client = redis.Redis(port=self.port)
        return sum(int(client.llen(key)) for key in client.scan_iter("*pu*") if client.type(key) == b"list")


@dataclass
class Postgres:
    """A database server; it refuses to run as root, so there it runs as the user that Debian's package makes."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def make(self, *databases: str) -> None:
        """A fresh cluster with these databases, which then runs."""
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        if self._as:
            shutil.chown(self.folder, self._as, self._as)
            shutil.chown(secret, self._as)
            for parent in list(self.folder.parents)[:-1]:  # so that the other user can pass
                with suppress(PermissionError):
                    parent.chmod(parent.stat().st_mode | 0o011)
        made = [
            "-D",
            str(self.folder / "data"),
            "-U",
            USER,
            "--pwfile",
            str(secret),
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
        ]
        subprocess.run(
            [self._program("initdb"), *made], user=self._as, check=True, stdout=subprocess.DEVNULL, cwd=self.folder
        )
        self.start()
        for name in databases:
            with closing(self._connected()) as connection:
                connection.autocommit = True  # a database is made outside of transactions
                connection.cursor().execute(f'CREATE DATABASE "{name}"')

    def start(self) -> None:
        where = ["-D", str(self.folder / "data"), "-p", str(self.port), "-h", "127.0.0.1", "-k", ""]
        log = (self.folder / "postgres.log").open("ab")
        self.process = subprocess.Popen(
            [self._program("postgres"), *where, "-c", "max_connections=200"],
            user=self._as,
            cwd=self.folder,
            stdout=log,
            stderr=log,
        )
        _wait(lambda: self._connected().close(), (psycopg2.Error,), "Postgres")

    def kill(self) -> None:
        """With all its backends, as a machine that loses its power; it recovers when it is started."""
        assert self.process is not None
        told = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in (self.process.pid, *map(int, told)):
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(SIGINT)  # Postgres's "fast": ends sessions, then itself
        self.process.wait(30)

    def connections(self) -> int:
        """How many are open, this one not counted."""
        with closing(self._connected()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            (count,) = cursor.fetchone() or (0,)
        return int(count) - 1

    def _connected(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(self.url("postgres"), connect_timeout=5)

    @property
    def _as(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None

    def _program(self, name: str) -> str:
        newest = max(_SERVERS.glob("*/bin"), key=lambda path: int(path.parent.name))
        return str(newest / name)


@contextmanager
def serving(folder: Path, *databases: str) -> Generator[tuple[Redis, Postgres]]:
    """Both, below `folder`; they end with it."""
    broker, database = Redis(folder / "redis"), Postgres(folder / "postgres")
    for one in (broker, database):
        one.folder.mkdir(parents=True)
    try:
        broker.start()
        database.make(*databases)
        yield broker, database
    finally:
        for one in (broker.process, database.process):
            if one is not None and one.poll() is None:
                one.send_signal(SIGINT)
        for one in (broker.process, database.process):
            if one is not None:
                with suppress(subprocess.TimeoutExpired):
                    one.wait(20)
                one.kill()
                one.wait()


def _wait(ask: Callable[[], object], not_yet: tuple[type[Exception], ...], what: str) -> None:
    end = time.monotonic() + _UP_WITHIN_S
    while True:
        try:
            ask()
        except not_yet:
            assert time.monotonic() < end, f"{what} does not come up"
            time.sleep(0.1)
        else:
            return
