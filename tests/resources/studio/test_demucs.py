"""At risk: seams between windows, a bed that is late or of another level, memory, and scratch that stays behind."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from separator_contract import SeparatorContract, background_of, bed, in_blocks
from tiny_demucs import BED, demucs_folder, sealed_demucs

from octavia_dag.errors import EngineError, ModelError
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.stopwatch import intervals
from octavia_dag.resources.studio import engine, htdemucs, residency
from octavia_dag.resources.studio.htdemucs import Network
from octavia_dag.resources.studio.separator import DemucsSeparator
from octavia_dag.resources.weights import seal

pytestmark = pytest.mark.studio

RATE_HZ = htdemucs.RATE_HZ


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demucs")


@pytest.fixture(scope="module")
def separator(folder: Path) -> DemucsSeparator:
    """A sound let through at a known share, in windows of a second."""
    weights = sealed_demucs(folder / "through", weights="through", segment=Fraction(1))
    return DemucsSeparator(models_dir=str(folder), weights=weights)


@pytest.fixture(scope="module")
def noisy(folder: Path) -> DemucsSeparator:
    """Random weights: every sample of the bed depends on the whole window, and is the network's."""
    weights = sealed_demucs(folder / "noise", segment=Fraction(1))
    return DemucsSeparator(models_dir=str(folder), weights=weights, gaps=False)


@pytest.fixture(scope="module")
def through(separator: DemucsSeparator) -> DemucsSeparator:
    """The bed is the known share everywhere."""
    return told(separator, gaps=False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many windows the network was asked for, each time."""
    sizes: list[int] = []
    real = Network.beds

    def counted(network: Network, windows: Sequence[Samples]) -> list[Samples]:
        sizes.append(len(windows))
        return real(network, windows)

    monkeypatch.setattr(Network, "beds", counted)
    return sizes


def told(separator: DemucsSeparator, **options: Any) -> DemucsSeparator:
    """The same weights with other options."""
    kept: dict[str, Any] = {"gaps": separator.gaps, **options}
    return DemucsSeparator(models_dir=separator.models_dir, weights=separator.weights, **kept)


def whole(folder: Path, sound: Samples) -> Samples:
    """The bed as Demucs' own library makes it of a whole file, the sound's mean counted once and not in every stem."""
    import torch
    from demucs.api import Separator

    library = Separator("htdemucs_6s", repo=folder, device="cpu", shifts=0, overlap=0.25, progress=False)
    _, stems = library.separate_tensor(torch.from_numpy(sound.T.copy()), RATE_HZ)
    others = torch.stack([stem for name, stem in stems.items() if name != "vocals"]).sum(dim=0)
    return (others - 4 * float(sound.mean())).numpy().T


class TestDemucsSeparator(SeparatorContract):
    """The contract, on the real class."""


@pytest.mark.parametrize(("segment", "seconds"), [("1", 0.4), ("1", 1.0), ("1", 1.02), ("1", 4.9), ("39/5", 9.0)])
def test_window_by_window_is_as_the_library_separates_the_whole_file(
    tmp_path: Path, segment: str, seconds: float
) -> None:
    weights = sealed_demucs(tmp_path / "weights", form="th", segment=Fraction(segment))
    separator = DemucsSeparator(models_dir=str(tmp_path), weights=weights, batch=2, gaps=False)
    loudness = np.linspace(0.1, 3, int(seconds * RATE_HZ), dtype=np.float32)[:, np.newaxis]
    sound = bed(seconds, RATE_HZ, 2) * loudness + np.float32(0.01)
    made = background_of(separator, sound, RATE_HZ)
    np.testing.assert_allclose(made, whole(Path(weights), sound), rtol=0, atol=1e-5)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize(("rate", "frames"), [(48_000, 6), (48_000, 31), (88_200, 7), (192_000, 2), (192_000, 7)])
def test_a_sample_lost_or_gained_in_resampling_is_made_up_for(
    separator: DemucsSeparator, rate: int, frames: int, gaps: bool
) -> None:
    sound = bed(0.1, rate, 2)[:frames]
    assert background_of(told(separator, gaps=gaps), sound, rate).shape == sound.shape


def test_the_bed_is_the_other_five_stems_and_in_place(through: DemucsSeparator) -> None:
    sound = bed(2.5, RATE_HZ, 2)
    np.testing.assert_allclose(background_of(through, sound, RATE_HZ), BED * sound, rtol=0, atol=1e-3)


def test_outside_speech_the_background_is_the_programme_and_within_it_what_the_network_left(
    noisy: DemucsSeparator, media_dir: Path
) -> None:
    """Two lines over music, 0.3 to 2.8 s and 3.7 to 4.6 s, then a third up to 7.6 s, and music alone."""
    sound, rate = soundfile.read(media_dir / "dialogue" / "mix.flac", dtype="float32", start=25 * 48_000)
    mix: Samples = soxr.resample(sound, rate, RATE_HZ)
    left, made = (background_of(told(noisy, gaps=gaps), mix, RATE_HZ) for gaps in (False, True))
    spoken, alone = slice(0, int(7.6 * RATE_HZ)), slice(int(9 * RATE_HZ), None)
    np.testing.assert_allclose(made[spoken], left[spoken], rtol=0, atol=1e-6)
    np.testing.assert_allclose(made[alone], mix[alone], rtol=0, atol=1e-3)
    assert np.abs(left[alone] - mix[alone]).max() > 0.01


@pytest.mark.parametrize("rate", [RATE_HZ, 48_000])
def test_a_programme_without_speech_comes_back_whole(separator: DemucsSeparator, rate: int) -> None:
    sound = bed(2.5, rate, 2)
    np.testing.assert_array_equal(background_of(separator, sound, rate), sound)


def test_both_forms_of_the_weights_make_the_same_bed(tmp_path: Path) -> None:
    sound = bed(1.2, RATE_HZ, 2)
    forms = [sealed_demucs(tmp_path / form, form=form, segment=Fraction(1)) for form in ("th", "safetensors")]
    th, tensors = (DemucsSeparator(models_dir=str(tmp_path), weights=one, gaps=False) for one in forms)
    np.testing.assert_array_equal(background_of(th, sound, RATE_HZ), background_of(tensors, sound, RATE_HZ))


def test_equal_sounds_have_equal_beds(noisy: DemucsSeparator) -> None:
    sound = bed(1.5, RATE_HZ, 2)
    np.testing.assert_array_equal(background_of(noisy, sound, RATE_HZ), background_of(noisy, sound, RATE_HZ))


@pytest.mark.parametrize("channels", [1, 3, 5, 6, 7, 8])
def test_every_channel_but_the_lfe_loses_its_voice(through: DemucsSeparator, channels: int) -> None:
    sound = bed(0.8, RATE_HZ, channels)
    expected = BED * sound
    if channels in (6, 7, 8):
        expected[:, 3] = sound[:, 3]
    np.testing.assert_allclose(background_of(through, sound, RATE_HZ), expected, rtol=0, atol=1e-3)


def test_a_pair_is_heard_together_and_apart_from_the_others(noisy: DemucsSeparator) -> None:
    sound = bed(0.9, RATE_HZ, 5)
    made = background_of(noisy, sound, RATE_HZ)
    other = sound.copy()
    other[:, 1] *= 0.5
    changed = np.abs(background_of(noisy, other, RATE_HZ) - made).max(axis=0) > 1e-4
    assert changed.tolist() == [True, True, False, False, False]


def test_as_many_windows_as_asked_for_are_heard_at_once(noisy: DemucsSeparator, asked: list[int]) -> None:
    sound = bed(4.3, RATE_HZ, 2)  # six windows of a second, one every 0.75 s
    alone = background_of(told(noisy, batch=1), sound, RATE_HZ)
    assert asked == [1] * 6
    asked.clear()
    together = background_of(told(noisy, batch=4), sound, RATE_HZ)
    assert asked == [4, 2]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)


def test_a_window_in_which_nothing_sounds_costs_nothing(noisy: DemucsSeparator, asked: list[int]) -> None:
    sound = bed(7.0, RATE_HZ, 2)
    sound[RATE_HZ : 6 * RATE_HZ] = 0
    made = background_of(told(noisy, batch=4), sound, RATE_HZ)
    assert sum(asked) == 5  # of ten
    assert not made[2 * RATE_HZ : 5 * RATE_HZ].any()
    assert made[: RATE_HZ // 2].any()


def out_of_memory() -> Exception:
    import torch

    return torch.OutOfMemoryError("CUDA out of memory")


def test_memory_that_gives_out_halves_the_batch_for_good(
    noisy: DemucsSeparator, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = bed(7.0, RATE_HZ, 2)
    expected = background_of(told(noisy, batch=2), sound, RATE_HZ)
    counted = Network.beds

    def narrow(network: Network, windows: Sequence[Samples]) -> list[Samples]:
        made = counted(network, windows)
        if len(windows) > 2:
            raise out_of_memory()
        return made

    monkeypatch.setattr(Network, "beds", narrow)
    asked.clear()
    made = background_of(told(noisy, batch=4), sound, RATE_HZ)
    assert asked == [4, 2, 2, 2, 2, 2]
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-6)


def test_a_single_window_that_does_not_fit_is_an_engine_error(
    noisy: DemucsSeparator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(network: Network, windows: Sequence[Samples]) -> list[Samples]:
        raise out_of_memory()

    monkeypatch.setattr(Network, "beds", full)
    with pytest.raises(EngineError, match=r"Separating: memory of the device gave out .* larger card"):
        background_of(told(noisy, cpu_fallback=True), bed(0.5, RATE_HZ, 2), RATE_HZ)


def a_card(monkeypatch: pytest.MonkeyPatch, capacity: int | None) -> None:
    """A card of so many bytes, as far as the engine can see; what computes is the CPU."""
    real = htdemucs.load
    monkeypatch.setattr(htdemucs, "load", lambda folder, _: real(folder, "cpu"))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    monkeypatch.setattr(engine, "device_of", lambda asked: asked or "cuda")  # pyright: ignore[reportUnknownLambdaType]
    monkeypatch.setitem(residency._ALL, "cuda", residency.Residents(capacity))  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(("gib", "windows"), [(4, 4), (1, 1)])
def test_a_small_card_is_given_as_many_windows_as_fit_beside_the_network(
    noisy: DemucsSeparator, asked: list[int], monkeypatch: pytest.MonkeyPatch, gib: int, windows: int
) -> None:
    sound = bed(7.0, RATE_HZ, 2)
    expected = background_of(noisy, sound, RATE_HZ)
    asked.clear()
    a_card(monkeypatch, gib * residency.GIB)
    made = background_of(noisy, sound, RATE_HZ)
    assert max(asked) == windows
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-6)


def test_a_network_that_the_card_cannot_hold_is_a_sentence_or_computes_on_the_cpu_where_it_may(
    noisy: DemucsSeparator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = bed(1.5, RATE_HZ, 2)
    expected = background_of(noisy, sound, RATE_HZ)
    real = htdemucs.load
    a_card(monkeypatch, None)

    def load(folder: Path, device: str) -> Network:
        if device == "cuda":
            raise out_of_memory()
        return real(folder, device)

    monkeypatch.setattr(htdemucs, "load", load)
    with pytest.raises(EngineError, match=r"Loading DemucsSeparator .* memory of the device gave out"):
        background_of(noisy, sound, RATE_HZ)
    np.testing.assert_array_equal(background_of(told(noisy, cpu_fallback=True), sound, RATE_HZ), expected)


def test_the_cpu_helps_out_only_where_it_may(noisy: DemucsSeparator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that holds the network and nothing else, as far as the engine can see."""
    sound = bed(1.5, RATE_HZ, 2)
    expected = background_of(noisy, sound, RATE_HZ)
    real_load, real_beds = htdemucs.load, Network.beds

    def load(folder: Path, device: str) -> Network:
        return replace(real_load(folder, "cpu"), device=device)

    def beds(network: Network, windows: Sequence[Samples]) -> list[Samples]:
        if network.device != "cpu":
            raise out_of_memory()
        return real_beds(network, windows)

    a_card(monkeypatch, None)
    monkeypatch.setattr(htdemucs, "load", load)
    monkeypatch.setattr(Network, "beds", beds)
    with pytest.raises(EngineError, match="gave out"):
        background_of(noisy, sound, RATE_HZ)
    np.testing.assert_array_equal(background_of(told(noisy, cpu_fallback=True), sound, RATE_HZ), expected)


def _files_without_a_name() -> int:
    found = 0
    for one in Path("/proc/self/fd").iterdir():
        try:
            found += str(one.readlink()).endswith("(deleted)")
        except OSError:  # the descriptor that listed the folder
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="a process's open files are read from /proc")
@pytest.mark.parametrize(("gaps", "files"), [(False, 1), (True, 3)])
def test_scratch_has_no_name_and_goes_when_the_reader_stops_or_the_source_breaks(
    separator: DemucsSeparator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gaps: bool, files: int
) -> None:
    separator = told(separator, gaps=gaps)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = _files_without_a_name()
    blocks = separator.background(in_blocks(bed(3.0, RATE_HZ, 2), 4096), RATE_HZ)
    next(blocks)
    assert os.listdir(tmp_path) == []
    assert _files_without_a_name() == before + files
    blocks.close()  # type: ignore[attr-defined]
    assert _files_without_a_name() == before

    def broken() -> Iterator[Samples]:
        yield bed(0.5, RATE_HZ, 2)
        raise EngineError("the source broke off")

    with pytest.raises(EngineError, match="broke off"):
        next(separator.background(broken(), RATE_HZ))
    assert _files_without_a_name() == before


def test_weights_that_are_not_there_are_named_with_the_remedy(tmp_path: Path) -> None:
    absent = DemucsSeparator(models_dir=str(tmp_path))
    assert "absent" in absent.info().revision
    with pytest.raises(ModelError, match="octavia models pull adefossez/HTDemucs-6s@main"):
        background_of(absent, bed(0.5, RATE_HZ, 1), RATE_HZ)


def test_weights_of_another_hash_are_refused(separator: DemucsSeparator) -> None:
    other = DemucsSeparator(models_dir=separator.models_dir, weights=f"{separator.weights}#sha256={'0' * 64}")
    with pytest.raises(ModelError, match="was asked for"):
        background_of(other, bed(0.5, RATE_HZ, 1), RATE_HZ)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sound_that_holds_no_numbers_is_a_sentence(through: DemucsSeparator, value: float) -> None:
    sound = bed(0.5, RATE_HZ, 2)
    sound[1000, 1] = value
    with pytest.raises(EngineError, match="values that are no numbers or infinite; mend the audio"):
        background_of(through, sound, RATE_HZ)


def test_weights_that_nobody_sealed_are_never_heard_hidden_or_not(tmp_path: Path) -> None:
    """By name they come before the sealed ones, and a loader takes the first."""
    weights = sealed_demucs(tmp_path / "sealed", weights="through", segment=Fraction(1))
    [others] = demucs_folder(tmp_path / "others", segment=Fraction(1)).glob("*.safetensors")
    sound = bed(0.5, RATE_HZ, 2)
    shutil.copy(others, Path(weights) / ".000.safetensors")
    told = DemucsSeparator(models_dir=str(tmp_path), weights=weights, gaps=False)
    np.testing.assert_allclose(background_of(told, sound, RATE_HZ), BED * sound, rtol=0, atol=1e-4)
    (Path(weights) / ".000.safetensors").rename(Path(weights) / "000.safetensors")
    residency.residents("cpu").drop_idle()
    with pytest.raises(ModelError, match=r"000\.safetensors, which was not sealed"):
        background_of(told, sound, RATE_HZ)


def test_weights_sealed_anew_under_the_same_reference_are_what_is_heard(tmp_path: Path) -> None:
    weights = sealed_demucs(tmp_path / "weights", segment=Fraction(1))
    separator = DemucsSeparator(models_dir=str(tmp_path), weights=weights, gaps=False)
    sound, before = bed(0.5, RATE_HZ, 2), separator.info().revision
    background_of(separator, sound, RATE_HZ)
    sealed_demucs(tmp_path / "weights", weights="through", segment=Fraction(1))
    assert separator.info().revision != before
    np.testing.assert_allclose(background_of(separator, sound, RATE_HZ), BED * sound, rtol=0, atol=1e-4)


def test_a_folder_that_holds_something_else_is_named(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.mkdir()
    (words / "README.md").write_text("not weights")
    seal(words, str(words), "tiny")
    voiceless = ["drums", "bass", "other", "guitar", "piano", "strings"]
    for weights in (str(words), sealed_demucs(tmp_path / "stems", segment=Fraction(1), stems=voiceless)):
        separator = DemucsSeparator(models_dir=str(tmp_path), weights=weights)
        with pytest.raises(ModelError, match=f"Loading htdemucs_6s from {weights}: .*octavia models pull"):
            background_of(separator, bed(0.5, RATE_HZ, 1), RATE_HZ)


def test_its_revision_knows_the_weights_the_overlap_and_the_gaps_and_not_the_batch(
    separator: DemucsSeparator, noisy: DemucsSeparator
) -> None:
    mine = separator.info().revision
    assert told(separator, batch=7).info().revision == mine
    others = (noisy, told(noisy, gaps=True), told(separator, overlap=0.1), told(separator, gaps=False))
    assert len({mine, *(one.info().revision for one in others)}) == 5


def test_its_revision_knows_what_hears_speech_in_it_only_with_gaps(
    separator: DemucsSeparator, through: DemucsSeparator, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [one.info().revision for one in (separator, through)]
    monkeypatch.setattr("octavia_dag.resources.studio.separator.vad_revision", lambda: "another")
    after = [one.info().revision for one in (separator, through)]
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, False]


def test_its_work_is_seen_by_the_stopwatch(folder: Path) -> None:
    weights = sealed_demucs(folder / "timed", segment=Fraction(1))
    since = time.monotonic()
    background_of(DemucsSeparator(models_dir=str(folder), weights=weights), bed(0.5, 48_000, 1), 48_000)
    assert {one.kind for one in intervals(since)} == {"engine", "load"}
    assert {one.name for one in intervals(since) if one.kind == "engine"} == {"separator", "vad"}


PEAK = """
import sys
from separator_contract import bed
from octavia_dag.resources.studio.htdemucs import Network
from octavia_dag.resources.studio.separator import DemucsSeparator
from octavia_dag.resources.weights import seal

models_dir, weights, seconds, network, gaps = sys.argv[1:]
if network == "none":
    Network.beds = lambda self, windows: [window * 0.5 for window in windows]
sound = bed(1.0, 48_000, 2)
separator = DemucsSeparator(models_dir=models_dir, weights=weights, batch=2, gaps=gaps == "gaps")
for _ in separator.background((sound for _ in range(int(seconds))), 48_000):
    pass
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize(
    ("network", "gaps", "short_s", "long_s"), [("tiny", "", 6, 30), ("none", "", 60, 1200), ("none", "gaps", 60, 1200)]
)
def test_twenty_times_the_length_needs_no_more_memory(
    folder: Path, tmp_path: Path, network: str, gaps: str, short_s: int, long_s: int
) -> None:
    """The network's own memory over a few windows; everything else's over 1 and 20 minutes, in windows of 7.8 s."""
    segment = Fraction(1) if network == "tiny" else Fraction(39, 5)
    weights = sealed_demucs(tmp_path / "weights", segment=segment)
    tests = Path(__file__).parents[2]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests / n) for n in ("contracts", "fakes", "..")])}

    def peak(seconds: int) -> int:
        command = [sys.executable, "-c", PEAK, str(folder), weights, str(seconds), network, gaps]
        return int(subprocess.run(command, check=True, capture_output=True, text=True, env=paths).stdout)

    assert peak(long_s) < 1.1 * peak(short_s)
