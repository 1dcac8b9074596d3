"""The fakes keep the contracts of the separator, the transcriber and the condenser."""

import numpy as np
import pytest
from condenser_contract import CondenserContract
from octavia_fakes import FakeCondenser, FakeSeparator, FakeTranscriber
from separator_contract import SeparatorContract
from transcriber_contract import Spoken, TranscriberContract

from octavia_dag.resources.engines import Condenser, Separator, Transcriber
from octavia_dag.schema import Span


@pytest.fixture
def separator() -> Separator:
    return FakeSeparator()


@pytest.fixture
def condenser() -> Condenser:
    return FakeCondenser()


@pytest.fixture
def transcriber() -> Transcriber:
    return FakeTranscriber()


@pytest.fixture
def spoken() -> Spoken:
    sound = np.random.default_rng(5).normal(0, 0.1, 16000 * 6).astype(np.float32)
    return sound, [Span(start=1, end=3), Span(start=4, end=5.5)], "en"


class TestTheFakeSeparatorKeepsTheContract(SeparatorContract):
    """Every claim of the contract."""


class TestTheFakeCondenserKeepsTheContract(CondenserContract):
    """Every claim of the contract."""


class TestTheFakeTranscriberKeepsTheContract(TranscriberContract):
    """Every claim of the contract."""
