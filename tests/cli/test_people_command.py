"""At risk: an operator's word about a person that is misunderstood, changes another one, or fails with a traceback."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import yaml
from cryptography.fernet import Fernet
from here import run_here
from octavia_command import MakeVideo, Octavia
from octavia_fakes import ENGINES, wav

from octavia_dag.resources import register
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.engines import Profile
from octavia_dag.resources.records import recorded
from octavia_dag.resources.registrar import CHANGES
from octavia_dag.resources.videos import VideoRecord, records, save
from octavia_dag.schema import QaReport, Span

pytestmark = pytest.mark.operators

SYNTHESIZER = "octavia_dag.resources.embedded.synthesizer:KokoroSynthesizer"
ONE, TWO, THREE = "one-00000001", "two-00000002", "three-00000003"


@pytest.fixture
def store(octavia: Octavia) -> ArtifactStore:
    """Two women in the first video, the first of them in the second, a third in the third."""
    home = octavia.home
    found = ArtifactStore(root=str(home / "store"), scratch=str(home / "scratch"))
    key = Fernet.generate_key()
    for video, actors in ((ONE, (0, 1)), (TWO, (0,)), (THREE, (2,))):
        save(found, VideoRecord(id=video, name=video, path="", sha256=video[-8:], size=0))
        profiles = [_profile("AB"[n], actor) for n, actor in enumerate(actors)]
        register.enter(found, video, "m1", profiles, engine="dvector 1", key=key, least=0.7)
    with register.changing(found):
        register.give_voices(found, {"P001": "ef_dora"}, "es", SYNTHESIZER)
    return found


def _profile(speaker: str, actor: int) -> Profile:
    embedding = tuple(float(x) for x in np.eye(8)[actor])
    return Profile(
        speaker=speaker,
        segments=(Span(start=0, end=5),),
        embedding=embedding,
        pitch_hz=200,
        voice_class="female",
        reference_wav=wav(np.random.default_rng(actor).standard_normal(16000).astype(np.float32) * np.float32(0.1)),
    )


def people(octavia: Octavia, *arguments: object) -> str:
    done = run_here(octavia, "people", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(octavia: Octavia, *arguments: object) -> str:
    done: CompletedProcess[str] = run_here(octavia, "people", *arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_where_nobody_was_entered_it_says_how_one_is(octavia: Octavia) -> None:
    assert "voices.recognize" in people(octavia, "list")
    assert json.loads(people(octavia, "list", "--json")) == []


def test_everybody_is_listed_with_videos_and_voices(octavia: Octavia, store: ArtifactStore) -> None:
    people(octavia, "rename", "P001", "Ana Lima")
    assert people(octavia, "list").splitlines() == [
        "ID    NAME      VIDEOS  VOICES",
        "P001  Ana Lima  2       es ef_dora",
        "P002            1",
        "P003            1",
    ]


def test_who_was_merged_is_listed_no_more(octavia: Octavia, store: ArtifactStore) -> None:
    assert people(octavia, "merge", "P001", "P003") == "P001 is one person now, in 3 videos.\n"
    rows = json.loads(people(octavia, "list", "--json"))
    assert [(row["id"], sorted(row["videos"])) for row in rows] == [("P001", [ONE, THREE, TWO]), ("P002", [ONE])]


def test_a_person_is_shown_by_name_with_each_video(octavia: Octavia, store: ArtifactStore) -> None:
    people(octavia, "rename", "P001", "Ana Lima")
    assert people(octavia, "show", "ana").splitlines() == [
        "P001: Ana Lima",
        f"  speaker A of {ONE}",
        f"  speaker A of {TWO}",
        "  es: ef_dora (KokoroSynthesizer)",
    ]
    assert json.loads(people(octavia, "show", "P002", "--json"))["videos"] == {ONE: "B"}


def test_a_name_is_given_and_taken_away(octavia: Octavia, store: ArtifactStore) -> None:
    assert people(octavia, "rename", "P001", "  Ana \n Lima ") == "P001 is Ana Lima now, in 2 videos.\n"
    assert people(octavia, "rename", "Ana Lima", "") == "P001 is without a name now, in 2 videos.\n"
    assert register.person(store, "P001").name == ""


@pytest.mark.parametrize("name", ["Ana\x1b[2J", "Ana\x07", "\u202eanA", "Ana\x7f", "\x9b31mAna"])
def test_a_name_that_would_move_the_cursor_is_refused_and_not_shown_raw(
    name: str, octavia: Octavia, store: ArtifactStore
) -> None:
    for arguments in (("rename", "P001", name), ("split", "P001", "two", "--name", name)):
        told = refused(octavia, *arguments)
        assert "control characters" in told
        assert told.strip().isprintable()
    assert register.person(store, "P001").name == ""


def test_a_name_may_hold_what_joins_its_letters(octavia: Octavia, store: ArtifactStore) -> None:
    people(octavia, "rename", "P001", "بی\u200cبی")
    assert register.person(store, "P001").name == "بی\u200cبی"


def test_a_split_names_a_new_person_for_some_videos(octavia: Octavia, store: ArtifactStore) -> None:
    assert people(octavia, "split", "P001", "two", "--name", "Eva") == "Eva is somebody else now, in 1 video.\n"
    assert register.latest(store)[TWO] == {"A": "P004"}
    assert register.latest(store)[ONE] == {"A": "P001", "B": "P002"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "Zoe"), "There is nobody 'Zoe' in the register"),
        (("rename", "P009", "Ana"), "There is nobody 'P009'"),
        (("rename", "P001", "P7"), "the register's own"),
        (("merge", "P001", "P002"), f"in {ONE} they are the speakers A and B"),
        (("merge", "P001", "P001"), "one person already"),
        (("split", "P003", THREE), "no other video"),
        (("split", "P003", ONE), f"{ONE} is not among their videos"),
        (("split", "P001", "four"), "There is no video 'four'"),
        (("merge", "P001"), "people merge --help' tells what it takes"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    octavia: Octavia, store: ArtifactStore, arguments: tuple[str, ...], sentence: str
) -> None:
    before = _content(store)
    assert sentence in refused(octavia, *arguments)
    assert _content(store) == before


def test_a_beginning_that_two_names_have_is_refused_with_both(octavia: Octavia, store: ArtifactStore) -> None:
    people(octavia, "rename", "P001", "Ana Lima")
    people(octavia, "rename", "P002", "Anabel")
    assert "Ana Lima (P001), Anabel (P002)" in refused(octavia, "show", "an")


def test_it_is_recorded_who_changed_what(octavia: Octavia, store: ArtifactStore) -> None:
    people(octavia, "rename", "P001", "Ana")
    [row] = recorded(register.folder(store) / CHANGES)
    assert (row["change"], row["person"], row["before"], row["after"]) == ("rename", "P001", "", "Ana")
    assert row["who"]
    assert row["when"]


def _content(store: ArtifactStore) -> dict[Path, bytes]:
    files = [path for path in Path(store.root).rglob("*") if path.is_file() and "locks" not in path.parts]
    return {path: path.read_bytes() for path in files}


def test_a_name_reaches_the_report_and_nobody_speaks_again(
    octavia: Octavia, make_video: MakeVideo, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump({**ENGINES, "voices": {**ENGINES["voices"], "recognize": True}}))
    film = make_video("named.mp4")

    def dub() -> QaReport:
        done = octavia("dub", film, "--to", "es", "--out", tmp_path / "out", "--settings", settings)
        assert done.returncode == 0, done.stderr
        home = octavia.home
        store = ArtifactStore(root=str(home / "store"), scratch=str(home / "scratch"))
        report = store.current("qa_report", records(store)[0].id, "es")
        assert report is not None
        return report.read(QaReport)

    assert set(dub().voices) == {"P001", "B"}, "B says too little to be known again"
    spoken = octavia.calls("FakeSynthesizer")
    people(octavia, "rename", "P001", "Ana Lima")
    report = dub()
    assert set(report.voices) == {"Ana Lima", "B"}
    assert {line.speaker for line in report.lines} == {"Ana Lima", "B"}
    assert octavia.calls("FakeSynthesizer") == spoken
