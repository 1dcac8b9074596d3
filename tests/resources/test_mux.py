"""At risk: a deliverable with another picture, another length, a dub out of time, or something of the source lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mux_studio import CLICKS, LINES, SECONDS, TEXTS, Studio

from octavia_dag.errors import InputError, MediaError
from octavia_dag.resources.media import Media
from octavia_dag.resources.mux import mux, packet_md5
from octavia_dag.schema import FinalMux
from octavia_dag.settings import Delivery

CONTAINERS = ("mp4", "mov", "mkv", "webm", "ts")
TEXT_CODEC = {"mp4": "mov_text", "mov": "mov_text", "mkv": "subrip", "webm": "webvtt"}


@pytest.fixture
def studio(tmp_path: Path, models_dir: str) -> Studio:
    return Studio(tmp_path, Media(models_dir=models_dir))


@pytest.fixture(scope="module")
def delivered(
    tmp_path_factory: pytest.TempPathFactory, models_dir: str
) -> Callable[[str], tuple[Studio, Path, FinalMux]]:
    """One plain source per container, dubbed once for all tests that only look at the result."""
    made: dict[str, tuple[Studio, Path, FinalMux]] = {}

    def get(container: str) -> tuple[Studio, Path, FinalMux]:
        if container not in made:
            studio = Studio(tmp_path_factory.mktemp(container), Media(models_dir=models_dir))
            source = studio.source(f"plain.{container}")
            made[container] = (studio, source, studio.dub(source))
        return made[container]

    return get


Delivered = Callable[[str], tuple[Studio, Path, FinalMux]]


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_picture_is_the_same_packets(delivered: Delivered, container: str) -> None:
    studio, source, final = delivered(container)
    assert packet_md5(studio.media, studio.out / final.video) == packet_md5(studio.media, source)


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_original_sound_is_the_same_packets_behind_the_dub(delivered: Delivered, container: str) -> None:
    studio, source, final = delivered(container)
    assert packet_md5(studio.media, studio.out / final.video, "a:1") == packet_md5(studio.media, source, "a:0")


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_length_is_the_sources(delivered: Delivered, container: str) -> None:
    studio, source, final = delivered(container)
    assert final.seconds == pytest.approx(studio.probed(source).seconds, abs=0.022)


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_dub_is_in_time_with_the_picture(delivered: Delivered, container: str) -> None:
    studio, source, final = delivered(container)
    picture_s = studio.picture_start_s(source)
    heard = studio.heard_after_picture_s(studio.out / final.video)
    assert heard == pytest.approx([time - picture_s for time in CLICKS], abs=0.005)


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_dub_is_tagged_and_comes_first(delivered: Delivered, container: str) -> None:
    studio, _, final = delivered(container)
    dub, original = studio.streams(studio.out / final.video, "audio")
    assert dub["tags"]["language"] == "por"
    assert final.language_tag == "pt-BR"
    assert original["disposition"]["default"] == 0
    # A transport stream has no such flag: there the first one is played.
    assert dub["disposition"]["default"] == (0 if container == "ts" else 1)


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_subtitles_are_in_the_containers_own_codec(delivered: Delivered, container: str) -> None:
    studio, _, final = delivered(container)
    found = [
        (one["codec_name"], one["tags"]["language"]) for one in studio.streams(studio.out / final.video, "subtitle")
    ]
    assert found == ([] if container == "ts" else [(TEXT_CODEC[container], "por")])
    assert any("only beside it" in note for note in final.notes) == (container == "ts")
    assert "tudo bem" in (studio.out / (final.srt or "")).read_text(encoding="utf-8")
    assert (studio.out / (final.vtt or "")).read_text(encoding="utf-8").startswith("WEBVTT")


def test_nothing_but_the_deliverables_is_left_behind(delivered: Delivered) -> None:
    studio, _, _ = delivered("mp4")
    assert sorted(one.name for one in studio.out.iterdir()) == ["deliverable.mp4", "deliverable.srt", "deliverable.vtt"]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("late", ["picture", "sound"])
def test_a_stream_that_starts_late_leaves_the_dub_in_time(studio: Studio, container: str, late: str) -> None:
    late_s = {"picture": (0.3, 0.0), "sound": (0.0, 0.3)}[late]
    source = studio.source(f"late.{container}", picture_late_s=late_s[0], sound_late_s=late_s[1])
    final = studio.dub(source)
    known = studio.probed(source)
    picture_s = studio.picture_start_s(source)
    assert picture_s == pytest.approx(late_s[0], abs=0.05)
    heard = studio.heard_after_picture_s(studio.out / final.video)
    assert heard == pytest.approx([time - picture_s for time in CLICKS], abs=0.005)
    assert final.seconds == pytest.approx(known.seconds, abs=0.022)


def test_without_a_dub_the_source_is_handed_on_byte_by_byte(studio: Studio) -> None:
    path = studio.source("plain.mkv")
    final = mux(studio.media, source_path=path, source=studio.probed(path), audio=None, lines=(), texts={},
                language="pt-BR", delivery=Delivery(), out_dir=studio.out)  # fmt: skip
    assert final.untouched
    assert (studio.out / final.video).read_bytes() == path.read_bytes()


def test_a_container_that_takes_no_dub_is_refused_by_name(studio: Studio) -> None:
    path = studio.source("old.avi", codecs={"c:v": "mpeg4", "c:a": "mp3"})
    with pytest.raises(InputError, match="avi"):
        studio.dub(path)


def test_a_failed_mux_leaves_no_deliverable(studio: Studio) -> None:
    path = studio.source("plain.mp4")
    source = studio.probed(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(MediaError):
        mux(studio.media, source_path=path, source=source, audio=studio.clicks(SECONDS), lines=LINES, texts=TEXTS,
            language="pt-BR", delivery=Delivery(), out_dir=studio.out)  # fmt: skip
    assert not [one for one in studio.out.iterdir() if one.suffix not in {".srt", ".vtt"}]


def test_a_real_recording_keeps_picture_length_and_subtitles(studio: Studio, media_dir: Path) -> None:
    path = media_dir / "dialogue" / "dialogue.mp4"
    final = studio.dub(path)
    out = studio.out / final.video
    assert packet_md5(studio.media, out) == packet_md5(studio.media, path)
    assert final.seconds == pytest.approx(studio.probed(path).seconds, abs=0.022)
    assert [one["tags"]["language"] for one in studio.streams(out, "subtitle")] == ["eng", "por"]


def test_names_with_a_colon_are_muxed_from_where_one_stands(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    source = studio.source("plain.mkv")
    source.rename(studio.folder / "talk: part.mkv")
    (studio.folder / "out: two").mkdir()
    monkeypatch.chdir(studio.folder)
    studio.folder, studio.out = Path(), Path("out: two")
    final = studio.dub(Path("talk: part.mkv"))
    assert studio.probed(studio.out / final.video).seconds == pytest.approx(SECONDS, abs=0.03)
