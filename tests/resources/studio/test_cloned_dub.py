"""At risk: a cloned voice that lies on disk in the clear, is kept after delivery, or is gone when a line is edited.

The command as it is run, with XTTS on tiny weights and fakes for what is not a voice.
"""

import csv
import time
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import pytest
import soundfile
import yaml
from finished import Dub
from octavia_command import Octavia, make_octavia
from octavia_fakes import ENGINES
from private_search import Needle, needles, search
from sealing import sealed
from tiny_xtts import shrink, tiny_xtts

from octavia_dag.assets.private import PAYLOAD
from octavia_dag.cli.sample import RECORDING
from octavia_dag.dubbing.voices import reference_segments
from octavia_dag.resources.media import Media
from octavia_dag.resources.models import model_dir
from octavia_dag.resources.sound import info, read_mono
from octavia_dag.resources.studio.voice_cloner import XttsCloner, unpacked
from octavia_dag.schema import Casting, DubbedChunks, SpeakerMap, Stems

pytestmark = pytest.mark.studio

TO = "pt-BR"


class Bench:
    """One video on one installation whose voices are XTTS's."""

    def __init__(self, folder: Path, models_dir: str) -> None:
        shrink()
        self.octavia: Octavia = make_octavia(folder / "octavia", models_dir)
        self.weights = sealed(tiny_xtts(folder / "xtts", stop_bias=0.5))
        self.video, self.settings = folder / "talk.mp4", folder / "settings.yaml"
        self.folder = folder
        self.dub = Dub(self.octavia, self.video, Path(), {})
        told = {"weights": self.weights}
        engines: dict[str, Any] = {
            **ENGINES,
            "voices": {"engine": "tiny_people:TinyCloner", "options": told},
            "synthesis": {"engine": "tiny_people:TinySynthesizer", "options": told},
        }
        self.settings.write_text(yaml.safe_dump(engines))
        _make(self.video, folder, models_dir)

    @property
    def arguments(self) -> tuple[Any, ...]:
        return ("dub", self.video, "--to", TO, "--out", self.folder / "out", "--settings", self.settings)

    def run(self) -> None:
        done = self.octavia(*self.arguments)
        assert done.returncode == 0, done.stderr

    def edit_first(self) -> None:
        path = self.folder / "table.csv"
        assert self.octavia("review", "export", self.video, "--to", TO, "--out", path).returncode == 0
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        rows[0]["translation"] = "Outra coisa."
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        done = self.octavia("review", "import", path, "--video", self.video, "--to", TO)
        assert done.returncode == 0, done.stderr

    def private(self) -> list[Needle]:
        """Everything of the speakers that must not be found: sounds, embeddings, and what XTTS speaks from."""
        cloner = XttsCloner(models_dir=self.octavia.models_dir, weights=self.weights, device="cpu")
        found = needles(self.dub, cloner)
        people, stems = self.dub.read("speaker_map", SpeakerMap), self.dub.artifact("stems")
        heard = read_mono(stems.file(self.dub.read("stems", Stems).clean_vocals or ""), 16000)
        for one in people.speakers:
            segments = reference_segments(people.turns, people.overlaps, one.id, seconds=30.0 * cloner.choice)
            _, *arrays = unpacked(cloner.profile(one.id, heard, segments).clone)
            found += [Needle(f"clone of {one.id}", array.tobytes()[400:464]) for array in arrays]
        return found


def _make(video: Path, folder: Path, models_dir: str) -> None:
    """Two seconds of silence, six of a real recording."""
    path = model_dir(models_dir, "sample-speech") / RECORDING
    rate = info(path).rate
    sound = read_mono(path, rate, start_s=1.0, seconds=6.0) * np.float32(4.0)
    soundfile.write(folder / "speech.wav", np.concatenate([np.zeros(2 * rate, np.float32), sound]), rate)
    picture = ffmpeg.input("testsrc2=size=160x120:rate=25:duration=8", f="lavfi").video
    layout = {"vcodec": "libx264", "pix_fmt": "yuv420p", "acodec": "aac", "ac": 2, "ar": 48000}
    spoken = ffmpeg.input(str(folder / "speech.wav")).audio
    Media(models_dir=models_dir).run(ffmpeg.output(picture, spoken, str(video), **layout), "Making a video")
    (folder / "speech.wav").unlink()


@pytest.fixture(scope="module")
def seen(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, list[Needle], list[str], bool]:
    """A finished dub, what is private in it, what of that was found while it ran, and whether the payload lay there."""
    bench = Bench(tmp_path_factory.mktemp("cloned"), models_dir)
    bench.octavia.tell_fakes({"TinySynthesizer": {"block_at": 2}})
    with bench.octavia.start(*bench.arguments) as process:
        end = time.monotonic() + 280
        while bench.octavia.calls("TinySynthesizer") < 2:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.2)
        private = bench.private()
        during = search(bench.octavia.home, private)
        payload = bool(list(bench.octavia.home.rglob(PAYLOAD)))
        process.terminate()
        process.communicate(timeout=60)
    bench.octavia.tell_fakes({})
    bench.run()
    return bench, private, during, payload


def test_no_voice_lies_in_the_clear_while_lines_are_spoken_from_it(
    seen: tuple[Bench, list[Needle], list[str], bool],
) -> None:
    _, private, during, payload = seen
    assert sum(one.what.startswith("clone of") for one in private) == 4, "two people, latents and timbre"
    assert payload, "the sealed profiles were there"
    assert during == []


def test_the_search_would_find_a_clone(seen: tuple[Bench, list[Needle], list[str], bool], tmp_path: Path) -> None:
    clones = [one for one in seen[1] if one.what.startswith("clone of")]
    (tmp_path / "planted").write_bytes(b"before" + clones[0].content + b"after")
    assert search(tmp_path, clones) == [f"{clones[0].what} in planted"]


def test_after_delivery_the_voices_are_gone_and_everybody_spoke_in_their_own(
    seen: tuple[Bench, list[Needle], list[str], bool],
) -> None:
    bench, private, _, _ = seen
    assert not list(bench.octavia.home.rglob(PAYLOAD))
    assert bench.dub.artifact("voice_profiles").manifest.deleted == (PAYLOAD,)
    assert search(bench.octavia.home, private) == []
    cast = bench.dub.read("casting", Casting, TO)
    assert cast.cloned
    spoken = bench.dub.read("dubbed_chunks", DubbedChunks, TO)
    assert {line.voice for line in spoken.lines} == {role.voice.id for role in cast.roles}
    assert spoken.rate_hz == 24000


def test_an_edited_line_derives_the_voices_again_in_memory_and_speaks_that_line_alone(
    seen: tuple[Bench, list[Needle], list[str], bool],
) -> None:
    bench, private, _, _ = seen
    version = bench.dub.artifact("voice_profiles").manifest.data_version
    lines = len(bench.dub.read("dubbed_chunks", DubbedChunks, TO).lines)
    bench.edit_first()
    bench.run()
    counts = bench.dub.artifact("dubbed_chunks", TO).manifest.counts
    assert counts["voice_profiles_rederived"] == 1
    assert (counts["spoken_now"], counts["taken_from_store"]) == (1, lines - 1)
    assert bench.dub.artifact("voice_profiles").manifest.data_version == version
    assert not list(bench.octavia.home.rglob(PAYLOAD))
    assert search(bench.octavia.home, private) == []
