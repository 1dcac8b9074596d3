"""Settings decide what is made again, so what is at risk is a value that is silently ignored or silently wrong."""

from pathlib import Path

import pytest

from octavia_dag.errors import SettingsError
from octavia_dag.graph import GRAPH
from octavia_dag.layers import read_layer
from octavia_dag.settings import Settings, Slice, digest, effective, slice_values


def test_a_later_layer_wins_field_by_field() -> None:
    settings = effective([{"mix": {"duck_depth_db": 3, "ratio": 4}}, {"mix": {"duck_depth_db": 5}}])
    assert (settings.mix.duck_depth_db, settings.mix.ratio) == (5.0, 4.0)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"mix": {"duck_depth_db": 20}}, ["mix.duck_depth_db", "20", "at most 9"]),
        ({"sync": {"max_rate": 1.5}}, ["sync.max_rate", "1.5", "at most 1.3"]),
        ({"mix": {"depth": 3}}, ["mix.depth", "duck_depth_db"]),
        ({"mixx": {"depth": 3}}, ["mixx", "separation"]),
        ({"delivery": {"audio_kbps": "loud"}}, ["delivery.audio_kbps", "loud"]),
    ],
)
def test_a_refusal_names_setting_value_and_limits(layer: dict[str, dict[str, object]], words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        effective([layer])
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["mix: [", "- a\n- b", "mix: 3", "\udcff"])
def test_a_file_that_is_no_layer_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as caught:
        read_layer(path)
    assert "\n" not in str(caught.value)


def test_an_empty_file_is_an_empty_layer(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("")
    assert read_layer(path) == {}


def test_every_field_is_described() -> None:
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, Slice), name
        for inner, told in kind.model_fields.items():
            assert told.description, f"{name}.{inner}"


def test_every_number_is_bounded() -> None:
    for name, field in Settings.model_fields.items():
        for inner, told in field.annotation.model_fields.items():  # type: ignore[union-attr]
            if told.annotation in (int, float, int | None):
                limits = {key for limit in told.metadata for key in ("ge", "le") if hasattr(limit, key)}
                assert limits == {"ge", "le"}, f"{name}.{inner}"


def test_the_digest_does_not_depend_on_the_order_of_fields() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_what_every_asset_reads_exists() -> None:
    for node in GRAPH.values():
        assert set(slice_values(Settings(), node.reads)) == set(node.reads)
