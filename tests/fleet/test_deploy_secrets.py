"""At risk: a password or a key in a file that everybody can read.

Every file under deploy/ is read: as text for what looks like a key, and as YAML for a name that says secret with a
value that is one. A secret may only be referred to: as ${NAME:?} of compose, as {env: NAME}, or as one of the cluster.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

pytestmark = pytest.mark.fleet

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc")
YAML = [path for path in FILES if path.suffix == ".yaml"]

# Keys by the shape that their makers give them.
KEYS = (
    r"\bA(?:KI|SI)A[0-9A-Z]{16}\b",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    r"\bgh[pousr]_[A-Za-z0-9]{20,}",
    r"\bhf_[A-Za-z0-9]{20,}",
    r"\bsk-[A-Za-z0-9_-]{20,}",
    r"\brpa?_[A-Za-z0-9]{20,}",
    r"\bxox[baprs]-[A-Za-z0-9-]{10,}",
    r"hooks\.slack\.com/services/",
    r"\b[A-Za-z0-9_-]{43}=",  # a Fernet key
)
SECRETIVE = re.compile(r"passw|secret|token|credential|api_?key|_key\b|auth\b", re.IGNORECASE)
# Names of what holds a secret, not secrets.
HOLDERS = {
    "postgresqlSecretName",
    "postgres_password_secret",
    "generatePostgresqlPasswordSecret",
    "generateCeleryConfigSecret",
    "envSecrets",
    "env_secrets",
    "secretKeyRef",
    "secretRef",
}
REFERENCE = re.compile(r"\$\{[A-Z_]+:\?\}")


def keys_in(text: str) -> list[str]:
    return [found for shape in KEYS for found in re.findall(shape, text)]


def bits(word: str) -> float:
    """The entropy of a word's characters."""
    return -sum(n / len(word) * math.log2(n / len(word)) for n in Counter(word).values())


def random_in(text: str) -> list[str]:
    """Words that nobody would choose: long, of both cases and figures, and hardly a character twice."""
    words = re.findall(r"[A-Za-z0-9+/=_]{20,}", text)
    return [
        w for w in words if re.search(r"\d", w) and re.search(r"[a-z]", w) and re.search(r"[A-Z]", w) and bits(w) > 3.5
    ]


def passwords_in_addresses(text: str) -> list[str]:
    told = re.findall(r"\w+://[^\s/:@'\"]*:([^\s/@'\"]+)@", text)
    return [one for one in told if not REFERENCE.fullmatch(one)]


def spelt_out(told: Any, where: str = "") -> Iterator[str]:
    """Every value under a name that says secret, where it is a text of its own."""
    if isinstance(told, Mapping):
        mapping = cast("Mapping[str, Any]", told)
        if SECRETIVE.search(str(mapping.get("name", ""))) and "value" in mapping:
            yield f"{where}.{mapping['name']}"
        for name, value in mapping.items():
            if name in HOLDERS:
                continue
            if SECRETIVE.search(name) and isinstance(value, str | int) and not REFERENCE.fullmatch(str(value)):
                yield f"{where}.{name}"
            yield from spelt_out(value, f"{where}.{name}")
    elif isinstance(told, list):
        for one in cast("list[Any]", told):
            yield from spelt_out(one, where)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_no_file_holds_what_looks_like_a_key(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert keys_in(text) == []
    assert random_in(text) == []
    assert passwords_in_addresses(text) == []


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_every_secret_is_referred_to(path: Path) -> None:
    for told in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert list(spelt_out(told)) == []


@pytest.mark.parametrize("path", [p for p in FILES if p.name.endswith("ockerfile")], ids=lambda path: path.parent.name)
def test_no_image_is_told_a_secret(path: Path) -> None:
    told = re.findall(r"^(?:ENV|ARG) (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    names = [word.split("=")[0] for line in told for word in line.split() if "=" in word or line == word]
    assert [name for name in names if SECRETIVE.search(name)] == []


def test_no_manifest_makes_a_secret() -> None:
    kinds = [told["kind"] for path in YAML for told in yaml.safe_load_all(path.read_text("utf-8")) if "kind" in told]
    assert kinds
    assert "Secret" not in kinds


def test_there_are_files_to_read() -> None:
    assert {path.name for path in YAML} >= {"compose.yaml", "dagster.yaml", "values.yaml", "manifests.yaml"}


@pytest.mark.parametrize(
    "spoilt",
    [
        "id: AKIAABCDEFGHIJKLMNOP",
        "OCTAVIA_VOICE_KEY: " + "Zm9v" * 10 + "Zm8=",
        "x: hf_" + "a1B2" * 6,
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_key_is_found_by_its_shape(spoilt: str) -> None:
    assert keys_in(spoilt)


def test_a_random_word_is_found_and_a_name_is_not() -> None:
    assert random_in("key: q8Zr2LmX0vTb7NcY5wKd")
    assert random_in("image: generatePostgresqlPasswordSecret") == []


def test_a_password_in_an_address_is_found_and_a_reference_is_not() -> None:
    assert passwords_in_addresses("redis://:hunter2@redis:6379/0") == ["hunter2"]
    assert passwords_in_addresses("redis://:${REDIS_PASSWORD:-hunter2}@redis:6379/0")
    assert passwords_in_addresses("redis://:${REDIS_PASSWORD:?}@redis:6379/0") == []


@pytest.mark.parametrize(
    "spoilt",
    [
        {"postgresql": {"postgresqlPassword": "test"}},
        {"environment": {"POSTGRES_PASSWORD": "${POSTGRES_PASSWORD:-test}"}},
        {"env": [{"name": "OCTAVIA_VOICE_KEY", "value": "a"}]},
        {"auth": "x"},
        {"config": {"api_key": 1234}},
    ],
)
def test_a_secret_that_is_spelt_out_is_found(spoilt: dict[str, Any]) -> None:
    assert list(spelt_out(spoilt))


@pytest.mark.parametrize(
    "told",
    [
        {"password": {"env": "DAGSTER_PG_PASSWORD"}},
        {"environment": {"POSTGRES_PASSWORD": "${POSTGRES_PASSWORD:?}"}},
        {"env": [{"name": "A_KEY", "valueFrom": {"secretKeyRef": {"name": "octavia-secrets", "key": "a"}}}]},
        {"global": {"postgresqlSecretName": "octavia-postgresql"}},
    ],
)
def test_a_reference_is_none(told: dict[str, Any]) -> None:
    assert list(spelt_out(told)) == []
