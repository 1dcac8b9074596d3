"""At risk: a card that overflows, a model that is thrown out while somebody works with it, a batch that never fits."""

import threading
from collections.abc import Sequence

import pytest

from octavia_dag.errors import EngineError
from octavia_dag.resources.studio import residency
from octavia_dag.resources.studio.residency import GIB, Residents, in_batches

pytestmark = pytest.mark.studio


def used(residents: Residents, name: str, needs: int, loaded: list[str]) -> None:
    def load() -> str:
        loaded.append(name)
        return name

    with residents.using(name, needs, load) as model:
        assert model == name


def test_a_model_is_loaded_once_and_stays() -> None:
    residents, loaded = Residents(10 * GIB), list[str]()
    for _ in range(3):
        used(residents, "one", GIB, loaded)
    assert loaded == ["one"]


def test_the_least_recently_used_goes_first_where_the_next_would_not_fit() -> None:
    residents, loaded = Residents(3 * GIB), list[str]()
    for name in ("a", "b", "c", "a", "d"):
        used(residents, name, GIB, loaded)
    assert residents.names() == ("c", "a", "d")


def test_a_model_at_work_is_never_thrown_out() -> None:
    residents, loaded = Residents(2 * GIB), list[str]()
    with residents.using("busy", GIB, lambda: "busy"):
        used(residents, "b", GIB, loaded)
        used(residents, "c", GIB, loaded)
        assert "busy" in residents.names()
        assert "b" not in residents.names()


def test_what_is_larger_than_the_card_is_refused_before_it_is_loaded() -> None:
    residents, loaded = Residents(2 * GIB), list[str]()
    with pytest.raises(EngineError, match=r"needs 3\.0 GiB, and the card has 2\.0 GiB"):
        used(residents, "large", 3 * GIB, loaded)
    assert loaded == []


def test_host_memory_has_no_limit_of_its_own() -> None:
    residents, loaded = Residents(None), list[str]()
    for name in "abcdefgh":
        used(residents, name, 100 * GIB, loaded)
    assert len(residents.names()) == 8


def test_what_nobody_works_with_can_be_let_go() -> None:
    residents, loaded = Residents(9 * GIB), list[str]()
    used(residents, "idle", 2 * GIB, loaded)
    with residents.using("busy", GIB, lambda: "busy"):
        assert residents.drop_idle() == 2 * GIB
        assert residents.names() == ("busy",)


class Card:
    """Holds `most` pieces at a time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.sizes: list[int] = []

    def run(self, pieces: Sequence[int]) -> list[int]:
        import torch

        self.sizes.append(len(pieces))
        if len(pieces) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory (simulated)")
        return [piece * 10 for piece in pieces]


@pytest.mark.parametrize("most", [1, 2, 3, 5, 8, 100])
def test_a_batch_that_does_not_fit_is_halved_and_every_result_comes_once_and_in_order(most: int) -> None:
    assert in_batches(range(21), Card(most).run, size=8, what="Speaking") == [piece * 10 for piece in range(21)]


def test_a_size_that_fits_is_kept_for_the_batches_after() -> None:
    card = Card(3)
    in_batches(range(12), card.run, size=8, what="Speaking")
    assert card.sizes[:2] == [8, 4]
    assert max(card.sizes[3:]) <= 2


def test_a_single_piece_that_does_not_fit_is_one_sentence() -> None:
    with pytest.raises(EngineError, match="Speaking: memory of the device gave out on a single piece"):
        in_batches([1, 2], Card(0).run, size=8, what="Speaking")


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA failed with error out of memory",
    ],
)
def test_however_a_library_says_that_memory_gave_out_the_batch_is_halved(said: str) -> None:
    def run(pieces: Sequence[int]) -> list[int]:
        if len(pieces) > 1:
            raise RuntimeError(said)
        return list(pieces)

    assert in_batches([1, 2, 3], run, size=2, what="Speaking") == [1, 2, 3]


def test_a_single_piece_is_tried_once_more_without_what_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Residents(9 * GIB)
    monkeypatch.setitem(residency._ALL, "card", card)  # pyright: ignore[reportPrivateUsage]
    used(card, "idle", GIB, [])
    asked = list[int]()

    def run(pieces: Sequence[int]) -> list[int]:
        asked.append(len(pieces))
        if "idle" in card.names():
            raise MemoryError
        return list(pieces)

    assert in_batches([1, 2], run, size=2, what="Speaking") == [1, 2]
    assert asked == [2, 1, 1, 1]


def test_a_model_is_loaded_again_without_what_is_idle_where_memory_gives_out_on_it() -> None:
    card = Residents(9 * GIB)
    used(card, "idle", GIB, [])

    def load() -> str:
        if card.names():
            raise RuntimeError("CUDA error: out of memory")
        return "loaded"

    with card.using("large", GIB, load) as model:
        assert model == "loaded"


def test_a_model_that_memory_gives_out_on_is_a_sentence_and_no_batch_is_halved_for_it() -> None:
    card, asked = Residents(9 * GIB), list[int]()

    def load() -> str:
        raise RuntimeError("CUDA error: out of memory")

    def run(pieces: Sequence[int]) -> list[int]:
        asked.append(len(pieces))
        with card.using("large", GIB, load):
            return list(pieces)

    with pytest.raises(EngineError, match=r"Loading large: memory of the device gave out; .*option batch"):
        in_batches([1, 2], run, size=2, what="Speaking")
    assert in_batches([1, 2], run, size=2, what="Speaking", instead=list) == [1, 2]
    assert asked == [2, 2]


def test_a_model_waits_until_those_at_work_leave_it_room() -> None:
    card, waiting, most = Residents(10 * GIB), threading.Event(), list[int]()

    def other() -> None:
        waiting.set()
        with card.using("second", 8 * GIB, lambda: "second"):
            most.append(len(card.names()))

    thread = threading.Thread(target=other)
    with card.using("first", 8 * GIB, lambda: "first"):
        thread.start()
        waiting.wait()
        thread.join(0.2)
        assert (thread.is_alive(), card.names()) == (True, ("first",))
    thread.join(10)
    assert (thread.is_alive(), most, card.names()) == (False, [1], ("second",))


def test_who_holds_a_model_is_refused_another_that_does_not_fit_beside_it() -> None:
    """Waiting for oneself, or for somebody who waits, would never end."""
    card = Residents(10 * GIB)
    with (
        card.using("first", 8 * GIB, lambda: "first"),
        pytest.raises(EngineError, match=r"second needs 8\.0 GiB, which the card .* does not have beside first"),
        card.using("second", 8 * GIB, lambda: "second"),
    ):
        pass


def test_a_model_that_needs_more_than_when_it_was_loaded_makes_room_for_it() -> None:
    card = Residents(10 * GIB)
    used(card, "idle", 5 * GIB, [])
    used(card, "grows", 4 * GIB, [])
    used(card, "grows", 8 * GIB, [])
    assert card.names() == ("grows",)


def test_any_other_failure_is_not_taken_for_want_of_memory() -> None:
    def run(pieces: Sequence[int]) -> list[int]:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        in_batches([1, 2], run, size=2, what="Speaking")
