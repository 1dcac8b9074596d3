"""Makes the voice table: who the synthesizer can be, in each language, and how that sounds to the voiceprint.

    python bench/voice_table.py [--models DIR] [--cache FILE]

Writes octavia_dag/resources/embedded/voices.json. Each voice and each mixture (half the language's own style, half a
guest's of the same class) speaks two sentences; a transcriber hears them, so that only what is understood is cast; of
the mixtures the six of each class are kept that differ most from each other. The line that tells the classes apart is
learned from the synthesizer's own labelled voices (af_ is a woman, am_ a man), never from people.
"""

import argparse
import hashlib
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from voice_choice import Sample, chosen, separator

from octavia_dag.dubbing.pitch import median_pitch_hz
from octavia_dag.resources.embedded.synthesizer import KokoroSynthesizer
from octavia_dag.resources.embedded.voiceprint import Voiceprint, unit
from octavia_dag.resources.models import model_dir
from octavia_dag.schema import Voice, VoiceClass

RATE_HZ = 16000
TRIED = {"pt-BR": 10}  # guests per own voice; 6 where not named
TABLE = Path(__file__).parent.parent / "octavia_dag" / "resources" / "embedded" / "voices.json"
SENTENCES = {
    "pt-BR": (
        "Bom dia a todos, hoje vamos falar sobre a história desta cidade.",
        "Ela comprou três livros na loja e voltou para casa antes da chuva.",
    ),
    "es": (
        "Buenos días a todos, hoy vamos a hablar de la historia de esta ciudad.",
        "Ella compró tres libros en la tienda y volvió a casa antes de la lluvia.",
    ),
    "en": (
        "Good morning everyone, today we will talk about the history of this city.",
        "She bought three books at the shop and went home before the rain.",
    ),
    "fr": (
        "Bonjour à tous, aujourd'hui nous allons parler de l'histoire de cette ville.",
        "Elle a acheté trois livres au magasin et elle est rentrée avant la pluie.",
    ),
    "it": (
        "Buongiorno a tutti, oggi parleremo della storia di questa città.",
        "Lei ha comprato tre libri nel negozio ed è tornata a casa prima della pioggia.",
    ),
}
OWN = {"pt-BR": "p", "es": "e", "en": "ab", "fr": "f", "it": "i"}
# Guests of the mixtures, in the order they are tried: languages whose sounds are near first.
GUESTS: dict[VoiceClass, str] = {
    "female": "af_bella bf_emma ff_siwis if_sara ef_dora af_nicole af_sky bf_lily af_kore jf_alpha zf_xiaoyi hf_alpha "
    "af_river bf_isabella jf_nezumi zf_xiaobei",
    "male": "im_nicola am_onyx bm_george am_adam am_echo bm_lewis am_puck hm_omega zm_yunjian jm_kumo am_fenrir "
    "bm_fable am_santa zm_yunyang hm_psi bm_daniel",
}


class Studio:
    """Speaks, hears and measures; keeps what it measured in a file, since an hour of work is in it."""

    def __init__(self, models: str, cache: Path) -> None:
        from faster_whisper import WhisperModel

        self.synthesizer = KokoroSynthesizer(models_dir=models)
        self.voiceprint = Voiceprint(models, threads=1)
        self.ear = WhisperModel(
            str(model_dir(models, "whisper-base")), device="cpu", compute_type="int8", cpu_threads=1
        )
        self.cache = cache
        self.known: dict[tuple[str, str], Sample] = pickle.loads(cache.read_bytes()) if cache.exists() else {}  # noqa: S301

    def sample(self, voice: Voice, language: str) -> Sample:
        """Measures one voice, once."""
        key = (voice.id, language)
        if key not in self.known:
            self.known[key] = self._measure(voice, language)
            self.cache.write_bytes(pickle.dumps(dict(self.known)))
        return self.known[key]

    def _measure(self, voice: Voice, language: str) -> Sample:
        import jiwer
        import soxr

        sounds = [
            soxr.resample(self.synthesizer.speak(text, voice, language, 1.0), self.synthesizer.rate_hz, RATE_HZ)
            for text in SENTENCES[language]
        ]
        heard = [
            " ".join(s.text for s in self.ear.transcribe(sound, language=language[:2], beam_size=1)[0])
            for sound in sounds
        ]
        wer = float(jiwer.wer([plain(text) for text in SENTENCES[language]], [plain(text) for text in heard]))
        whole = np.concatenate([spoken(sound) for sound in sounds])
        return Sample(voice, self.voiceprint.embed(whole), median_pitch_hz(whole, RATE_HZ), wer)


def main() -> None:
    """Measures everything, chooses, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=str(Path.home() / ".octavia" / "models"))
    parser.add_argument("--cache", type=Path, default=Path("voice_table.cache"))
    arguments = parser.parse_args()
    studio = Studio(arguments.models, arguments.cache)
    own_voices = {language: samples(studio, pure(arguments.models, language), language) for language in SENTENCES}
    cast = {
        language: (own_voices[language], samples(studio, mixed(arguments.models, language), language))
        for language in SENTENCES
    }
    everyone = [sample for pures in own_voices.values() for sample in pures]
    judge = separator(everyone)
    table: dict[str, Any] = {
        "revisions": {
            name: sha(Path(arguments.models) / path)
            for name, path in (("kokoro", "kokoro/model.onnx"), ("dvector", "dvector/embedder.int8.onnx"))
        },
        "classifier": judge,
        "languages": {
            language: [row(s) for s in [*pures, *chosen(pures, mixtures, judge)]]
            for language, (pures, mixtures) in cast.items()
        },
    }
    TABLE.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="utf-8")
    report(table)


def pure(models: str, language: str) -> list[Voice]:
    """The language's own voices."""
    names = own(models, language)
    return [Voice(id=name, styles=((name, 1.0),), voice_class=class_of(name)) for name in names]


def mixed(models: str, language: str) -> list[Voice]:
    """Half one of the language's own, half a guest of the same class; a class without an own voice has none."""
    if language == "en":
        return []  # 28 voices of its own
    return [
        Voice(id=f"{name}+{guest}", styles=((name, 0.5), (guest, 0.5)), voice_class=class_of(name))
        for name in own(models, language)
        for guest in GUESTS[class_of(name)].split()[: TRIED.get(language, 6)]
        if guest != name
    ]


def own(models: str, language: str) -> list[str]:
    """Names of the language's own voices, by the synthesizer's naming: language letter, class letter."""
    names = sorted(path.stem for path in model_dir(models, "kokoro-voices").glob("*.bin"))
    return [name for name in names if name[0] in OWN[language]]


def class_of(name: str) -> VoiceClass:
    """The class that a voice's name states."""
    return "female" if name[1] == "f" else "male"


def samples(studio: Studio, voices: list[Voice], language: str) -> list[Sample]:
    """Measures `voices`, two side by side."""
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(studio.sample, voices, [language] * len(voices)))
    print(language, len(found), flush=True)  # noqa: T201
    return found


def row(sample: Sample) -> dict[str, Any]:
    """One voice as the table keeps it."""
    return {
        "id": sample.voice.id,
        "styles": dict(sample.voice.styles),
        "class": sample.voice.voice_class,
        "pitch_hz": round(sample.pitch_hz, 1),
        "wer": round(sample.wer, 3),
        "embedding": [round(float(value), 4) for value in unit(sample.embedding)],
    }


def spoken(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """`sound` without the silence at its ends (40 dB below its peak)."""
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * 0.01)
    return sound[loud[0] : loud[-1] + 1]


def plain(text: str) -> str:
    """Lower case letters and digits only."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def sha(path: Path) -> str:
    """First 16 digits of a file's sha256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def report(table: dict[str, Any]) -> None:
    """Prints, per language and class, the voices and the most alike pair."""
    for language, rows in table["languages"].items():
        for kind in ("female", "male"):
            mine = [r for r in rows if r["class"] == kind]
            vectors = np.array([r["embedding"] for r in mine])
            most = float(np.max(vectors @ vectors.T - 2 * np.eye(len(mine)))) if len(mine) > 1 else 0.0
            names = [(r["id"], r["pitch_hz"], r["wer"]) for r in mine]
            print(language, kind, len(mine), f"most alike {most:.2f}", names)  # noqa: T201


if __name__ == "__main__":
    main()
