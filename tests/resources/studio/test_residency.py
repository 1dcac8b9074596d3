"""At risk: a card that overflows, a model that is thrown out while somebody works with it, a batch that never fits."""

from collections.abc import Sequence

import pytest

from octavia_dag.errors import EngineError
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


def test_any_other_failure_is_not_taken_for_want_of_memory() -> None:
    def run(pieces: Sequence[int]) -> list[int]:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        in_batches([1, 2], run, size=2, what="Speaking")
