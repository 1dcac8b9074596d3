"""At risk: that the report hears the bed where it means to hear the dub alone."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from octavia_dag.resources.inspection import dubbed_lufs, original_lufs
from octavia_dag.resources.media import Media
from octavia_dag.schema import Span

RATE = 48000
SPEAKS = [Span(start=1.0, end=4.0)]


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("louder_db", [0.0, 4.0])
def test_the_dub_is_heard_without_the_bed_under_it(
    channels: int, louder_db: float, tmp_path: Path, models_dir: str
) -> None:
    chance = np.random.default_rng(7)
    bed = chance.normal(0, 0.1, (5 * RATE, channels))
    voice = np.zeros_like(bed)
    voice[RATE : 4 * RATE] = chance.normal(0, 0.05, (3 * RATE, channels))
    sounds = {"mix": bed + voice * 10 ** (louder_db / 20), "bed": bed, "vocals": voice}
    for name, sound in sounds.items():
        soundfile.write(tmp_path / f"{name}.flac", sound, RATE)
    mix, alone, vocals = (tmp_path / f"{name}.flac" for name in sounds)
    media = Media(models_dir=models_dir)
    dub, original = dubbed_lufs(media, mix, alone, SPEAKS), original_lufs(media, vocals, SPEAKS)
    assert dub is not None
    assert original is not None
    assert dub - original == pytest.approx(louder_db, abs=0.1)
