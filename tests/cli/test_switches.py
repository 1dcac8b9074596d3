"""Off means off: what each switch of the product leaves in the deliverable, in the cast and in the report."""

import pytest
from here import make_here
from switched import Switched

from octavia_dag.cli.sample import SPEECH_S, build
from octavia_dag.resources.media import Media
from octavia_dag.resources.probe import probe_video
from octavia_dag.schema import Casting, DuckedMix, QaReport

pytestmark = pytest.mark.operators

BEFORE_SPEECH = (0.8, SPEECH_S[0] - 0.6)  # music alone
BED = ("bed level in gaps", "bed correlation in gaps", "bed reduction under speech", "original words left in the bed")
OWN = ("voices apart", "lines in their own voice", "speakers heard as another voice class")


@pytest.fixture(scope="module")
def dubbed(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Switched:
    """The sample with every switch as it is by default."""
    folder = tmp_path_factory.mktemp("switches")
    build(folder / "sample.mp4", models_dir)
    switched = Switched(make_here(folder, models_dir), folder / "sample.mp4", folder)
    switched.dub({})
    return switched


def test_with_music_it_sounds_where_nobody_speaks(dubbed: Switched, media: Media) -> None:
    assert dubbed.level_dbfs(media, *BEFORE_SPEECH) > -60


def test_a_missing_personal_voice_is_told_and_the_dub_goes_on(dubbed: Switched) -> None:
    assert any("No personal voice is registered" in note for note in dubbed.read("casting", Casting).notes)


@pytest.fixture(scope="module")
def without_music(dubbed: Switched) -> tuple[Switched, set[str]]:
    """The dub without music, and which assets were made for it."""
    before = dubbed.made()
    dubbed.dub({"mix": {"keep_music": False}})
    after = dubbed.made()
    return dubbed, {name for name in after if after[name] != before[name]}


def test_without_music_it_is_silent_where_nobody_speaks(without_music: tuple[Switched, set[str]], media: Media) -> None:
    assert without_music[0].level_dbfs(media, *BEFORE_SPEECH) < -100


def test_without_music_only_what_hears_it_is_made_again(without_music: tuple[Switched, set[str]]) -> None:
    assert without_music[1] == {"ducked_mix", "final_mux", "qa_report"}


def test_without_music_the_dub_is_as_loud_as_the_original_speech(without_music: tuple[Switched, set[str]]) -> None:
    mixed = without_music[0].read("ducked_mix", DuckedMix)
    assert mixed.speech_lufs == pytest.approx(mixed.original_speech_lufs, abs=0.1)
    assert without_music[0].measure("dubbed speech against the original").ok


@pytest.mark.parametrize("name", BED)
def test_without_music_the_beds_promises_do_not_apply(without_music: tuple[Switched, set[str]], name: str) -> None:
    found = without_music[0].measure(name)
    assert (found.limit, found.value, found.note) == (
        "does not apply",
        None,
        "the background music is switched off",
    )


def test_without_music_silence_is_measured_instead(without_music: tuple[Switched, set[str]]) -> None:
    found = without_music[0].measure("sound in gaps")
    assert found.ok
    assert found.value is not None


def test_without_music_the_original_is_still_the_second_track(
    without_music: tuple[Switched, set[str]], media: Media
) -> None:
    assert len(probe_video(media, without_music[0].deliverable, "", 0).audio) == 2


@pytest.fixture(scope="module")
def one_voice(dubbed: Switched) -> Switched:
    dubbed.dub({"voices": {"own_voices": False}})
    return dubbed


def test_without_own_voices_everybody_has_one_and_the_same(one_voice: Switched) -> None:
    cast = one_voice.read("casting", Casting)
    assert len(cast.roles) == 2
    assert len({role.voice.id for role in cast.roles}) == 1
    assert any("everybody speaks with" in note for note in cast.notes)


def test_without_own_voices_one_voice_is_the_promise(one_voice: Switched) -> None:
    found = one_voice.measure("voices for speakers")
    assert (found.value, found.limit, found.ok) == (1.0, "1", True)


@pytest.mark.parametrize("name", OWN)
def test_without_own_voices_their_promises_do_not_apply(one_voice: Switched, name: str) -> None:
    found = one_voice.measure(name)
    assert found.limit == "does not apply"
    assert "switched off" in found.note


def test_without_own_voices_the_report_says_so_in_words(one_voice: Switched) -> None:
    assert any("switched off" in note for note in one_voice.read("qa_report", QaReport).notes)


def test_a_voice_chosen_for_the_main_speaker_is_everybodys(one_voice: Switched) -> None:
    one_voice.dub({"voices": {"own_voices": False, "cast": {one_voice.main: "fake_f1"}}})
    roles = one_voice.read("casting", Casting).roles
    assert {role.voice.id for role in roles} == {"fake_f1"}
