"""A diarization pipeline as the hub serves it, with random weights that take a CPU no time: config, three parts."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml


def make_tiny_pipeline(folder: Path) -> Path:
    """Writes `folder`, laid out as pyannote/speaker-diarization-community-1 is; the same weights every time."""
    import torch
    from tiny_voice_net import TinyVoiceNet

    torch.manual_seed(5)
    segmentation = _segmentation()
    _write(segmentation, folder / "segmentation")
    embedding = TinyVoiceNet(sample_rate=16000, num_channels=1)
    embedding.specifications = _specifications(classes=[f"voice{number}" for number in range(4)], frames=False)
    _write(embedding, folder / "embedding")
    _write_plda(folder / "plda")
    write_config(folder)
    return folder


def write_config(folder: Path, name: str = "pyannote.audio.pipelines.SpeakerDiarization", **params: str) -> None:
    """The pipeline's configuration, with the values that community-1 was published with."""
    parts = {part: f"$model/{part}" for part in ("segmentation", "embedding", "plda")}
    told = {
        "dependencies": {"pyannote.audio": "4.0.0"},
        "pipeline": {
            "name": name,
            "params": {"clustering": "VBxClustering", "embedding_exclude_overlap": True, **parts, **params},
        },
        "params": {
            "clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
            "segmentation": {"min_duration_off": 0.0},
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")


def _segmentation() -> Any:
    from pyannote.audio.models.segmentation import PyanNet

    recurrent = {"hidden_size": 16, "num_layers": 1, "bidirectional": True, "monolithic": True, "dropout": 0.0}
    model = PyanNet(lstm=recurrent, linear={"hidden_size": 16, "num_layers": 1}, sample_rate=16000, num_channels=1)
    model.specifications = _specifications(classes=["speaker#1", "speaker#2", "speaker#3"], frames=True)
    model.build()
    return model


def _specifications(classes: list[str], *, frames: bool) -> Any:
    from pyannote.audio.core.task import Problem, Resolution, Specifications

    return Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME if frames else Resolution.CHUNK,
        duration=10.0,
        classes=classes,
        powerset_max_classes=2 if frames else None,
        permutation_invariant=frames,
    )


def _write(model: Any, folder: Path) -> None:
    """A checkpoint with the heading that pyannote's own have."""
    import lightning
    import pyannote.audio
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    kind = type(model)
    heading = {
        "versions": {"torch": torch.__version__, "pyannote.audio": pyannote.audio.__version__},
        "architecture": {"module": kind.__module__, "class": kind.__name__},
        "specifications": model.specifications,
    }
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
        "pyannote.audio": heading,
    }
    torch.save(checkpoint, folder / "pytorch_model.bin")


def _write_plda(folder: Path, size: int = 256, inner: int = 128) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((size, inner)))[0]
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(size), mean2=np.zeros(inner), lda=turned)
    np.savez(folder / "plda.npz", mu=np.zeros(inner), tr=np.eye(inner), psi=np.linspace(10.0, 0.1, inner))
