"""Fetches weights from the model hub, at a revision, into a folder that appears whole and sealed or not at all.

The hub's own client does the fetching: mirrors, proxies and certificates are those it is set to, and the token is read
by it from its own variable (HF_TOKEN). A revision is resolved to a commit first, and what is fetched waits in a folder
of that commit, so that all files are of one commit, also where a pull was interrupted and the revision moved on before
the next; that commit is part of the seal.
"""

import re
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

from octavia_dag.errors import InputError, ModelError, StorageError
from octavia_dag.resources.weights import Reference, Seal, seal

# Code, pictures and other frameworks' weights that nothing here reads.
_IGNORED = ("*.msgpack", "*.h5", "*.onnx", "*.tflite", "*.ot", "*.md", "*.png", "*.jpg", "*.wav", "*.mp4", ".git*")
_COMMIT = re.compile(r"[0-9A-Fa-f]{40}")
_REFUSED = "set HF_TOKEN to a token that may see it"
_REMEDIES: dict[int | None, str] = {401: _REFUSED, 403: _REFUSED}


class Hub(Protocol):
    """What is asked of the hub's client; `HfApi` of huggingface_hub is one."""

    def repo_info(self, repo_id: str, *, revision: str) -> Any:
        """What the hub tells of a repository; `sha` is the commit."""

    def snapshot_download(self, repo_id: str, *, revision: str, local_dir: Path, ignore_patterns: list[str]) -> Any:
        """Puts the files of a commit into `local_dir`."""


def pull_weights(models_dir: str, reference: str, progress: Callable[[str], None], hub: Hub | None = None) -> Seal:
    """Brings the weights that `reference` names into the model store, and seals them.

    An InputError for a folder (there is nothing to fetch), a ModelError where the hub has not got them, refuses them
    or cannot be reached, or where what came has another digest than the reference asks for.
    """
    told = Reference.of(reference)
    if told.path:
        raise InputError(f"Fetching {told}: it is a folder of this machine; 'octavia models seal' makes it usable.")
    folder, asked = told.folder(models_dir), hub or _client()
    try:
        commit = _commit(told, asked)
        scratch = _scratch(folder.with_name(f".pull-{folder.name}"), commit)
        progress(f"{told}: fetching")
        with _told(told):
            asked.snapshot_download(told.repository, revision=commit, local_dir=scratch, ignore_patterns=list(_IGNORED))
        sealed = seal(scratch, told.repository, told.revision, commit)
        if told.digest and sealed.digest != told.digest:
            raise ModelError(
                f"Fetching {told}: what came has the digest {sealed.digest}, and {told.digest} was asked for."
            )
        shutil.rmtree(scratch / ".cache", ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
        scratch.parent.rmdir()
    except OSError as error:
        raise StorageError(
            f"Writing the weights {told} to {folder} failed ({error.strerror or error}); make room or mend the folder."
        ) from error
    progress(f"{told}: commit {commit[:12]}, {len(sealed.files)} files, sha256 {sealed.digest}")
    return sealed


def _client() -> Hub:
    from huggingface_hub import HfApi

    return cast(Hub, HfApi())


def _commit(told: Reference, hub: Hub) -> str:
    """What the reference's revision is now."""
    with _told(told):
        commit = str(hub.repo_info(told.repository, revision=told.revision).sha)
    if not _COMMIT.fullmatch(commit):
        raise ModelError(f"Fetching {told}: the hub names no commit of it ({commit!r}); see that HF_ENDPOINT is a hub.")
    return commit


def _scratch(waiting: Path, commit: str) -> Path:
    """Where files of a commit wait; those of the same commit are not fetched again, those of another one go."""
    made = waiting / commit
    made.mkdir(parents=True, exist_ok=True)
    for other in waiting.iterdir():
        if other.is_dir() and other != made:
            shutil.rmtree(other)
        elif other != made:
            other.unlink()
    return made


@contextmanager
def _told(told: Reference) -> Generator[None]:
    """What the hub's client fails with, as one sentence."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(
            f"Fetching {told}: its makers let only those have it who accepted their terms; accept them on its page, "
            "and set HF_TOKEN to a token of that account."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"Fetching {told}: the hub knows no such repository, or HF_TOKEN is missing or may not see it."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"Fetching {told}: the repository has no revision {told.revision}.") from error
    # The client's own transport (requests or httpx, by its version) has its base error there under one name.
    except (errors.HTTPError, OSError) as error:  # pyright: ignore[reportPrivateImportUsage]
        if isinstance(error, OSError) and error.errno is not None:  # the disk's own
            raise
        status = getattr(getattr(error, "response", None), "status_code", None)
        remedy = _REMEDIES.get(status, "see that the hub can be reached, then pull again")
        raise ModelError(f"Fetching {told} failed ({type(error).__name__}); {remedy}.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"Fetching {told} failed ({type(error).__name__}): the hub's answer or HF_TOKEN cannot be read; see that "
            "HF_ENDPOINT is a hub, and HF_TOKEN one of its tokens."
        ) from error
