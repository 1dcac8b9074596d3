"""The fakes keep the contracts of the diarizer and the voice cloner."""

import numpy as np
import pytest
from diarizer_contract import Dialogue, DiarizerContract
from octavia_fakes import FakeCloner, FakeDiarizer
from voice_cloner_contract import VoiceClonerContract

from octavia_dag.resources.engines import Diarizer, Samples, VoiceCloner
from octavia_dag.schema import Span


@pytest.fixture(scope="module")
def diarizer() -> Diarizer:
    return FakeDiarizer()


@pytest.fixture(scope="module")
def dialogue() -> Dialogue:
    return np.zeros(16000 * 10, np.float32), [Span(start=1, end=3), Span(start=4, end=6), Span(start=7, end=9)]


@pytest.fixture(scope="module")
def cloner() -> VoiceCloner:
    return FakeCloner()


@pytest.fixture(scope="module")
def speech() -> Samples:
    return np.random.default_rng(4).normal(0, 0.1, 16000 * 4).astype(np.float32)


class TestTheFakeDiarizerKeepsTheContract(DiarizerContract):
    """Every claim of the contract."""


class TestTheFakeClonerKeepsTheContract(VoiceClonerContract):
    """Every claim of the contract."""
