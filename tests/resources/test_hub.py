"""At risk: half a model in the store, files of two commits, or a traceback where terms were not accepted.

The hub's own client speaks to a hub on this machine.
"""

from collections.abc import Generator
from pathlib import Path

import pytest
from hub import COMMIT, LocalHub, running

from octavia_dag.errors import InputError, ModelError, StorageError
from octavia_dag.resources.hub import pull_weights
from octavia_dag.resources.weights import seal_of, weights_dir

FILES = {"config.json": b"{}", "model.safetensors": b"numbers" * 1000, "README.md": b"words"}
REFERENCE = "owner/name@main"


@pytest.fixture
def hub() -> Generator[LocalHub]:
    with running(dict(FILES)) as found:
        yield found


def quiet(_: str) -> None:
    return


def test_what_is_fetched_is_sealed_at_the_commit_of_its_revision(hub: LocalHub, tmp_path: Path) -> None:
    pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())
    folder = weights_dir(str(tmp_path), REFERENCE)
    assert (folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert seal_of(str(tmp_path), REFERENCE).commit == COMMIT


def test_what_no_engine_reads_is_not_fetched(hub: LocalHub, tmp_path: Path) -> None:
    pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())
    assert sorted(file.name for file in seal_of(str(tmp_path), REFERENCE).files) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (403, "GatedRepo", "accept them on its page, and set HF_TOKEN"),
        (404, "RevisionNotFound", "has no revision main"),
        (404, "RepoNotFound", "knows no such repository"),
        (401, "", "set HF_TOKEN to a token that may see it"),
        (500, "", r"failed \(\w+\); see that the hub can be reached"),
    ],
)
def test_a_refusal_is_one_sentence_and_leaves_nothing(
    hub: LocalHub, tmp_path: Path, status: int, code: str, sentence: str
) -> None:
    hub.refusal = (status, code)
    with pytest.raises(ModelError, match=sentence):
        pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())
    assert not list(tmp_path.rglob("weights.json"))


def test_a_hub_that_is_not_there_is_one_sentence(hub: LocalHub, tmp_path: Path) -> None:
    hub.address = "http://127.0.0.1:9"
    with pytest.raises(ModelError, match="see that the hub can be reached"):
        pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())


def test_another_digest_than_was_asked_for_is_refused_and_not_kept(hub: LocalHub, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="was asked for"):
        pull_weights(str(tmp_path), f"{REFERENCE}#sha256={'0' * 64}", quiet, hub.api())
    with pytest.raises(ModelError, match="are not there"):
        weights_dir(str(tmp_path), REFERENCE)


def test_pulling_again_takes_what_is_new(hub: LocalHub, tmp_path: Path) -> None:
    pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())
    hub.files["config.json"] = b'{"new": 1}'
    pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())
    assert (weights_dir(str(tmp_path), REFERENCE) / "config.json").read_bytes() == b'{"new": 1}'


def test_a_pull_broken_off_at_one_commit_leaves_nothing_of_it_in_the_next(hub: LocalHub, tmp_path: Path) -> None:
    hub.files["config.old.json"], hub.missing = b"{}", {"model.safetensors"}
    with pytest.raises(ModelError):
        pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())
    assert [path.name for path in tmp_path.rglob("config*.json")], "some of it had come"
    del hub.files["config.old.json"]
    hub.commit, hub.missing = "b" * 40, set()
    pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())
    told = seal_of(str(tmp_path), REFERENCE)
    assert (told.commit, [one.name for one in told.files]) == ("b" * 40, ["config.json", "model.safetensors"])
    assert [path.name for path in (tmp_path / "hub" / "owner--name").iterdir()] == ["main"]


def test_the_revision_is_asked_for_once_and_all_else_by_its_commit(hub: LocalHub, tmp_path: Path) -> None:
    """Between two questions it may move, and the seal names the commit of the first."""
    pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())
    assert len([path for path in hub.asked if "main" in path.split("/")]) == 1


@pytest.mark.parametrize("told", [{}, {"sha": COMMIT}, {"id": "owner/name"}, {"id": "owner/name", "sha": "../up"}])
def test_an_answer_that_no_hub_gives_is_one_sentence(hub: LocalHub, tmp_path: Path, told: dict[str, str]) -> None:
    hub.told = told
    with pytest.raises(ModelError, match="see that HF_ENDPOINT is a hub"):
        pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())


def test_a_folder_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="models seal"):
        pull_weights(str(tmp_path), str(tmp_path), quiet)


def test_a_store_that_cannot_be_written_to_is_said(hub: LocalHub, tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match="make room or mend the folder"):
        pull_weights(str(tmp_path), REFERENCE, quiet, hub.api())
