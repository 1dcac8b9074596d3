"""At risk: a dub that waits for ever, takes silence for speech, tells a key, or names weights that never spoke."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cloning_synthesizer_contract import CloningSynthesizerContract, Sentence, utterance
from voice_cloner_contract import VoiceClonerContract
from voice_server import (
    HEALTH,
    RATE_HZ,
    REVISION,
    Answer,
    VoiceServer,
    drip,
    drip_headers,
    drop,
    hang,
    health,
    send,
    still_at_it,
    tone,
    wav,
)

from octavia_dag.assets.engaging import engine_for
from octavia_dag.dubbing.pitch import median_pitch_hz
from octavia_dag.errors import EngineError, SettingsError
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.engines import Profile, Samples, Synthesizer, VoiceCloner
from octavia_dag.resources.licences import refuse_forbidden
from octavia_dag.resources.studio.remote_conversion import RemoteConverter
from octavia_dag.resources.studio.remote_voices import RemoteCloner, RemoteEngine, RemoteSynthesizer
from octavia_dag.schema import Span
from octavia_dag.settings import effective

pytestmark = pytest.mark.studio

KEY = "sk-very-secret-0123"
TEXT = "Uma frase que se ouve bem."
MODULE = "octavia_dag.resources.studio.remote_voices"
SPEAKER = "octavia_fakes:FakeSynthesizer"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[VoiceServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = VoiceServer()
    yield made
    made.stop()


def options(server: VoiceServer, **more: Any) -> dict[str, Any]:
    return {
        "address": server.address,
        "engine": "tone",
        "revision": REVISION,
        "languages": "en, pt",
        "backoff_s": 0.01,
        "limit_s": 5.0,
        "api_key": KEY,
        **more,
    }


def speaking(server: VoiceServer, **more: Any) -> RemoteSynthesizer:
    return RemoteSynthesizer(**options(server, **more))


def person(speaker: str = "A", pitch_hz: float = 120.0) -> Profile:
    sound = tone(2.0, pitch_hz)
    return Profile(
        speaker=speaker,
        segments=(Span(start=0, end=2),),
        embedding=(1.0,),
        pitch_hz=pitch_hz,
        voice_class="male",
        reference_wav=wav(sound),
    )


def spoken(synthesizer: RemoteSynthesizer, **more: Any) -> Samples:
    return synthesizer.speak_all([utterance((TEXT, "pt-BR"), person(), **more)])[0]


class TestSynthesizer(CloningSynthesizerContract):
    @pytest.fixture
    def synthesizer(self, server: VoiceServer) -> RemoteSynthesizer:
        return speaking(server)

    @pytest.fixture
    def sentence(self) -> Sentence:
        return TEXT, "pt-BR"

    @pytest.fixture
    def profile(self) -> Profile:
        return person()


class TestConverter(TestSynthesizer):
    @pytest.fixture
    def synthesizer(self, server: VoiceServer) -> RemoteConverter:  # type: ignore[override]
        return RemoteConverter(**options(server, licence="MIT", commercial=True, speaker=SPEAKER))


class TestCloner(VoiceClonerContract):
    @pytest.fixture
    def cloner(self, server: VoiceServer) -> VoiceCloner:
        return RemoteCloner(**options(server))

    @pytest.fixture
    def speech(self) -> Samples:
        loud = np.repeat(np.random.default_rng(3).uniform(0.2, 1.0, 50), 1600)
        pitched = np.sin(2 * np.pi * 200 * np.arange(80000) / 16000)
        return (0.5 * pitched * loud).astype(np.float32)


def test_the_server_is_asked_as_the_protocol_says(server: VoiceServer) -> None:
    spoken(speaking(server), speed=1.1)
    assert [part for part, _ in server.asked] == ["health", "speak"]
    request = server.asked[1][1]
    assert {name: request[name] for name in ("text", "language", "speed")} == {
        "text": TEXT,
        "language": "pt",
        "speed": 1.1,
    }
    assert set(request) == {"text", "language", "speed", "seed", "voice"}
    assert server.keys == {f"Bearer {KEY}"}


def test_without_a_key_none_is_sent(server: VoiceServer) -> None:
    spoken(speaking(server, api_key=""))
    assert server.keys == {None}


def test_the_sound_is_the_server_s_to_the_last_bit(server: VoiceServer) -> None:
    sent = tone(0.5, 200.0)
    server.answers["speak"] = [send(wav(sent))]
    np.testing.assert_allclose(spoken(speaking(server)), sent, atol=2 / 32768)


def test_the_voice_is_that_of_the_profile_and_the_speed_that_which_was_asked(server: VoiceServer) -> None:
    synthesizer = speaking(server)
    low, high = synthesizer.speak_all([utterance((TEXT, "pt-BR"), person(pitch_hz=hertz)) for hertz in (110.0, 220.0)])
    assert median_pitch_hz(low, RATE_HZ) == pytest.approx(110, rel=0.02)
    assert median_pitch_hz(high, RATE_HZ) == pytest.approx(220, rel=0.02)
    assert len(spoken(synthesizer)) / len(spoken(synthesizer, speed=1.15)) == pytest.approx(1.15, rel=0.01)


def test_a_take_is_the_same_again_and_another_take_another_sound(server: VoiceServer) -> None:
    first, again, other = (spoken(speaking(server), take=take) for take in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_two_people_who_say_the_same_have_other_seeds(server: VoiceServer) -> None:
    people = (person("A", 120.0), person("B", 200.0))
    speaking(server).speak_all([utterance((TEXT, "pt-BR"), one) for one in people])
    first, second = (request["seed"] for part, request in server.asked if part == "speak")
    assert first != second


def test_the_server_is_asked_how_it_does_once(server: VoiceServer) -> None:
    synthesizer = speaking(server)
    for _ in range(3):
        spoken(synthesizer)
    assert server.count("health") == 1


BROKEN: dict[str, Answer] = {
    "500": send(b"", status=500),
    "503": send(b"", status=503),
    "429": send(b"", status=429),
    "dropped": drop,
    "cut short on its way": send(wav(tone(0.5, 100.0))[:5000], length=24044),
}


@pytest.mark.parametrize("trouble", BROKEN.values(), ids=BROKEN)
def test_a_server_that_is_busy_or_cut_short_is_asked_again(server: VoiceServer, trouble: Answer) -> None:
    server.answers["speak"] = [trouble, trouble, send(wav(tone(0.5, 200.0)))]
    assert len(spoken(speaking(server))) == RATE_HZ // 2
    assert server.count("speak") == 3


def test_a_server_that_hangs_once_is_asked_again(server: VoiceServer) -> None:
    server.answers["speak"] = [hang, send(wav(tone(0.5, 200.0)))]
    assert len(spoken(speaking(server, request_s=0.3))) == RATE_HZ // 2


def test_a_server_that_still_loads_is_waited_for(server: VoiceServer) -> None:
    server.answers["health"] = [send(b"", status=503, Retry_After="1"), health()]
    spoken(speaking(server))
    assert server.times[1] - server.times[0] >= 1.0


@pytest.mark.parametrize(
    "trouble",
    [
        send(b"", status=500),
        hang,
        drip,
        drip_headers,
        still_at_it,
        send(b"", status=429, Retry_After="9999"),
    ],
)
def test_a_server_that_stays_away_costs_no_more_than_the_limit(server: VoiceServer, trouble: Answer) -> None:
    server.answers["speak"] = [trouble]
    start = time.monotonic()
    with pytest.raises(EngineError, match=r"Uma frase.*127\.0\.0\.1:\d+ gave nothing within 1 s"):
        spoken(speaking(server, limit_s=1.0, request_s=0.5))
    assert time.monotonic() - start < 2.0


def test_nobody_there_is_an_error_within_the_limit() -> None:
    alone = RemoteSynthesizer(address="http://127.0.0.1:9", limit_s=0.3, backoff_s=0.01, api_key=KEY)
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:9 gave nothing within 0 s \(ConnectError\)"):
        spoken(alone)


def _at_odds(sound: bytes) -> Answer:
    """A WAV whose first chunk tells of more bytes than the file has."""
    return send(sound[:16] + b"\xff\xff\xff\x7f" + sound[20:])


QUIET = np.zeros(RATE_HZ, np.float32)
USELESS: dict[str, tuple[Answer, str]] = {
    "no wav": (send(b"<html>not a sound</html>"), "no WAV"),
    "empty": (send(b""), "no WAV"),
    "no end of its format": (_at_odds(wav(tone(0.5, 200.0))), "no WAV"),
    "compressed": (send(gzip.compress(wav(tone(0.5, 200.0))), Content_Encoding="gzip"), "compressed"),
    "no frames": (send(wav(QUIET[:0])), "silence"),
    "silence": (send(wav(QUIET)), "silence"),
    "hum of the last bit": (send(wav(QUIET + 2 / 32768)), "silence"),
    "another rate": (send(wav(tone(0.5, 200.0), 16000)), "has 16000 Hz, and 24000 Hz were told"),
    "two channels": (send(wav(tone(0.5, 200.0), channels=2)), "not mono"),
    "32 bit": (send(wav(tone(0.5, 200.0), width=4)), "not mono with 16 bit"),
    "ends before its end": (send(wav(tone(0.5, 200.0))[:-1000]), "ends before its end"),
    "another type": (send(b"{}", "application/json"), "not of the type audio/wav"),
    "another revision": (send(wav(tone(0.5, 200.0)), Revision="0.2.0"), "another revision"),
    "huge": (send(wav(QUIET[:100]) + b"\0" * (130 * RATE_HZ * 2)), "longer than"),
    "refused key": (send(KEY.encode(), status=401), "401 .*OCTAVIA_REMOTE_KEY"),
    "no such part": (send(b"", status=404), "404"),
    "bad request": (send(KEY.encode(), status=422), "422"),
    "redirected": (send(b"", status=302, Location="http://127.0.0.1:1/"), "302"),
}


@pytest.mark.parametrize(("trouble", "cause"), USELESS.values(), ids=USELESS)
def test_what_no_repetition_mends_is_one_sentence_at_once_without_the_key(
    server: VoiceServer, trouble: Answer, cause: str
) -> None:
    server.answers["speak"] = [trouble]
    with pytest.raises(EngineError, match=rf"Speaking 'Uma frase.*cannot be used: .*{cause}") as failed:
        spoken(speaking(server))
    assert server.count("speak") == 1
    assert KEY not in f"{failed.value!r} {failed.value.__cause__!r}"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (send(b"<html>", "text/html"), "type application/json"),
        (send(b"[]", "application/json"), "cannot be read"),
        (send(b'{"name": "tone"}', "application/json"), "cannot be read .*rate_hz"),
        (send(b" " * (1 << 17), "application/json"), "longer than"),
    ],
)
def test_a_server_that_says_nothing_of_itself_is_not_used(server: VoiceServer, answer: Answer, cause: str) -> None:
    server.answers["health"] = [answer]
    with pytest.raises(EngineError, match=cause):
        spoken(speaking(server))
    assert server.count("speak") == 0


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"name": "fish"}, "name is 'fish' and not 'tone'"),
    ({"revision": "0.2.0"}, "revision is '0.2.0' and not '0.1.7 abc'"),
    ({"licence": "CC-BY-NC-4.0", "commercial": False}, "licence is .*commercial is False and not True"),
    ({"languages": ["en"]}, "it lacks pt"),
    ({"rate_hz": 22050}, "rate_hz is 22050 and not 24000"),
]


@pytest.mark.parametrize(("other", "told"), OTHERS)
def test_a_server_that_is_not_the_one_of_the_settings_is_not_used(
    server: VoiceServer, other: dict[str, Any], told: str
) -> None:
    server.answers["health"] = [health(**other)]
    with pytest.raises(SettingsError, match=told):
        spoken(speaking(server))
    assert server.count("speak") == 0


def test_what_it_is_is_told_without_a_server_and_without_revision_nothing_is_spoken(server: VoiceServer) -> None:
    synthesizer = speaking(server, revision="")
    assert synthesizer.info().revision == "unset remote-1"
    assert synthesizer.info().languages == ("en", "pt")
    assert server.asked == []
    assert synthesizer.missing() == (
        f"The server of voices at {server.address[7:]} is not the one that the settings name: revision is {REVISION!r} "
        "and not ''; correct the options (engine, revision, licence, commercial, languages, rate), or run the server "
        "that they name.",
    )


def test_before_a_dub_a_healthy_server_lacks_nothing_and_an_absent_one_is_told_soon(server: VoiceServer) -> None:
    assert speaking(server).missing() == ()
    server.answers["health"] = [hang]
    start = time.monotonic()
    [sentence] = speaking(server, limit_s=0.5).missing()
    assert "gave nothing within" in sentence
    assert time.monotonic() - start < 7


@pytest.mark.parametrize(
    "address", ["", "no address", "ftp://127.0.0.1/", "http://[::1", f"http://me:{KEY}@127.0.0.1:8400"]
)
def test_an_address_that_is_none_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(SettingsError, match="cannot use the value of its option address") as refused:
        EngineRoom(models_dir="").get(Synthesizer, f"{MODULE}:RemoteSynthesizer", {"address": address})  # type: ignore[type-abstract]
    assert KEY not in str(refused.value)


def test_the_key_is_in_no_picture_of_the_engines_or_of_their_client(server: VoiceServer) -> None:
    for kind in (RemoteSynthesizer, RemoteCloner):
        engine = kind(**options(server))
        assert KEY not in f"{engine!r} {engine} {engine.info()!r} {engine.server()!r}"


def test_the_licence_of_the_settings_is_the_one_that_counts(server: VoiceServer) -> None:
    refuse_forbidden(speaking(server), "synthesis.engine", "commercial")
    with pytest.raises(SettingsError, match=r"tone.*CC-BY-NC-4\.0.*forbids commercial use"):
        refuse_forbidden(speaking(server, licence="CC-BY-NC-4.0", commercial=False), "synthesis.engine", "commercial")


EMBEDDINGS: dict[str, tuple[Callable[[], Answer], str]] = {
    "no numbers": (lambda: send(b'{"embedding": ["a"]}', "application/json"), "no embedding"),
    "none": (lambda: send(b'{"embedding": []}', "application/json"), "no direction"),
    "brackets": (lambda: send(b"[" * 60000, "application/json"), "no embedding"),
    "brackets in place": (lambda: send(b'{"embedding": ' + b"[" * 60000, "application/json"), "no embedding"),
    "words": (lambda: send(b'{"embedding": ["12"]}', "application/json"), "no embedding"),
    "yes and no": (lambda: send(b'{"embedding": [true, false]}', "application/json"), "no embedding"),
    "400 digits": (
        lambda: send(b'{"embedding": [' + b"1" * 400 + b"]}", "application/json"),
        "no (embedding|direction)",
    ),
    "9000 digits": (
        lambda: send(b'{"embedding": [' + b"1" * 9000 + b"]}", "application/json"),
        "no (embedding|direction)",
    ),
    "zeros": (lambda: send(b'{"embedding": [0, 0]}', "application/json"), "no direction"),
    "not finite": (lambda: send(b'{"embedding": [NaN, 1]}', "application/json"), "no direction"),
    "a table": (lambda: send(b'{"embedding": [[1, 2]]}', "application/json"), "no embedding"),
    "other words": (lambda: send(json.dumps(HEALTH).encode(), "application/json"), "no embedding"),
}


@pytest.mark.parametrize(("answer", "cause"), EMBEDDINGS.values(), ids=EMBEDDINGS)
def test_an_embedding_that_tells_nobody_from_nobody_is_refused(
    server: VoiceServer, answer: Callable[[], Answer], cause: str
) -> None:
    server.answers["embed"] = [answer()]
    with pytest.raises(EngineError, match=cause):
        RemoteCloner(**options(server)).embed(tone(1.0, 100.0))


def test_an_embedding_of_large_numbers_has_its_direction(server: VoiceServer) -> None:
    server.answers["embed"] = [send(b'{"embedding": [3e38, 0, 4e38]}', "application/json")]
    np.testing.assert_allclose(RemoteCloner(**options(server)).embed(tone(1.0, 100.0)), [0.6, 0, 0.8], atol=1e-6)


def test_embeddings_that_change_their_size_are_refused(server: VoiceServer) -> None:
    server.answers["embed"] = [
        send(json.dumps({"embedding": [1.0] * size}).encode(), "application/json") for size in (3, 3, 5)
    ]
    cloner = RemoteCloner(**options(server))
    assert [len(cloner.embed(tone(1.0, 100.0))) for _ in range(2)] == [3, 3]
    with pytest.raises(EngineError, match="its embedding has 5 numbers, and another had 3"):
        cloner.embed(tone(1.0, 100.0))


@pytest.mark.parametrize("field", ["name", "revision", "licence"])
def test_a_server_that_says_the_key_it_was_sent_is_not_quoted(server: VoiceServer, field: str) -> None:
    server.answers["health"] = [health(**{field: f"Bearer {KEY}"})]
    [told] = speaking(server).missing()
    with pytest.raises(SettingsError) as refused:
        speaking(server).server()
    assert str(refused.value) == told
    assert f"{field} is something else and not" in told
    assert KEY not in f"{refused.value!r} {told}"


def test_what_a_server_says_moves_no_cursor_and_fills_no_screen(server: VoiceServer) -> None:
    server.answers["health"] = [health(licence="MIT\x1b[2J", name="x" * 10000)]
    [told] = speaking(server).missing()
    assert told.isprintable()
    assert len(told) < 1000


@pytest.mark.parametrize("sound", [np.zeros(16000, np.float32), tone(0.1, 100.0)[:1600]])
def test_silence_and_a_snippet_are_nobody(server: VoiceServer, sound: Samples) -> None:
    cloner = RemoteCloner(**options(server))
    with pytest.raises(EngineError, match=r"0\.4 s are the least"):
        cloner.embed(sound)
    with pytest.raises(EngineError, match="Profiling speaker B"):
        cloner.profile("B", sound, [Span(start=0.0, end=len(sound) / 16000)])
    assert server.asked == []


def test_a_converted_line_is_as_long_as_it_was_spoken_in_the_voice_of_the_profile(server: VoiceServer) -> None:
    converter = RemoteConverter(**options(server, licence="MIT", commercial=True, speaker=SPEAKER))
    [sound] = converter.speak_all([utterance((TEXT, "pt-BR"), person(pitch_hz=130.0))])
    plain = EngineRoom(models_dir="").get(Synthesizer, SPEAKER)  # type: ignore[type-abstract]
    itself = plain.speak(TEXT, plain.voices("pt-BR")[0], "pt-BR", 1.0)
    assert len(sound) / RATE_HZ == pytest.approx(len(itself) / plain.rate_hz, abs=0.001)
    assert median_pitch_hz(sound, RATE_HZ) == pytest.approx(130, rel=0.02)
    assert [part for part, _ in server.asked] == ["health", "convert"]
    assert plain.info().revision in converter.info().revision


class Workshop:
    """What choosing an engine asks of the workshop."""

    def __init__(self) -> None:
        self.engines = EngineRoom(models_dir="", remote_key=KEY)


def test_the_key_comes_from_the_environment_s_room_and_may_not_stand_in_the_settings() -> None:
    chosen: dict[str, Any] = {"engine": f"{MODULE}:RemoteSynthesizer", "options": {"revision": "1"}}
    shop: Any = Workshop()
    engine = engine_for(shop, effective([{"synthesis": chosen}]), RemoteEngine, "synthesizer")  # type: ignore[type-abstract]
    assert (engine.api_key, engine.revision) == (KEY, "1")
    chosen["options"] = {"api_key": "another"}
    with pytest.raises(SettingsError, match=r"OCTAVIA_REMOTE_KEY") as refused:
        engine_for(shop, effective([{"synthesis": chosen}]), RemoteEngine, "synthesizer")  # type: ignore[type-abstract]
    assert "another" not in str(refused.value)
