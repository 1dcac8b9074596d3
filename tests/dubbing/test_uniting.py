"""At risk: settings of one arrival that silently win over another's, or stay when they were taken back."""

from octavia_dag.dubbing.uniting import laid_over, united, without


def test_settings_of_two_names_are_united() -> None:
    layer, conflicts = united({"mix": {"ratio": 4}}, {}, {"mix": {"duck_depth_db": 3}, "sync": {"guard_s": 0.1}})
    assert layer == {"mix": {"ratio": 4, "duck_depth_db": 3}, "sync": {"guard_s": 0.1}}
    assert conflicts == []


def test_settings_that_contradict_another_name_s_are_conflicts_told_with_both_values() -> None:
    _, conflicts = united({"mix": {"duck_depth_db": 6}}, {}, {"mix": {"duck_depth_db": 3}})
    assert len(conflicts) == 1
    assert "mix.duck_depth_db is 6" in conflicts[0]
    assert "here it is 3" in conflicts[0]


def test_equal_settings_of_two_names_are_no_conflict() -> None:
    assert united({"mix": {"ratio": 4}}, {}, {"mix": {"ratio": 4}}) == ({"mix": {"ratio": 4}}, [])


def test_a_name_may_change_and_take_back_what_it_set_itself() -> None:
    own = {"mix": {"ratio": 4, "duck_depth_db": 6}}
    assert united(own, own, {"mix": {"ratio": 5}}) == ({"mix": {"ratio": 5}}, [])


def test_what_a_person_changed_meanwhile_is_no_longer_the_name_s_own() -> None:
    own, now = {"mix": {"ratio": 4}}, {"mix": {"ratio": 9}}
    assert united(now, own, {}) == (now, [])
    assert united(now, own, {"mix": {"ratio": 4}})[1] != []


def test_a_sidecar_lies_over_its_folder_field_by_field() -> None:
    low, high = {"mix": {"ratio": 4, "attack_ms": 5}}, {"mix": {"ratio": 5}}
    assert laid_over(low, high) == {"mix": {"ratio": 5, "attack_ms": 5}}


def test_a_slice_without_fields_is_gone() -> None:
    assert without({"delivery": {"languages": ["es"]}}, [("delivery", "languages")]) == {}


def test_what_another_name_asks_for_too_cannot_be_changed_or_taken_back_by_one_of_them() -> None:
    both = {"mix": {"ratio": 4}}
    assert "here it is 5" in united(both, both, {"mix": {"ratio": 5}}, [both])[1][0]
    assert united(both, both, {}, [both]) == (both, [])
    assert united(both, both, {"mix": {"ratio": 5}}, [{}]) == ({"mix": {"ratio": 5}}, [])
