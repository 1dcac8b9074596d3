"""At risk: an upload that is taken half, twice or never."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.dropping import (
    ALONE_S,
    BATCH,
    BATCH_BYTES,
    EMPTY_S,
    RETRY_S,
    Decision,
    Listed,
    Seen,
    Upload,
    decide,
)

SETTLE_S = 5.0
TALK = Listed("incoming/es/talk.mp4", 1000, "aa", 50.0)


def look(
    listing: list[Listed], state: dict[str, Seen] | Decision | None = None, *, now: float = 100.0, busy: bool = False
) -> Decision:
    before = state.state if isinstance(state, Decision) else state or {}
    return decide(listing, before, prefix="incoming/", now=now, settle_s=SETTLE_S, busy=busy)


def taken(decision: Decision) -> list[str]:
    return [one.video.key for one in decision.take]


def settled(listing: list[Listed], *, after_s: float = SETTLE_S) -> Decision:
    """The second look, with nothing changed in between."""
    return look(listing, look(listing), now=100.0 + after_s)


def test_an_upload_is_taken_when_it_has_not_changed_for_a_while() -> None:
    first = look([TALK])
    assert taken(first) == []
    assert taken(look([TALK], first, now=104.9)) == []
    assert taken(look([TALK], first, now=105.0)) == ["incoming/es/talk.mp4"]


@pytest.mark.parametrize("change", [{"size": 2000}, {"etag": "bb"}, {"modified": 51.0}])
def test_an_upload_that_still_changes_waits_anew(change: dict[str, object]) -> None:
    grown = replace(TALK, **change)
    second = look([grown], look([TALK]), now=105.0)
    assert taken(second) == []
    assert taken(look([grown], second, now=110.0)) == [TALK.key]


def test_a_done_mark_is_believed_at_once_and_goes_with_its_video() -> None:
    mark = Listed("incoming/es/talk.mp4.done", 0, "d", 51.0)
    (one,) = look([mark, TALK]).take
    assert (one.video, one.done, one.sidecar) == (TALK, mark, None)


def test_a_done_mark_that_is_older_than_its_video_says_nothing_of_it() -> None:
    mark = Listed("incoming/es/talk.mp4.done", 0, "d", 49.0)
    assert look([mark, TALK]).take == ()
    assert taken(settled([mark, TALK])) == [TALK.key]


def test_a_mark_beside_a_sidecar_goes_with_both() -> None:
    sidecar, mark = Listed("incoming/es/talk.mp4.yaml", 20, "s", 49.0), Listed(f"{TALK.key}.yaml.done", 0, "d", 51.0)
    (one,) = settled([TALK, sidecar, mark]).take
    assert (one.video, one.sidecar, one.sidecar_done, one.done) == (TALK, sidecar, mark, None)


def test_a_clock_that_was_ahead_when_an_object_was_first_seen_does_not_hold_it_up() -> None:
    ahead = look([TALK], now=100.0 + 86400)
    put_back = look([TALK], ahead, now=100.0)
    assert taken(look([TALK], put_back, now=105.0)) == [TALK.key]


def test_a_clock_that_was_ahead_when_an_object_was_asked_for_does_not_hold_up_the_next_time() -> None:
    state = {key: replace(seen, tries=2, asked=86400.0) for key, seen in look([TALK]).state.items()}
    put_back = look([TALK], state, now=100.0 + SETTLE_S)
    assert taken(look([TALK], put_back, now=100.0 + SETTLE_S + RETRY_S[1])) == [TALK.key]


def test_a_sidecar_and_the_folder_s_settings_belong_to_their_video_and_are_none_themselves() -> None:
    sidecar = Listed("incoming/es/talk.mp4.yaml", 20, "s", 49.0)
    folder = Listed("incoming/es/settings.yaml", 20, "f", 1.0)
    elsewhere = Listed("incoming/settings.yaml", 20, "g", 1.0)
    (one,) = settled([elsewhere, folder, TALK, sidecar]).take
    assert (one.video, one.sidecar, one.settings) == (TALK, sidecar, folder)


def test_a_sidecar_that_changes_makes_its_video_wait() -> None:
    sidecar = Listed("incoming/es/talk.mp4.yaml", 20, "s", 49.0)
    first = look([TALK, sidecar])
    assert taken(look([TALK, replace(sidecar, etag="t")], first, now=105.0)) == []


@pytest.mark.parametrize("name", ["talk.mp4.yaml", "talk.mp4.done"])
def test_what_lies_beside_no_video_waits_a_day_for_it_and_then_goes_with_a_reason(name: str) -> None:
    alone = Listed(f"incoming/es/{name}", 5, "s", 49.0)
    assert settled([alone], after_s=ALONE_S - 1).take == ()
    (one,) = settled([alone], after_s=ALONE_S).take
    assert one.video == alone
    assert "without the video" in one.reason


def test_an_object_that_is_listed_twice_is_one_upload() -> None:
    assert taken(settled([TALK, TALK])) == [TALK.key]


def test_a_taking_that_was_in_vain_is_asked_for_again_later_and_later_and_under_another_run_key() -> None:
    decision, now, keys = look([TALK]), 105.0, list[str]()
    for wait_s in (*RETRY_S, RETRY_S[-1]):
        decision = look([TALK], decision, now=now)
        assert taken(decision) == [TALK.key]
        keys.append(decision.run_key)
        if wait_s:
            assert taken(look([TALK], decision, now=now + wait_s - 1)) == []
        now += wait_s
    assert len(set(keys)) == len(keys)


def test_a_tick_that_is_repeated_has_the_same_run_key_with_the_etags_in_it() -> None:
    other = Listed("incoming/es/other.mp4", 1, "bb", 50.0)
    first = look([TALK, other])
    one, again = (look(listing, first, now=105.0) for listing in ([TALK, other], [other, TALK]))
    assert one.run_key == again.run_key
    assert one.run_key.split()[1:] == ["bb", "aa"]


def test_the_same_content_put_there_again_is_another_arrival() -> None:
    first, later = settled([TALK]), settled([replace(TALK, modified=60.0)])
    assert first.run_key != later.run_key


def test_what_is_gone_is_forgotten() -> None:
    assert look([], settled([TALK])).state == {}


def test_while_others_are_being_taken_nothing_is_asked_for_but_time_passes() -> None:
    busy = look([TALK], look([TALK]), now=105.0, busy=True)
    assert taken(busy) == []
    assert taken(look([TALK], busy, now=105.1)) == [TALK.key]


def test_equal_times_of_change_hide_nothing() -> None:
    listing = [Listed(f"incoming/es/{n}.mp4", 10, f"e{n}", 50.0) for n in range(10)]
    assert len(settled(listing).take) == 10


@pytest.mark.parametrize(
    "key",
    [
        "incoming/es/a b, c|d ✨.mp4",
        "incoming/es/" + "x" * 1000 + ".mp4",
        "incoming/es/'\"&?#%20.mp4",
        "incoming/es//double.mp4",
        "incoming/es/no suffix",
    ],
)
def test_odd_keys_are_taken_as_they_are(key: str) -> None:
    assert taken(settled([replace(TALK, key=key)])) == [key]


@pytest.mark.parametrize("key", ["incoming/", "incoming/es/", "incoming/.x/"])
def test_folder_markers_are_left_alone(key: str) -> None:
    decision = settled([replace(TALK, key=key, size=0)], after_s=ALONE_S)
    assert (decision.take, decision.waiting, dict(decision.state)) == ((), (), {})


@pytest.mark.parametrize("key", ["incoming/es/.hidden.mp4", "incoming/.x/talk.mp4", "incoming/es/../talk.mp4"])
def test_hidden_names_are_left_alone_and_told_after_all_else(key: str) -> None:
    decision = look([replace(TALK, key=key), replace(TALK, key="incoming/z.mp4")])
    assert (decision.take, len(decision.state)) == ((), 1)
    assert decision.waiting[-1] == f"{key}: is hidden by a dot, and left alone"
    assert len(decision.waiting) == 2


@pytest.mark.parametrize("name", ["talk.mp4.part", "talk.mp4.crdownload", "talk.mp4.TMP"])
def test_names_of_unfinished_uploads_wait_for_their_real_name(name: str) -> None:
    assert settled([replace(TALK, key=f"incoming/es/{name}")], after_s=ALONE_S).take == ()


def test_a_name_that_is_no_text_waits_and_is_told() -> None:
    decision = settled([replace(TALK, key="incoming/es/\udcff.mp4")])
    assert decision.take == ()
    assert "rename" in decision.waiting[0]


def test_an_empty_file_is_given_longer_and_then_a_reason() -> None:
    empty = replace(TALK, size=0)
    assert settled([empty], after_s=EMPTY_S - 1).take == ()
    (one,) = settled([empty], after_s=EMPTY_S).take
    assert "empty" in one.reason


def test_what_is_too_much_for_one_run_comes_with_the_next() -> None:
    listing = [Listed(f"incoming/es/{n:03}.mp4", 10, f"e{n}", 50.0) for n in range(BATCH + 3)]
    first = settled(listing)
    assert len(first.take) == BATCH
    rest = look(listing[BATCH:], first, now=200.0)
    assert taken(rest) == [one.key for one in listing[BATCH:]]


def test_large_uploads_are_taken_a_few_at_a_time_and_one_that_is_larger_than_all_alone() -> None:
    listing = [Listed(f"incoming/es/{n}.mp4", BATCH_BYTES + 1, f"e{n}", 50.0) for n in range(2)]
    assert len(settled(listing).take) == 1


KEYS = st.sampled_from(
    [f"incoming/{name}" for name in ("a.mp4", "a.mp4.yaml", "a.mp4.yaml.done", "a.mp4.done", "b.mov", "es/")]
)
OBJECTS = st.builds(Listed, KEYS, st.integers(0, 2), st.sampled_from("xy"), st.sampled_from([1.0, 2.0]))


def _group(upload: Upload) -> list[Listed]:
    found = (upload.video, upload.sidecar, upload.sidecar_done, upload.done)
    return [one for one in found if one is not None]


@given(st.lists(st.tuples(st.lists(OBJECTS, max_size=6), st.booleans()), max_size=8))
def test_whatever_is_listed_each_object_is_asked_for_once_a_tick_and_only_when_it_is_there(
    looks: list[tuple[list[Listed], bool]],
) -> None:
    state, now = dict[str, Seen](), 100.0
    for listing, busy in looks:
        now += SETTLE_S
        decision = look(listing, state, now=now, busy=busy)
        asked = [one.key for up in decision.take for one in _group(up)]
        assert len(set(asked)) == len(asked)
        assert set(asked) <= {one.key for one in listing}
        assert not (busy and asked)
        assert bool(decision.run_key) == bool(asked)
        state = dict(decision.state)
