"""Dagster accepts any text as a dynamic key and breaks on it later: no key may reach it unchecked."""

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.errors import InputError, PairError
from octavia_dag.partitions import DUBS, checked_language, checked_video, dub_key, parts, video_id

SHA = "1a2b3c4d" + "0" * 56


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("talk.mp4", "talk-1a2b3c4d"),
        ("My Talk (final).MOV", "my-talk-final-1a2b3c4d"),
        ("Olá, você!.mkv", "ola-voce-1a2b3c4d"),
        ("🎬.mp4", "video-1a2b3c4d"),
        ("a|b,c...d/e.mp4", "a-b-c-d-e-1a2b3c4d"),
        (".mp4", "mp4-1a2b3c4d"),
    ],
)
def test_an_id_is_readable_and_ends_in_the_hash(name: str, expected: str) -> None:
    assert video_id(name, SHA) == expected


@given(st.text(max_size=300))
def test_any_name_gives_a_key_that_passes_our_own_check(name: str) -> None:
    assert checked_video(video_id(name, SHA)) == video_id(name, SHA)


@pytest.mark.parametrize(
    "key", ["", "talk", "talk|es", "Talk-1a2b3c4d", "talk-1a2b3c4", "../x-1a2b3c4d", "talk-1a2b3c4d\n"]
)
def test_a_key_that_is_no_id_is_refused(key: str) -> None:
    with pytest.raises(InputError, match="no video's id"):
        checked_video(key)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("pt-br", "pt-BR"),
        ("PT", "pt-BR"),
        ("pt_BR", "pt-BR"),
        ("es", "es"),
        ("en-US", "en"),
        ("es-419", "es"),
        ("fr_ca", "fr"),
        ("IT-it", "it"),
    ],
)
def test_a_language_is_brought_into_our_spelling(tag: str, expected: str) -> None:
    assert checked_language(tag) == expected


@pytest.mark.parametrize("tag", ["", "xx", "klingon", "es|v1", "de", "de-AT", "pt-PT", "pt-AO"])
def test_an_unknown_language_is_refused_with_the_known_ones(tag: str) -> None:
    with pytest.raises(PairError, match="pt-BR"):
        checked_language(tag)


def test_a_dub_key_goes_through_dagster_and_back() -> None:
    key = dub_key("talk-1a2b3c4d", "pt-br")
    assert str(key) == "pt-BR|talk-1a2b3c4d"
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("videos", ["talk-1a2b3c4d"])
        keys = DUBS.get_partition_keys(dynamic_partitions_store=instance)
    assert str(key) in [str(one) for one in keys]
    assert parts(key) == ("talk-1a2b3c4d", "pt-BR")
    assert parts("talk-1a2b3c4d") == ("talk-1a2b3c4d", None)
