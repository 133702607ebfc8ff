"""What crosses between the kernels: exactly what was sent, and never more than data."""

import collections
import functools
import math
import pickle
import struct

import ml_dtypes
import numpy as np
import pytest
from coursegrader.exam import wire
from coursegrader.exam.wire import BOUNDS, Reference, Unsupported, WireError, decode, encode
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy_dtypes import FIXED_SIZE

DTYPES = st.one_of(
    FIXED_SIZE,
    hnp.unicode_string_dtypes(endianness="?", min_len=1, max_len=5),
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
KEYS = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.complex_numbers(allow_nan=False),
        st.text(st.characters()),
        st.binary(),
    ),
    lambda keys: st.lists(keys, max_size=3).map(tuple) | st.frozensets(keys, max_size=3),
    max_leaves=5,
)
VALUES = st.recursive(
    KEYS | st.floats() | st.complex_numbers() | ARRAYS | st.slices(5) | st.builds(range, st.integers(0, 99)),
    lambda values: (
        st.lists(values, max_size=4)
        | st.lists(values, max_size=4).map(tuple)
        | st.dictionaries(KEYS, values, max_size=4)
        | st.sets(KEYS, max_size=4)
    ),
    max_leaves=20,
)


def same(one, other) -> bool:
    """Whether two values are the same in type, bits and order of axes; NaN equals itself, 0.0 is not -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray | np.generic):
        if isinstance(one, np.ndarray) and one.flags.f_contiguous != other.flags.f_contiguous:
            return False
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_round_trip_is_exact(value):
    assert same(decode(encode(value)), value)


def assert_made_of_plain_types(value):
    assert type(value).__module__ in ("builtins", "numpy", "numpy.dtypes", "coursegrader.exam.wire", "ml_dtypes")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda rest: b"l\x05\x00\x00\x00" + rest))
def test_arbitrary_bytes_are_a_value_or_a_wire_error(data):
    try:
        value = decode(data, lambda reference: reference)
    except WireError:
        return
    assert_made_of_plain_types(value)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.data())
def test_a_changed_message_is_a_value_or_a_wire_error(value, data):
    message = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    try:
        changed = decode(bytes(message), lambda reference: reference)
    except WireError:
        return
    assert_made_of_plain_types(changed)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.integers(1, 50))
def test_a_cut_message_is_a_wire_error(value, missing):
    message = encode(value)
    with pytest.raises(WireError):
        decode(message[: max(len(message) - missing, 0)])


def test_bytes_after_the_value_are_an_error():
    with pytest.raises(WireError, match="after"):
        decode(encode(1) + b"N")


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),
        np.arange(10)[::-2],
        np.broadcast_to(np.float32(3), (2, 2)),
        np.array(2.5),
        np.zeros((0, 3), np.int8),
        np.arange(4.0).reshape((1,) * 62 + (2, 2)),
        np.array([np.nan, np.inf, -np.inf, -0.0], np.float16),
        np.array([1, 3.140625], ml_dtypes.bfloat16),
        np.array([1, 2], ml_dtypes.float8_e4m3fn),
        np.array([1, 2], np.longdouble),
        np.array([1 + 2j], np.complex64),
        np.array([1, 2], ">i4"),
        np.array(["a", "", "grün"]),
        np.array(["2020-01-01"], "M8[D]"),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays_keep_dtype_shape_and_values(array):
    got = decode(encode(array))
    assert type(got) is np.ndarray and got.dtype == array.dtype and got.shape == array.shape
    assert got.tobytes() == array.tobytes()
    assert got.flags.writeable


def test_axes_keep_their_order_in_memory():
    fortran = decode(encode(np.asfortranarray(np.ones((2, 3)))))
    assert fortran.flags.f_contiguous and not fortran.flags.c_contiguous
    assert decode(encode(np.ones((2, 3)))).flags.c_contiguous


def test_a_nan_keeps_its_bits():
    odd = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]
    assert struct.pack("<d", decode(encode(odd))) == struct.pack("<d", odd)


@pytest.mark.parametrize(
    "scalar", [np.float32(1.5), np.int8(-3), np.bool_(True), np.complex64(1j), np.datetime64(5, "s")]
)
def test_numpy_scalars_stay_scalars(scalar):
    got = decode(encode(scalar))
    assert type(got) is type(scalar) and got == scalar


@pytest.mark.parametrize(
    "value", [np.dtype("float32"), np.dtype(ml_dtypes.bfloat16), np.float32, np.bool_, int, float, ...]
)
def test_descriptions_cross(value):
    assert decode(encode(value)) == value


class LyingFloat(float):
    def __float__(self):
        return 7.0

    __add__ = __eq__ = __float__
    __hash__ = float.__hash__


class LyingText(str):
    def __str__(self):
        return "else"

    def encode(self, *args):
        return b"else"


class LyingList(list):
    def __iter__(self):
        return iter([1, 2, 3])

    def __len__(self):
        return 3


class LyingDict(dict):
    def items(self):
        return [("x", 1)]

    __iter__ = items


class LyingArray(np.ndarray):
    def __eq__(self, other):
        return np.True_

    def tobytes(self, order="C"):
        return np.ones(self.shape).tobytes()

    __hash__ = None


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (LyingFloat(2.5), 2.5),
        (LyingText("text"), "text"),
        (LyingList([1.5]), [1.5]),
        (LyingDict(a=2), {"a": 2}),
        (type("I", (int,), {"__index__": lambda self: 9})(4), 4),
        (type("C", (complex,), {"real": 5.0})(1j), 1j),
        (type("B", (bytes,), {"__len__": lambda self: 1})(b"abc"), b"abc"),
        (type("T", (tuple,), {"__iter__": lambda self: iter("xy")})((1, 2)), (1, 2)),
        (type("S", (set,), {"__iter__": lambda self: iter("xy")})({1}), {1}),
        (type("N", (np.float64,), {"__float__": lambda self: 1.0})(3.0), np.float64(3.0)),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_subclass_arrives_as_the_plain_type_with_its_real_content(value, plain):
    assert same(decode(encode(value)), plain)


def test_a_subclass_of_ndarray_arrives_as_its_buffer():
    got = decode(encode(np.zeros(3).view(LyingArray)))
    assert type(got) is np.ndarray and not got.any()


@pytest.mark.parametrize(
    "kind", [bool, int, float, str, list, dict, np.ndarray, np.float64], ids=lambda kind: kind.__name__
)
def test_what_only_says_that_it_is_plain_data_is_refused(kind):
    liar = type("Liar", (), {"__class__": kind, "__float__": lambda self: 1.0})()
    assert isinstance(liar, kind)
    with pytest.raises(Unsupported, match="only says"):
        encode([liar], lambda _: Reference("object", 5, "Liar"))


def test_what_is_no_plain_data_becomes_a_reference():
    for value in (object(), len, type("A", (), {}), np.array([object()]), np.ma.array([1], mask=[1]), iter([])):
        assert decode(encode([value, 1], lambda _: Reference("object", 5, "thing")), lambda r: r) == [
            Reference("object", 5, "thing"),
            1,
        ]
        with pytest.raises(Unsupported):
            encode([value])


def test_a_named_tuple_keeps_its_names():
    point = collections.namedtuple("Point", "x y")(1, [2])
    got = decode(encode(point))
    assert type(got) is wire.Record and isinstance(got, tuple) and got == (1, [2]) and got.x == 1 and got.y == [2]
    assert decode(encode(got)).y == [2]
    with pytest.raises(AttributeError):
        got.z  # noqa: B018
    with pytest.raises(WireError, match="as many"):
        decode(b"n\x02\x00\x00\x00" + encode(["x"]) + encode([1, 2]))
    with pytest.raises(WireError, match="no text"):
        decode(b"n\x02\x00\x00\x00" + encode([1]) + encode([1]))


def test_a_dict_whose_keys_are_no_plain_data_stays_whole():
    asked = []

    def refer(value):
        asked.append(value)
        return Reference("object", len(asked), "dict")

    table = {"a": 1, object(): 2}
    assert decode(encode([table], refer), lambda reference: reference.number) == [1]
    assert asked == [table]


def test_a_pickle_is_never_loaded():
    ran = []

    class Payload:
        def __reduce__(self):
            return (ran.append, (1,))

    with pytest.raises(Unsupported):
        encode(Payload())
    with pytest.raises(WireError):
        decode(pickle.dumps(np.ones(3)))
    array = encode(np.array([1, 2], "<i8")).replace(b"<i8", b"|O8")
    with pytest.raises(WireError, match="dtype"):
        decode(array)
    assert not ran


@pytest.mark.parametrize(
    "name", ["O", "|O8", "f8,f8", "i4,i4", "<f8junk", "<V8", "<U0", "<f3", "<M8[5X]", "(2,)f4", "__class__"]
)
def test_dtypes_come_from_a_fixed_form_only(name):
    with pytest.raises(WireError):
        wire.dtype_named(name)


def test_truth_values_and_text_are_checked_bit_by_bit():
    with pytest.raises(WireError, match="truth"):
        decode(encode(np.array([True, False])).replace(b"\x01\x00", b"\x02\x00")[:-2] + b"\x02\x00")
    with pytest.raises(WireError, match="Unicode"):
        decode(encode(np.array(["a"]))[:-4] + b"\xff\xff\xff\xff")


def test_bounds_hold_in_both_directions():
    tight = BOUNDS._replace(num_bytes=1000, num_values=50, depth=5)
    deep = functools.reduce(lambda inner, _: [inner], range(10), 0)
    circle: list = []
    circle.append(circle)
    for value in (bytes(2000), np.zeros(500), [1] * 60, deep, circle, {i: i for i in range(30)}):
        with pytest.raises(WireError):
            encode(value, bounds=tight)
    for value in (bytes(2000), np.zeros(500), [None] * 60, deep):
        with pytest.raises(WireError):
            decode(encode(value), bounds=tight)
    with pytest.raises(WireError):
        encode(1 << (8 * wire.MAX_INT_BYTES + 8))
    with pytest.raises(WireError, match="range"):
        decode(encode(range(10**12)))


def test_an_empty_array_may_not_have_axes_that_fill_the_memory():
    assert decode(encode(np.empty((0, 1000)))).shape == (0, 1000)
    with pytest.raises(WireError, match="too large"):
        decode(encode(np.empty((0, 10**12))))


def test_a_length_beyond_the_message_allocates_nothing():
    for tag in (b"l", b"t", b"m", b"S", b"s", b"b", b"i"):
        with pytest.raises(WireError):
            decode(tag + struct.pack("<I", 2**32 - 1) + b"N")


def test_keys_must_be_hashable_and_different():
    with pytest.raises(WireError, match="key"):
        decode(b"m\x01\x00\x00\x00" + encode([1]) + encode(1))
    with pytest.raises(WireError, match="twice"):
        decode(b"m\x02\x00\x00\x00" + encode(1) * 2 + encode(1) * 2)


def test_references_mean_nothing_without_someone_to_resolve_them():
    with pytest.raises(WireError):
        decode(encode(object(), lambda _: Reference("object", 1, "x")))


@pytest.mark.parametrize("items", [[0.5, -0.0, math.inf] * 10, list(range(-20, 20)), [2**70, 1] * 10, [1, 0.5] * 10])
def test_long_rows_of_numbers(items):
    for value in (items, tuple(items)):
        assert same(decode(encode(value)), value)
    with pytest.raises(WireError):
        encode(items, bounds=BOUNDS._replace(num_values=10))
    with pytest.raises(WireError):
        decode(encode(items), bounds=BOUNDS._replace(num_values=10))


def test_text_keeps_lone_surrogates():
    assert decode(encode("a\ud800b")) == "a\ud800b"


def test_infinities_and_signed_zeros():
    got = decode(encode([math.inf, -math.inf, -0.0]))
    assert got[:2] == [math.inf, -math.inf] and math.copysign(1, got[2]) == -1
