"""Plain data as bytes: what crosses between the student's kernel and the examiner's.

A value is a tag byte and its content; containers hold values. Nothing is evaluated and nothing is unpickled: `decode`
makes None, built-in numbers, strings, containers, NumPy arrays and scalars, tensors, and a few descriptions (dtypes,
shapes, slices, ranges, types from a fixed table), and raises `WireError` for every other sequence of bytes. Types are
made by the reader, so that a subclass sent by one side is the plain type on the other.

What is not plain data crosses as a `Reference`, whose meaning each side keeps to itself.
"""

import re
import struct
import sys
from array import array
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np


class WireError(ValueError):
    """Bytes that are no value, or a value that goes beyond the limits of what crosses."""


class Unsupported(WireError):
    """A value of a kind that cannot cross, with advice on what to return instead."""


class Bounds(NamedTuple):
    """How large a message may be: bytes in all, values in it, levels of nesting, and references among the values."""

    num_bytes: int = 1 << 28
    num_values: int = 2_000_000
    depth: int = 100
    # What a reference costs is the handle on the other side, many times a plain value.
    num_references: int = 100_000


class Reference(NamedTuple):
    """Something that stays on its own side: `kind` says what it can do, `number` which one, `type_name` what it is."""

    kind: str
    number: int
    type_name: str


BOUNDS = Bounds()
KINDS = ("object", "function", "class", "callback")
# An integer of more bits than this is nobody's answer, and arithmetic on it cannot be interrupted.
MAX_INT_BYTES = 1 << 16
MAX_NAME = 200
_MAX_AXES = 64  # NumPy's own limit.
# So many different keys of one hash value are no accident: they were made to keep whoever builds the table busy.
MAX_SAME_HASH = 64

# Lists and tuples from this length on are looked at for numbers of one type.
PACKED_LENGTH = 16
_PACKED = {float: "d", int: "q"}

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_FLOAT = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")
_DTYPE = re.compile(r"[<>|][biufcSU]\d{1,6}|[<>][mM]8(\[\d{0,9}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?")
_EXTENSION_DTYPES = {
    name: np.dtype(getattr(ml_dtypes, name)) for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "uint4")
}
_EXTENSION_NAMES = {dtype: name for name, dtype in _EXTENSION_DTYPES.items()}
_BUILTIN_TYPES = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, object)
_NUMPY_TYPES = (
    "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longdouble complex64 complex128"
)
_TYPES: dict[str, type] = {kind.__name__: kind for kind in _BUILTIN_TYPES} | {
    f"numpy.{name}": getattr(np, name) for name in _NUMPY_TYPES.split()
}
_TYPE_NAMES = {kind: name for name, kind in _TYPES.items()}
# Subclasses from the standard library that students return where a dict is meant.
_PLAIN_DICTS = (dict, OrderedDict, defaultdict, Counter)
# What a `tf.Module` makes of the lists, dicts and tuples among its attributes, and where each keeps its content.
_TRACKING = "tensorflow.python.trackable.data_structures"
_TRACKED = {"ListWrapper": "_storage", "_DictWrapper": "__wrapped__", "_TupleWrapper": "__wrapped__"}


def _tensorflow() -> Any | None:
    """TensorFlow where it is loaded already: a tensor exists only there, and importing it for a look takes seconds."""
    module = sys.modules.get("tensorflow")
    return module if hasattr(module, "Tensor") else None


def _extends(value: Any, plain: type) -> bool:
    """Whether a value's type extends `plain`; raises `Unsupported` where only its `__class__` says so."""
    extends = issubclass(type(value), plain)
    if not extends and isinstance(value, plain):
        raise Unsupported(f"an object that only says it is a {plain.__name__} cannot cross; return a real one")
    return extends


def dtype_name(dtype: np.dtype) -> str | None:
    """The name under which a dtype crosses (with its byte order), or None where its arrays do not."""
    if dtype in _EXTENSION_NAMES:
        return _EXTENSION_NAMES[dtype]
    if dtype.fields is None and dtype.subdtype is None and dtype.itemsize and _DTYPE.fullmatch(dtype.str):
        return dtype.str
    return None


def dtype_named(name: str) -> np.dtype:
    """The dtype of a name from `dtype_name`; raises `WireError` for any other text."""
    if name in _EXTENSION_DTYPES:
        return _EXTENSION_DTYPES[name]
    if not _DTYPE.fullmatch(name):
        raise WireError("no such dtype")
    try:
        dtype = np.dtype(name)
    except (TypeError, ValueError) as error:
        raise WireError("no such dtype") from error
    if not dtype.itemsize:
        raise WireError("a dtype without a size")
    return dtype


class Record(tuple):
    """A named tuple as it crosses: a tuple whose items can also be had by their names, of nobody's class but ours."""

    _fields: tuple[str, ...]

    def __new__(cls, fields: tuple[str, ...], items: tuple) -> "Record":
        """Give each of `items` the name at its place in `fields`."""
        record = super().__new__(cls, items)
        record._fields = fields
        return record

    def __getattr__(self, name: str) -> Any:
        if name in self._fields and not name.startswith("_"):
            return self[self._fields.index(name)]
        raise AttributeError(f"no item is called {name!r}")


class _NotPlainError(Exception):
    """A value, or a key of a container, that does not cross by value."""


class _Encoder:
    def __init__(self, refer: Callable[[Any], Reference] | None, bounds: Bounds):
        self.refer, self.bounds = refer, bounds
        self.chunks: list[Any] = []
        self.num_values = self.num_references = 0
        self.num_bytes = 0

    def add(self, *chunks: Any) -> None:
        for chunk in chunks:
            self.num_bytes += len(chunk)
        if self.num_bytes > self.bounds.num_bytes:
            raise WireError(f"a value of more than {self.bounds.num_bytes >> 20} MiB cannot cross; use a smaller one")
        self.chunks.extend(chunks)

    def count(self, num_values: int) -> None:
        self.num_values += num_values
        if self.num_values > self.bounds.num_values:
            raise WireError(f"a container of more than {self.bounds.num_values:,} values cannot cross; use an array")

    def put_text(self, tag: bytes, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self.add(tag, _U32.pack(len(data)), data)

    def put_value(self, value: Any, depth: int = 0) -> None:
        self.count(1)
        if depth > self.bounds.depth:
            raise WireError(f"a value nested more than {self.bounds.depth} levels (or that holds itself) cannot cross")
        writer = _WRITERS.get(type(value)) or self.writer_of_subclass(value)
        if writer is None:
            self.put_reference(value)
        else:
            writer(self, value, depth)

    @staticmethod
    def writer_of_subclass(value: Any) -> Callable | None:
        """The writer of the plain type that a value's type extends; its methods are never asked."""
        kind = type(value)
        if any(kind is getattr(sys.modules.get(_TRACKING), name, None) for name in _TRACKED):
            return _Encoder.put_tracked
        if _extends(value, np.generic):
            return _Encoder.put_array
        if _extends(value, np.ndarray):
            return None if issubclass(kind, np.ma.MaskedArray) else _Encoder.put_array
        if issubclass(kind, np.dtype):
            return _Encoder.put_dtype
        if issubclass(kind, type):
            return _Encoder.put_type if _TYPE_NAMES.get(value) else None
        if issubclass(kind, tuple) and hasattr(value, "_fields"):
            return _Encoder.put_record
        for plain in (int, float, complex, str, bytes, list, tuple, dict, set, frozenset):
            if _extends(value, plain):
                return _WRITERS[plain]
        tf = _tensorflow()
        if tf is None:
            return None
        if _extends(value, tf.Tensor):
            return _Encoder.put_tensor if hasattr(value, "numpy") else None
        if issubclass(kind, tf.TensorShape):
            return _Encoder.put_shape
        if issubclass(kind, tf.DType):
            return _Encoder.put_tensor_dtype
        for refused, advice in (
            (tf.RaggedTensor, "use .to_list() or .to_tensor()"),
            (tf.SparseTensor, "use tf.sparse.to_dense"),
            (tf.IndexedSlices, "use tf.convert_to_tensor"),
        ):
            if issubclass(kind, refused):
                raise Unsupported(f"a {refused.__name__} cannot cross between test and answer: {advice}")
        return None

    def put_reference(self, value: Any) -> None:
        if self.refer is None:
            raise _NotPlainError
        self.num_references += 1
        if self.num_references > self.bounds.num_references:
            raise WireError(f"a container of more than {self.bounds.num_references:,} objects cannot cross")
        reference = self.refer(value)
        self.add(b"h", bytes([KINDS.index(reference.kind)]), _U64.pack(reference.number))
        self.put_text(b"", str.__str__(reference.type_name)[:MAX_NAME])

    def put_none(self, value: None, depth: int) -> None:
        self.add(b"N")

    def put_ellipsis(self, value: Any, depth: int) -> None:
        self.add(b".")

    def put_bool(self, value: bool, depth: int) -> None:
        self.add(b"T" if value else b"F")

    def put_int(self, value: int, depth: int) -> None:
        num_bytes = (int.bit_length(value) + 8) // 8
        if num_bytes > MAX_INT_BYTES:
            raise WireError("an integer that large cannot cross")
        self.add(b"i", _U32.pack(num_bytes), int.to_bytes(value, num_bytes, "little", signed=True))

    def put_float(self, value: float, depth: int) -> None:
        # Packing takes the number that a float subclass holds and asks none of its methods.
        self.add(b"d", _FLOAT.pack(value))

    def put_complex(self, value: complex, depth: int) -> None:
        self.add(b"c", _COMPLEX.pack(complex.real.__get__(value), complex.imag.__get__(value)))

    def put_str(self, value: str, depth: int) -> None:
        self.put_text(b"s", str.__str__(value))

    def put_bytes(self, value: bytes, depth: int) -> None:
        data = bytes.__getitem__(value, slice(None))
        self.add(b"b", _U32.pack(len(data)), data)

    def put_sequence(self, tag: bytes, items: list, depth: int) -> None:
        """A list or tuple; numbers of one type, as a history or a table row has them, in one block."""
        kinds = set(map(type, items)) if len(items) >= PACKED_LENGTH else set()
        if len(kinds) == 1 and (code := _PACKED.get(kinds.pop())):
            try:
                packed = array(code, items)
            except OverflowError:
                # An integer beyond 64 bits is among them.
                return self.put_items(tag, items, depth)
            self.count(len(items))
            self.add(b"p" + tag + code.encode(), _U32.pack(len(items)), packed.tobytes())
            return None
        return self.put_items(tag, items, depth)

    def put_items(self, tag: bytes, items: list, depth: int) -> None:
        self.add(tag, _U32.pack(len(items)))
        for item in items:
            self.put_value(item, depth + 1)

    def put_keyed(self, tag: bytes, value: Any, keys: list, values: list | None, depth: int) -> None:
        """A set or a dict: where a key does not cross by value, the whole container stays on its side."""
        start, num_bytes, refer = len(self.chunks), self.num_bytes, self.refer
        self.add(tag, _U32.pack(len(keys)))
        self.refer = None
        try:
            for key in keys:
                self.put_value(key, depth + 1)
        except _NotPlainError:
            del self.chunks[start:]
            self.num_bytes, self.refer = num_bytes, refer
            self.put_reference(value)
            return
        finally:
            self.refer = refer
        for item in values or ():
            self.put_value(item, depth + 1)

    def put_list(self, value: list, depth: int) -> None:
        self.put_sequence(b"l", list(list.__iter__(value)), depth)

    def put_tuple(self, value: tuple, depth: int) -> None:
        self.put_sequence(b"t", list(tuple.__iter__(value)), depth)

    def put_record(self, value: tuple, depth: int) -> None:
        self.put_items(b"n", [list(value._fields), list(tuple.__iter__(value))], depth)

    def put_dict(self, value: dict, depth: int) -> None:
        pairs = list(dict.items(value))
        self.put_keyed(b"m", value, [key for key, _ in pairs], [item for _, item in pairs], depth)

    def put_tracked(self, value: Any, depth: int) -> None:
        # Its own list is empty, or it only says that it is a dict.
        self.put_value(getattr(value, _TRACKED[type(value).__name__]), depth + 1)

    def put_set(self, value: set, depth: int) -> None:
        self.put_keyed(b"S", value, list(set.__iter__(value)), None, depth)

    def put_frozenset(self, value: frozenset, depth: int) -> None:
        self.put_keyed(b"f", value, list(frozenset.__iter__(value)), None, depth)

    def put_array(self, value: np.ndarray | np.generic, depth: int) -> None:
        scalar = isinstance(value, np.generic)
        array = np.array(value) if scalar else np.ndarray.view(value, np.ndarray)
        name = dtype_name(array.dtype)
        if name is None:
            self.put_reference(value)
            return
        fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        self.put_block(b"a", name, array, scalar << 1 | fortran)

    def put_block(self, tag: bytes, name: str, array: np.ndarray, flags: int) -> None:
        if array.nbytes + self.num_bytes > self.bounds.num_bytes:
            raise WireError(f"an array of {array.nbytes >> 20} MiB cannot cross; use a smaller one")
        self.put_text(tag, name)
        self.add(bytes([flags, array.ndim]), struct.pack(f"<{array.ndim}Q", *array.shape), _U64.pack(array.nbytes))
        self.add(array.tobytes("F" if flags & 1 else "C"))

    def put_tensor(self, value: Any, depth: int) -> None:
        array = value.numpy()
        if value.dtype.name == "string":
            items = np.asarray(array, dtype=object)
            self.add(b"X", bytes([items.ndim]), struct.pack(f"<{items.ndim}Q", *items.shape))
            self.put_items(b"l", [bytes(item) for item in items.ravel()], depth)
            return
        array = np.asarray(array)
        name = dtype_name(array.dtype)
        if name is None:
            raise Unsupported(f"a tensor of dtype {value.dtype.name} cannot cross between test and answer; cast it")
        self.put_block(b"x", name, array, 0)

    def put_shape(self, value: Any, depth: int) -> None:
        self.add(b"P")
        self.put_value(None if value.rank is None else tuple(value.as_list()), depth + 1)

    def put_tensor_dtype(self, value: Any, depth: int) -> None:
        self.put_text(b"Y", value.name)

    def put_dtype(self, value: np.dtype, depth: int) -> None:
        name = dtype_name(value)
        if name is None:
            self.put_reference(value)
        else:
            self.put_text(b"D", name)

    def put_type(self, value: type, depth: int) -> None:
        self.put_text(b"C", _TYPE_NAMES[value])

    def put_slice(self, value: slice, depth: int) -> None:
        self.put_items(b"z", [value.start, value.stop, value.step], depth)

    def put_range(self, value: range, depth: int) -> None:
        self.put_items(b"r", [value.start, value.stop, value.step], depth)


_WRITERS: dict[type, Callable] = {
    type(None): _Encoder.put_none,
    type(...): _Encoder.put_ellipsis,
    bool: _Encoder.put_bool,
    int: _Encoder.put_int,
    float: _Encoder.put_float,
    complex: _Encoder.put_complex,
    str: _Encoder.put_str,
    bytes: _Encoder.put_bytes,
    list: _Encoder.put_list,
    tuple: _Encoder.put_tuple,
    set: _Encoder.put_set,
    frozenset: _Encoder.put_frozenset,
    np.ndarray: _Encoder.put_array,
    slice: _Encoder.put_slice,
    range: _Encoder.put_range,
} | dict.fromkeys(_PLAIN_DICTS, _Encoder.put_dict)


def encode(value: Any, refer: Callable[[Any], Reference] | None = None, bounds: Bounds = BOUNDS) -> bytes:
    """The bytes of a value; `refer` gives the reference under which anything that is not plain data crosses.

    Raises `Unsupported` for ragged and sparse tensors and, without `refer`, for whatever is not plain data;
    `WireError` where the value goes beyond `bounds`.
    """
    encoder = _Encoder(refer, bounds)
    try:
        encoder.put_value(value)
    except _NotPlainError:
        raise Unsupported(f"a value of type {type(value).__name__} is, or holds, no plain data") from None
    return b"".join(encoder.chunks)


class _Decoder:
    def __init__(self, data: bytes, resolve: Callable[[Reference], Any] | None, bounds: Bounds):
        self.data, self.resolve, self.bounds = memoryview(data).cast("B"), resolve, bounds
        self.position = 0
        self.num_values = self.num_references = 0

    def take(self, count: int) -> memoryview:
        end = self.position + count
        if end > len(self.data):
            raise WireError("the message ends too early")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def get_u32(self) -> int:
        return _U32.unpack(self.take(4))[0]

    def get_u64(self) -> int:
        return _U64.unpack(self.take(8))[0]

    def get_text(self, limit: int | None = None) -> str:
        count = self.get_u32()
        if limit is not None and count > limit:
            raise WireError("a name that is too long")
        try:
            return str(self.take(count), "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise WireError("text that is not UTF-8") from error

    def get_value(self, depth: int = 0) -> Any:
        self.num_values += 1
        if self.num_values > self.bounds.num_values or depth > self.bounds.depth:
            raise WireError("too many values, or nested too deep")
        reader = _READERS.get(bytes(self.take(1)))
        if reader is None:
            raise WireError("unknown kind of value")
        return reader(self, depth)

    def get_count(self) -> int:
        count = self.get_u32()
        if count > len(self.data) - self.position:
            raise WireError("more items than the message holds")
        return count

    def get_int(self, depth: int) -> int:
        count = self.get_u32()
        if count > MAX_INT_BYTES:
            raise WireError("an integer that is too large")
        return int.from_bytes(self.take(count), "little", signed=True)

    def get_bytes(self, depth: int) -> bytes:
        return bytes(self.take(self.get_u32()))

    def get_list(self, depth: int) -> list:
        return [self.get_value(depth + 1) for _ in range(self.get_count())]

    def get_packed(self, depth: int) -> list | tuple:
        tag, code = bytes(self.take(1)), bytes(self.take(1))
        if tag not in (b"l", b"t") or code not in (b"d", b"q"):
            raise WireError("numbers of no known type")
        count = self.get_u32()
        self.num_values += count
        if self.num_values > self.bounds.num_values:
            raise WireError("too many values")
        items = array(code.decode(), bytes(self.take(8 * count))).tolist()
        return items if tag == b"l" else tuple(items)

    def get_keys(self, depth: int) -> list:
        keys = self.get_list(depth)
        try:
            # Hash values as they are spread over a table; the most frequent one is the length of its longest search.
            same_hash = max(Counter(map(hash, keys)).values(), default=0)
        except TypeError as error:
            raise WireError("a key that cannot be one") from error
        if same_hash > MAX_SAME_HASH:
            raise WireError("keys that were made to collide")
        return keys

    def get_dict(self, depth: int) -> dict:
        keys = self.get_keys(depth)
        pairs = {key: self.get_value(depth + 1) for key in keys}
        if len(pairs) != len(keys):
            raise WireError("a key that is there twice")
        return pairs

    def get_set(self, depth: int) -> set:
        return set(self.get_keys(depth))

    def get_dims(self) -> tuple[int, ...]:
        ndim = self.take(1)[0]
        if ndim > _MAX_AXES:
            raise WireError("too many axes")
        return struct.unpack(f"<{ndim}Q", self.take(8 * ndim))

    def get_block(self) -> tuple[np.ndarray, int]:
        dtype = dtype_named(self.get_text(limit=MAX_NAME))
        flags = self.take(1)[0]
        shape = self.get_dims()
        num_bytes = self.get_u64()
        # An empty array can still have axes so long that a sum over it would fill the memory.
        extent = dtype.itemsize
        for size in shape:
            extent *= max(size, 1)
        if extent > max(self.bounds.num_bytes, 1 << 20):
            raise WireError("an array that is too large")
        if num_bytes != (0 if 0 in shape else extent) or flags > 3 or (flags & 2 and shape):
            raise WireError("an array whose shape and content disagree")
        raw = bytearray(self.take(num_bytes))
        if dtype.kind == "b" and num_bytes and np.frombuffer(raw, np.uint8).max() > 1:
            raise WireError("a truth value that is neither true nor false")
        if dtype.kind == "U" and num_bytes:
            points = np.frombuffer(raw, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
            if points.max() > sys.maxunicode:
                raise WireError("text that is not Unicode")
        # A bytearray, so that the array can be written to, as any other.
        array = np.frombuffer(raw, dtype) if num_bytes else np.empty(0, dtype)
        return array.reshape(shape, order="F" if flags & 1 else "C"), flags

    def get_array(self, depth: int) -> np.ndarray | np.generic:
        array, flags = self.get_block()
        return array[()] if flags & 2 else array

    def get_tensor(self, depth: int) -> Any:
        array, flags = self.get_block()
        tf = _tensorflow()
        if flags:
            raise WireError("a tensor with the flags of an array")
        try:
            return array if tf is None else tf.constant(array)
        except (TypeError, ValueError) as error:
            raise WireError("a tensor of a dtype that tensors do not have") from error

    def get_string_tensor(self, depth: int) -> Any:
        shape = self.get_dims()
        items = self.get_value(depth + 1)
        size = 1
        for length in shape:
            size *= max(length, 1)
        if type(items) is not list or not all(type(item) is bytes for item in items) or size > self.bounds.num_values:
            raise WireError("a tensor of strings that holds something else")
        if len(items) != (0 if 0 in shape else size):
            raise WireError("a tensor whose shape and content disagree")
        array = np.empty(len(items), object)
        array[:] = items
        tf = _tensorflow()
        return array.reshape(shape) if tf is None else tf.reshape(tf.constant(items, tf.string, (len(items),)), shape)

    def get_shape(self, depth: int) -> Any:
        dims = self.get_value(depth + 1)
        fits = type(dims) is tuple and all(dim is None or (type(dim) is int and 0 <= dim < 1 << 62) for dim in dims)
        if not (dims is None or (fits and len(dims) <= 254)):
            raise WireError("no shape of a tensor")
        tf = _tensorflow()
        return dims if tf is None else tf.TensorShape(dims)

    def get_tensor_dtype(self, depth: int) -> Any:
        name = self.get_text(limit=MAX_NAME)
        tf = _tensorflow()
        if tf is None:
            return name
        try:
            return tf.as_dtype(name)
        except TypeError as error:
            raise WireError("no dtype of a tensor") from error

    def get_dtype(self, depth: int) -> np.dtype:
        return dtype_named(self.get_text(limit=MAX_NAME))

    def get_type(self, depth: int) -> type:
        name = self.get_text(limit=MAX_NAME)
        if name not in _TYPES:
            raise WireError("no type from the table")
        return _TYPES[name]

    def get_three(self, depth: int) -> list:
        items = self.get_list(depth)
        if len(items) != 3:
            raise WireError("a slice or range has three parts")
        return items

    def get_slice(self, depth: int) -> slice:
        parts = self.get_three(depth)
        if not all(part is None or type(part) is int or isinstance(part, np.integer) for part in parts):
            raise WireError("a slice of something else than integers")
        return slice(*parts)

    def get_range(self, depth: int) -> range:
        parts = self.get_three(depth)
        if not all(type(part) is int and abs(part) < 1 << 62 for part in parts) or parts[2] == 0:
            raise WireError("a range of something else than integers")
        made = range(*parts)
        # Whoever turns it into a list must get away with it.
        if len(made) > self.bounds.num_values:
            raise WireError("a range that is too long")
        return made

    def get_record(self, depth: int) -> Record:
        parts = self.get_list(depth)
        if len(parts) != 2 or not all(type(part) is list for part in parts) or len(parts[0]) != len(parts[1]):
            raise WireError("a named tuple has as many names as items")
        if not all(type(name) is str for name in parts[0]):
            raise WireError("a named tuple whose names are no text")
        return Record(tuple(parts[0]), tuple(parts[1]))

    def get_reference(self, depth: int) -> Any:
        kind, number = self.take(1)[0], self.get_u64()
        type_name = self.get_text(limit=4 * MAX_NAME)
        if kind >= len(KINDS) or self.resolve is None:
            raise WireError("a reference that means nothing here")
        self.num_references += 1
        if self.num_references > self.bounds.num_references:
            raise WireError("too many references")
        return self.resolve(Reference(KINDS[kind], number, type_name))


_READERS: dict[bytes, Callable[[_Decoder, int], Any]] = {
    b"N": lambda decoder, depth: None,
    b"T": lambda decoder, depth: True,
    b"F": lambda decoder, depth: False,
    b".": lambda decoder, depth: ...,
    b"i": _Decoder.get_int,
    b"d": lambda decoder, depth: _FLOAT.unpack(decoder.take(8))[0],
    b"c": lambda decoder, depth: complex(*_COMPLEX.unpack(decoder.take(16))),
    b"s": lambda decoder, depth: decoder.get_text(),
    b"b": _Decoder.get_bytes,
    b"l": _Decoder.get_list,
    b"t": lambda decoder, depth: tuple(decoder.get_list(depth)),
    b"m": _Decoder.get_dict,
    b"S": _Decoder.get_set,
    b"f": lambda decoder, depth: frozenset(decoder.get_set(depth)),
    b"a": _Decoder.get_array,
    b"x": _Decoder.get_tensor,
    b"X": _Decoder.get_string_tensor,
    b"P": _Decoder.get_shape,
    b"Y": _Decoder.get_tensor_dtype,
    b"D": _Decoder.get_dtype,
    b"C": _Decoder.get_type,
    b"z": _Decoder.get_slice,
    b"r": _Decoder.get_range,
    b"n": _Decoder.get_record,
    b"p": _Decoder.get_packed,
    b"h": _Decoder.get_reference,
}


def decode(data: bytes, resolve: Callable[[Reference], Any] | None = None, bounds: Bounds = BOUNDS) -> Any:
    """The value of bytes that `encode` made, exactly; `resolve` gives what a reference stands for on this side.

    Raises `WireError` for anything else, whatever the bytes are.
    """
    if len(data) > bounds.num_bytes:
        raise WireError("the message is too large")
    decoder = _Decoder(data, resolve, bounds)
    value = decoder.get_value()
    if decoder.position != len(decoder.data):
        raise WireError("bytes after the value")
    return value
