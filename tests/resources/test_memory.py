"""At risk: what people approved, said again in other words; a secret of a database's address that is shown."""

import multiprocessing
import sqlite3
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg
import pytest

from octavia_dag.errors import SettingsError, StorageError
from octavia_dag.resources.memory import Approved, Memory

VARIABLE = "OCTAVIA_MEMORY_URL"


def line(text: str, translation: str, source: str = "en", target: str = "pt-BR", day: int = 1) -> Approved:
    when = datetime(2026, 5, day, tzinfo=UTC)
    return Approved(
        source=source, target=target, text=text, translation=translation, video="talk", who="ana", when=when
    )


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(file=str(tmp_path / "store" / "memory.sqlite"))


def test_an_approved_line_is_found_again(memory: Memory) -> None:
    memory.remember([line("Good morning.", "Bom dia.")])
    assert memory.lookup("en", "pt-BR", ["Good morning.", "Good night."]) == {"Good morning.": "Bom dia."}


def test_case_and_spacing_do_not_matter(memory: Memory) -> None:
    memory.remember([line("Good  morning.", "Bom dia.")])
    assert memory.lookup("en", "pt-BR", [" good Morning. "]) == {" good Morning. ": "Bom dia."}


def test_punctuation_matters(memory: Memory) -> None:
    memory.remember([line("Good morning.", "Bom dia.")])
    assert memory.lookup("en", "pt-BR", ["Good morning?"]) == {}


def test_the_newest_approval_counts_whichever_was_written_last(memory: Memory) -> None:
    memory.remember([line("Hi.", "Oi.", day=2), line("hi.", "Olá.", day=1)])
    assert memory.lookup("en", "pt-BR", ["Hi."]) == {"Hi.": "Oi."}
    assert [one.translation for one in memory.newest("en", "pt-BR")] == ["Oi."]


def test_pairs_are_apart(memory: Memory) -> None:
    memory.remember([line("No.", "Não.")])
    assert memory.lookup("en", "es", ["No."]) == {}
    assert memory.lookup("es", "pt-BR", ["No."]) == {}


def test_the_country_of_the_original_does_not_matter(memory: Memory) -> None:
    memory.remember([line("Sim.", "Yes.", source="pt-BR", target="en")])
    assert memory.lookup("pt", "en", ["Sim."]) == {"Sim.": "Yes."}


def test_more_lines_than_a_database_takes_at_once_are_found(memory: Memory) -> None:
    memory.remember([line(f"Line {n}.", f"Linha {n}.") for n in range(1201)])
    assert len(memory.lookup("en", "pt-BR", [f"Line {n}." for n in range(1201)])) == 1201


def test_who_approved_what_and_when_stays_on_record(memory: Memory) -> None:
    approved = line("Hi.", "Oi.")
    memory.remember([approved])
    assert memory.newest("en", "pt-BR") == [approved]


def test_the_stamp_is_empty_where_nothing_was_approved(memory: Memory) -> None:
    assert memory.stamp("en", "pt-BR") == ""
    memory.remember([line("Hi.", "Hola.", target="es")])
    assert memory.stamp("en", "pt-BR") == ""


def test_the_stamp_changes_with_every_approval_and_only_then(memory: Memory) -> None:
    memory.remember([line("Hi.", "Oi.")])
    first = memory.stamp("en", "pt-BR")
    assert memory.stamp("en", "pt-BR") == first
    memory.remember([line("Hi.", "Oi.")])
    assert memory.stamp("en", "pt-BR") != first
    assert memory.stamp(None, "pt-BR") == memory.stamp("en", "pt-BR")


def test_reading_makes_no_file(memory: Memory) -> None:
    assert memory.lookup("en", "pt-BR", ["Hi."]) == {}
    assert memory.newest("en", "pt-BR") == []
    assert not Path(memory.file).exists()


def test_the_file_is_its_owner_s_alone(memory: Memory) -> None:
    memory.remember([line("Hi.", "Oi.")])
    assert Path(memory.file).stat().st_mode & 0o077 == 0


def approve(file: str, number: int, together: Barrier) -> None:
    for step in range(10):
        together.wait(60)
        Memory(file=f"{file}-{step}").remember([line(f"Line {number}.", "Linha.")])


def test_several_processes_make_the_first_approval_at_once(memory: Memory) -> None:
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(6)
    workers = [context.Process(target=approve, args=(memory.file, number, together)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 6
    kept = [len(Memory(file=f"{memory.file}-{step}").newest("en", "pt-BR")) for step in range(10)]
    assert kept == [6] * 10
    assert sorted(file.name for file in Path(memory.file).parent.iterdir()) == [
        f"memory.sqlite-{step}" for step in range(10)
    ]


def test_another_database_is_named_by_the_environment(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path}/shared.sqlite")
    Memory(file=memory.file, url=dg.EnvVar(VARIABLE)).remember([line("Hi.", "Oi.")])
    assert (tmp_path / "shared.sqlite").exists()
    assert not Path(memory.file).exists()


def test_a_damaged_file_is_a_sentence(memory: Memory) -> None:
    Path(memory.file).parent.mkdir()
    Path(memory.file).write_text("no database at all, but a text that is long enough to be looked at", encoding="utf-8")
    with pytest.raises(StorageError, match=r"Reading the translation memory at .*memory.sqlite failed"):
        memory.lookup("en", "pt-BR", ["Hi."])


def test_a_file_that_another_process_holds_too_long_is_a_sentence(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octavia_dag.resources.memory._WAIT_S", 0.1)
    memory.remember([line("Hi.", "Oi.")])
    holder = sqlite3.connect(memory.file)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match=r"Writing the translation memory .*database is locked"):
        memory.remember([line("Hi.", "Olá.")])
    holder.close()


@pytest.mark.parametrize("url", ["no url with hush", "nosuchkind://me:hush@host/name", "oracle://me:hush@host/name"])
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(memory: Memory, url: str) -> None:
    with pytest.raises(SettingsError, match=VARIABLE) as refused:
        Memory(file=memory.file, url=url).lookup("en", "pt-BR", ["Hi."])
    assert "hush" not in str(refused.value)
