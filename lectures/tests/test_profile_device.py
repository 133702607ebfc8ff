"""Profiles, seeds and devices."""

import keras
import numpy as np
import pytest
from coursedata import UnknownSource
from coursekit import BadSeed, Profile, UnknownProfile, get_profile, set_device, set_seed
from coursekit import profile as profile_module


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COURSE_PROFILE", "COURSE_SOURCE", "COURSE_SEED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def same_policy_afterwards():
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.mark.parametrize(("gpus", "name", "source"), [([], "small", "bundled"), (["a GPU"], "full", "real")])
def test_default_follows_the_gpu(monkeypatch, gpus, name, source) -> None:
    monkeypatch.setattr(profile_module, "gpu_names", lambda: gpus)
    assert get_profile() == Profile(name, source)


def test_variables_decide(monkeypatch) -> None:
    monkeypatch.setenv("COURSE_PROFILE", "full")
    monkeypatch.setenv("COURSE_SOURCE", "bundled")
    assert get_profile() == Profile("full", "bundled")


def test_argument_beats_variable(monkeypatch) -> None:
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert get_profile("small").name == "small"


def test_unknown_profile_says_what_is_allowed(monkeypatch) -> None:
    monkeypatch.setenv("COURSE_PROFILE", "tiny")
    with pytest.raises(UnknownProfile, match="'tiny'.*COURSE_PROFILE.*'small' or 'full'"):
        get_profile()


def test_unknown_source(monkeypatch) -> None:
    monkeypatch.setenv("COURSE_SOURCE", "borrowed")
    with pytest.raises(UnknownSource, match="'borrowed' in the variable COURSE_SOURCE: use one of bundled, real"):
        get_profile("small")


def test_pick() -> None:
    assert Profile("small", "bundled").pick(small=3, full=10) == 3
    assert Profile("full", "real").pick(small=3, full=10) == 10


def test_seed_from_variable_makes_draws_repeat(monkeypatch) -> None:
    monkeypatch.setenv("COURSE_SEED", "7")
    assert set_seed() == 7
    first = keras.ops.convert_to_numpy(keras.random.normal((3,)))
    assert set_seed(7) == 7
    np.testing.assert_array_equal(first, keras.ops.convert_to_numpy(keras.random.normal((3,))))
    set_seed(8)
    assert not np.array_equal(first, keras.ops.convert_to_numpy(keras.random.normal((3,))))


def test_seed_defaults_to_zero() -> None:
    assert set_seed() == 0


@pytest.mark.parametrize("value", ["three", "1.5", "-1", str(2**32)])
def test_bad_seed(monkeypatch, value) -> None:
    monkeypatch.setenv("COURSE_SEED", value)
    with pytest.raises(BadSeed, match="COURSE_SEED"):
        set_seed()


def test_device_says_what_runs_where(monkeypatch) -> None:
    monkeypatch.setattr("coursekit.device.gpu_names", lambda: [])
    device = set_device()
    assert device.kind == "CPU"
    assert keras.config.dtype_policy().name == "float32"
    for part in (keras.backend.backend(), "CPU", "core", "float32"):
        assert part in repr(device)


@pytest.mark.parametrize(("mixed", "policy"), [(True, "mixed_bfloat16"), (False, "float32")])
def test_half_precision_on_a_gpu_only_when_wanted(monkeypatch, mixed, policy) -> None:
    monkeypatch.setattr("coursekit.device.gpu_names", lambda: ["Some GPU"])
    monkeypatch.setattr("coursekit.device._half_precision", lambda: "mixed_bfloat16")
    device = set_device(mixed_precision=mixed)
    assert (device.kind, device.names, device.dtype_policy) == ("GPU", ("Some GPU",), policy)
    assert keras.config.dtype_policy().name == policy
