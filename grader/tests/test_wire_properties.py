"""Properties of what crosses: exact for every value, and bounded for every message that a hostile kernel can send.

`exam/test_exam_wire.py` has the single cases; here are the general statements, down to the bits of a NaN, and the
conversation above the wire format.
"""

import gc
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator

import ml_dtypes
import numpy as np
import pytest
import zmq
from coursegrader.exam import wire
from coursegrader.exam.channel import Channel
from coursegrader.exam.errors import BadReply, FromCandidate, Interrupted, NotPlainData
from coursegrader.exam.serving import ASK, RAISE, REQUEST, RESULT, RETURN, Payload
from coursegrader.exam.standin import Candidate, Handle, Missing, kind_of
from coursegrader.exam.wire import Record, Reference, WireError, decode, encode
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jupyter_client.session import Session
from numpy_dtypes import FIXED_SIZE

# Exact round trips

EXTENSION = [np.dtype(getattr(ml_dtypes, name)) for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2")]
DTYPES = st.one_of(
    FIXED_SIZE,
    st.sampled_from([*EXTENSION, np.dtype(np.longdouble), np.dtype(np.clongdouble)]),
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)


@st.composite
def raw_arrays(draw) -> np.ndarray:
    """Arrays of any bits: every NaN, padding, not-a-time; of any layout: views, other orders of axes, broadcasts."""
    dtype, shape = draw(DTYPES), draw(SHAPES)
    size = int(np.prod(shape, dtype=int))
    raw = np.random.default_rng(draw(st.integers(0, 2**32))).bytes(size * dtype.itemsize)
    if dtype.kind == "b":
        raw = bytes(byte & 1 for byte in raw)
    array = np.frombuffer(raw, dtype).reshape(shape)
    match draw(st.sampled_from(["plain", "fortran", "transposed", "reversed", "broadcast"])):
        case "fortran":
            return np.asfortranarray(array)
        case "transposed":
            return array.transpose(draw(st.permutations(range(array.ndim))))
        case "reversed" if array.ndim:
            return array[::-1]
        case "broadcast":
            return np.broadcast_to(array, (2, *shape))
    return array


def same_bits(one: object, other: object) -> bool:
    """Whether two values are of one type and hold the same bits, at every depth."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray | np.generic):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    if isinstance(one, complex):
        return same_bits(one.real, other.real) and same_bits(one.imag, other.imag)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same_bits, one, other))
    if isinstance(one, dict):
        # A NaN among the keys is found by its place alone.
        return same_bits(list(one.items()), list(other.items()))
    return one == other


@settings(max_examples=200, deadline=None)
@given(raw_arrays(), st.booleans())
def test_arrays_and_scalars_of_any_bits(array, scalar):
    # The padding of a long double is no part of its value, and a scalar does not keep it.
    value = array.flat[0] if scalar and array.size and array.dtype.char not in "gG" else array
    got = decode(encode(value))
    # A broadcast or transposed array arrives in an order of its own, and is no view of anything.
    assert same_bits(got, value)
    if isinstance(got, np.ndarray):
        assert type(got) is np.ndarray and got.flags.writeable


BITS = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
NUM_BITS = 8 * wire.MAX_INT_BYTES - 1
INTEGERS = st.integers() | st.builds(
    lambda power, sign, offset: sign * (1 << power) + offset,
    st.integers(0, 200) | st.integers(NUM_BITS - 9, NUM_BITS - 1) | st.sampled_from([31, 32, 62, 63, 64]),
    st.sampled_from([1, -1]),
    st.integers(-1, 0),
)
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    INTEGERS,
    BITS,
    st.builds(complex, BITS, BITS),
    st.text(st.characters()),
    st.binary(),
    st.slices(9),
    st.just(...),
    st.sampled_from([int, np.float16, np.dtype(">c8"), *EXTENSION]),
    raw_arrays(),
)
KEYS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5) | st.tuples(st.integers())
)
# Rows long enough to be packed, and those that only look as if they could be.
ROWS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=14, max_size=20),
    st.lists(INTEGERS | st.booleans(), min_size=14, max_size=20),
    st.lists(BITS, min_size=14, max_size=20),
)
TREES = st.recursive(
    ATOMS | ROWS | ROWS.map(tuple),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.sets(KEYS, max_size=4)
        | st.frozensets(KEYS, max_size=4)
        | st.lists(inner, max_size=3).map(
            lambda items: Record(tuple(f"field_{number}" for number in range(len(items))), tuple(items))
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_a_round_trip_is_exact_at_every_depth(value):
    message = encode(value)
    got = decode(message)
    assert same_bits(got, value)
    # What arrived is sent back as it came: nothing piles up over many crossings.
    assert sorted(encode(got)) == sorted(message)


@pytest.mark.parametrize("value", [1 << NUM_BITS, -(1 << NUM_BITS) - 1], ids=["positive", "negative"])
def test_integers_beyond_the_bound_are_refused(value):
    with pytest.raises(WireError, match="integer"):
        encode(value)


# Arbitrary messages


def _length() -> st.SearchStrategy[bytes]:
    small = st.integers(0, 6)
    return (small | small | small | st.integers(0, 2**32 - 1)).map(struct.Struct("<I").pack)


def _wide() -> st.SearchStrategy[bytes]:
    small = st.integers(0, 6)
    return (small | small | st.integers(0, 2**64 - 1)).map(struct.Struct("<Q").pack)


def _joined(*parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(b"".join)


_BYTE = st.binary(min_size=1, max_size=1)
_DTYPE_NAMES = st.sampled_from(
    [b"<f4", b"|b1", b"<U2", b"|S3", b"<M8[D]", b"<M8[7us]", b"bfloat16", b"int4", b"|O8", b"<U999999"]
)
_NAMES = (_DTYPE_NAMES | st.binary(max_size=6)).map(lambda name: struct.pack("<I", len(name)) + name)
_DIMS = st.lists(_wide(), max_size=4).map(lambda dims: bytes([len(dims)]) + b"".join(dims)) | _BYTE
_LEAVES = st.one_of(
    st.sampled_from([b"N", b"T", b"F", b".", b""]),
    _joined(st.sampled_from([b"i", b"s", b"b"]), _length(), st.binary(max_size=6)),
    _joined(st.sampled_from([b"d", b"c"]), st.binary(max_size=16)),
    _joined(st.sampled_from([b"a", b"x"]), _NAMES, st.sampled_from([b"\0", b"\1", b"\2", b"\7"]), _DIMS, _wide()),
    _joined(st.sampled_from([b"Y", b"D", b"C"]), _NAMES),
    _joined(st.just(b"p"), st.sampled_from([b"l", b"t", b"z"]), st.sampled_from([b"d", b"q", b"u"]), _length()),
    _joined(st.just(b"h"), st.sampled_from([b"\0", b"\1", b"\3", b"\4"]), _wide(), _NAMES),
    st.binary(max_size=8),
)
# Messages by the grammar, with lengths that lie: they get further into the decoder than arbitrary bytes do.
MESSAGES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda tag, items, lie: tag + struct.pack("<I", max(len(items) + lie, 0)) + b"".join(items),
            st.sampled_from([b"l", b"t", b"S", b"f", b"z", b"r", b"n"]),
            st.lists(inner, max_size=4),
            st.sampled_from([0, 0, 0, 0, 1, -1]),
        ),
        st.builds(
            lambda keys, values: b"m" + struct.pack("<I", len(keys)) + b"".join((*keys, *values)),
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3),
        ),
        _joined(st.just(b"P"), inner),
        _joined(st.just(b"X"), _DIMS, inner),
    ),
    max_leaves=12,
)


def plain_parts(value: object) -> Iterator[type]:
    """The types of everything in a value."""
    yield type(value)
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    if isinstance(value, list | tuple | set | frozenset | dict) and not isinstance(value, Reference):
        for part in parts:
            yield from plain_parts(part)


OURS = {
    "builtins",
    "numpy",
    "numpy.dtypes",
    "ml_dtypes",
    "coursegrader.exam.wire",
    # Made here, from numbers and bytes, in a process that has TensorFlow.
    "tensorflow.python.framework.tensor_shape",
    "tensorflow.python.framework.ops",
}


@settings(max_examples=300, deadline=None)
@given(MESSAGES | st.builds(lambda value, rest: encode(value) + rest, TREES, st.binary(max_size=1)))
def test_any_message_is_a_value_of_plain_types_or_a_wire_error(message):
    try:
        value = decode(message, lambda reference: reference)
    except WireError:
        return
    assert {kind.__module__ for kind in plain_parts(value)} <= OURS
    # A test may send what it got back to the student's code.
    assert len(encode(value, lambda _: Reference("object", 0, "thing"))) < 20 * len(message) + 100


def repeated(item: bytes, num_bytes: int = 60_000, tag: bytes = b"l") -> bytes:
    """A list of as many equal items as fit."""
    count = num_bytes // len(item)
    return tag + struct.pack("<I", count) + item * count


def integers(numbers: Iterator[int], tag: bytes) -> bytes:
    """A set (or the keys of a dict, each with None) of integers."""
    items = [encode(number) for number in numbers]
    return tag + struct.pack("<I", len(items)) + b"".join(items) + (b"N" * len(items) if tag == b"m" else b"")


def least_cpu_seconds(read: Callable[[], None], tries: int = 3) -> float:
    """The least of some tries, in seconds: a machine that is busy with other things only ever adds.

    Without the garbage collector, whose passes cost what all other objects of this process make them cost: after a
    thousand tests, more than any message.
    """
    took = []
    gc.disable()
    try:
        for _ in range(tries):
            started = time.process_time()
            read()
            took.append(time.process_time() - started)
    finally:
        gc.enable()
    return min(took)


MODULUS = 2**61 - 1
LARGE = {
    **{f"empty {tag!r}": repeated(tag + bytes(4)) for tag in (b"l", b"t", b"m", b"S", b"f", b"s", b"b", b"i")},
    "none": repeated(b"N"),
    "arrays": repeated(encode(np.empty(0, np.int8))),
    "arrays of text": repeated(encode(np.empty((0, 500), "<U5000"))),
    "dtypes": repeated(encode(np.dtype("<M8[25s]"))),
    "slices": repeated(encode(slice(None))),
    "shapes": repeated(b"P" + encode((1, None))),
    "records": repeated(encode(Record((), ()))),
    "nested tuples as keys": repeated(b"f\1\0\0\0" + b"t\1\0\0\0" * 60 + b"N"),
    "keys of one hash in a set": integers((number * MODULUS for number in range(1, 20_000)), b"S"),
    "keys of one hash in a dict": integers((number * MODULUS for number in range(1, 20_000)), b"m"),
    "keys that meet in a table": integers((number << 40 for number in range(20_000)), b"m"),
    "packed": b"pld" + struct.pack("<I", 30_000) + bytes(8 * 30_000),
    "references": repeated(b"h\0" + bytes(12)),
}


@pytest.mark.parametrize("name", list(LARGE))
def test_time_and_memory_are_in_proportion_to_a_message(name):
    message = LARGE[name]

    def read() -> None:
        try:
            decode(message, lambda reference: reference)
        except WireError:
            return

    # Five times what the slowest of them takes on a slow machine; what grows with the square takes minutes.
    assert least_cpu_seconds(read) < 1.0 * max(1, len(message) / 60_000)
    tracemalloc.start()
    try:
        read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 80 * len(message) + (1 << 20)


def test_keys_made_to_collide_are_refused_and_others_are_not():
    for tag in (b"S", b"m"):
        with pytest.raises(WireError, match="collide"):
            decode(integers((number * MODULUS for number in range(1, 1000)), tag))
    table = {number << 40: number for number in range(5000)} | {float(number) + 0.5: 0 for number in range(5000)}
    assert decode(encode(table)) == table


def test_a_message_holds_only_so_many_references():
    bounds = wire.BOUNDS._replace(num_references=10)
    reference = Reference("object", 1, "thing")
    assert decode(encode([object()] * 10, lambda _: reference), lambda _: 1, bounds) == [1] * 10
    with pytest.raises(WireError, match="references"):
        decode(encode([object()] * 11, lambda _: reference), lambda _: 1, bounds)
    with pytest.raises(WireError, match="objects"):
        encode([object()] * 11, lambda _: reference, bounds)


# The conversation: whatever the candidate's kernel says, a call ends with a value or one of the exam's own exceptions

REFERENCES = st.builds(Reference, st.sampled_from(wire.KINDS), st.integers(0, 5), st.text(max_size=5))


class Stays:
    """Something that crosses as the reference it holds."""

    def __init__(self, reference: Reference):
        self.reference = reference


def sent(value: object) -> bytes:
    """A message as a candidate's kernel would encode it."""
    return encode(value, lambda held: held.reference if isinstance(held, Stays) else Reference("object", 0, "thing"))


SMALL = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5) | REFERENCES.map(Stays),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=6,
)
BUILTIN_ERRORS = st.sampled_from(
    "Exception KeyError OSError SyntaxError UnicodeDecodeError StopIteration SystemExit KeyboardInterrupt MemoryError "
    "GeneratorExit ImportError ExceptionGroup LinAlgError AxisError OpError RecursionError Warning".split()
)
LINES = st.lists(st.tuples(st.integers(), st.integers(), st.text(max_size=5), st.text(max_size=5)) | SMALL, max_size=3)
REPLIES = st.one_of(
    st.tuples(st.just("value"), SMALL),
    st.tuples(
        st.just("error"),
        st.text(st.characters(), max_size=5) | SMALL,
        st.lists(BUILTIN_ERRORS | SMALL, max_size=3) | SMALL,
        st.text(max_size=5) | SMALL,
        LINES | SMALL,
        st.none() | st.integers(-1, 3) | SMALL,
    ),
    st.just(("missing",)),
    SMALL,
)
QUESTIONS = st.tuples(st.integers(-1, 3), st.lists(SMALL, max_size=2).map(tuple), st.dictionaries(KEYS, SMALL)) | SMALL
PAYLOADS = st.builds(
    Payload,
    st.sampled_from([RESULT, RESULT, RESULT, ASK, ASK, REQUEST, RETURN, RAISE, b"", b"\xff"]),
    REPLIES.map(sent) | QUESTIONS.map(sent) | MESSAGES,
)


class Scripted:
    """A channel to a kernel that says what it was told to say, and then nothing more."""

    def __init__(self, payloads: list[Payload | None]):
        self.payloads = payloads

    def next_payload(self, deadline: float) -> Payload | None:
        return self.payloads.pop(0) if self.payloads else None

    def call(self, expression: str, data: bytes) -> None:
        decode(data, lambda reference: reference)

    def answer(self, payload: Payload) -> None:
        assert payload.kind in (RETURN, RAISE, REQUEST)

    def greet(self, expression: str, data: bytes, deadline: float) -> bool:
        return True

    def interrupt(self) -> None:
        pass

    reopen = interrupt


def use(value: object) -> None:
    """What a test does with a stand-in."""
    value(1, np.ones(2), key=lambda x: [x, x])
    str(value)
    len(value)
    value.weights = [1.0]
    value[0] = value.name
    with value as entered:
        entered(value)
    for _ in value:
        pass


@settings(max_examples=200, deadline=None)
@given(st.lists(PAYLOADS | st.none(), max_size=14))
def test_whatever_the_candidate_says_ends_in_a_value_or_in_one_of_the_exams_errors(payloads):
    candidate = Candidate(Scripted(payloads), seconds=1.0)
    while candidate.channel.payloads:
        try:
            value = candidate.ask("name", "answer")
            if isinstance(value, Handle):
                assert kind_of(value) in wire.KINDS
                use(value)
        # A student's `SystemExit` is none here either, and no `Exception`.
        except BaseException as error:
            if not isinstance(error, FromCandidate | NotPlainData | Missing | Interrupted):
                raise
            str(error)
            if candidate.gone:
                break
    assert candidate._depth == 0 or candidate.gone


# The channel: frames that are no message count as not sent

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("msg_id msg_type date status execution_state ename evalue execution_count".split()), inner
        )
    ),
    max_leaves=6,
)


class HostileKernel:
    """Three sockets that send any frames to a channel, signed with the kernel's own key or not."""

    def __init__(self):
        self.context = zmq.Context()
        self.session = Session(key=b"key")
        self.connection = {"transport": "tcp", "ip": "127.0.0.1", "key": "key", "signature_scheme": "hmac-sha256"}
        self.sockets = {}
        for name, kind in {"shell": zmq.ROUTER, "stdin": zmq.ROUTER, "control": zmq.ROUTER, "iopub": zmq.PUB}.items():
            socket = self.sockets[name] = self.context.socket(kind)
            self.connection[f"{name}_port"] = socket.bind_to_random_port("tcp://127.0.0.1")

    def send(self, name: str, identity: bytes, parts: list, buffers: list[bytes], request: str) -> None:
        """Send a message whose four parsed parts are anything; where a parent is a dict, it names the request."""
        parts = [part | {"msg_id": request} if isinstance(part, dict) else part for part in parts]
        packed = [part if isinstance(part, bytes) else self.session.pack(part) for part in parts]
        frames = [b"<IDS|MSG>", self.session.sign(packed), *packed, *buffers]
        self.sockets[name].send_multipart([identity, *frames] if name != "iopub" else frames)


@pytest.fixture(scope="module")
def hostile():
    kernel = HostileKernel()
    channel = Channel(kernel.connection)
    yield kernel, channel
    channel.close()
    kernel.context.destroy(linger=0)


DEEP = b"[" * 900 + b"]" * 900
PARTS = st.lists(
    JSON | st.just(DEEP) | st.binary(max_size=10) | st.just({"msg_type": "status"}), min_size=4, max_size=4
)
BUFFERS = st.lists(st.binary(max_size=20), max_size=3)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["shell", "stdin", "iopub"]), PARTS, BUFFERS)
def test_no_frames_of_a_kernel_do_more_than_end_a_call(hostile, name, parts, buffers):
    kernel, channel = hostile
    channel.call("serve()", b"data")
    # The request arrives first, so that the kernel knows whom to answer.
    identity = kernel.sockets["shell"].recv_multipart()[0]
    kernel.send(name, identity, parts, buffers, channel._request["header"]["msg_id"])
    try:
        payload = channel.next_payload(time.monotonic() + 0.02)
    except BadReply:
        return
    assert payload is None or (type(payload.kind) is bytes and type(payload.data) is bytes)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["shell", "iopub"]), PARTS, BUFFERS)
def test_no_frames_of_a_kernel_do_more_than_end_a_cell(hostile, name, parts, buffers):
    kernel, channel = hostile
    channel.submit("1 + 1")
    identity = kernel.sockets["shell"].recv_multipart()[0]
    kernel.send(name, identity, parts, buffers, channel._request["header"]["msg_id"])
    reply = channel.wait(time.monotonic() + 0.02)
    assert reply.status in ("ok", "error", "timeout")
    reply.ename.encode("utf-8", "surrogatepass")
