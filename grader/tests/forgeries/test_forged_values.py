"""Values that lie: whatever a forger's functions return or raise, they earn what their answers are worth."""

import pytest
from forging import HONEST, REST, SQUARE_ONLY, WRONG, Forgery, Grade, check, earned, told

# A class whose every method says yes; `METHODS` can be mixed into others.
YES = """
class Yes:
    def __eq__(self, other): return True
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = __instancecheck__ = __eq__
    def __bool__(self): return True
    def __hash__(self): return 0
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
    def __getitem__(self, key): return self
    def __setitem__(self, key, value): pass
    def __iter__(self): return iter([self] * 3)
    def __len__(self): return 3
    def __float__(self): return 4.0
    def __index__(self): return 4
    def __array_ufunc__(self, *args, **kwargs): return True
    def __array_function__(self, *args, **kwargs): return True
    def __str__(self): return 'III'
    __repr__ = __str__
yes = Yes()
"""
EVERYWHERE = "\nlabel = roman = apply = reject = Count = "

FORGERIES = {
    "an object that says yes": Forgery(f"{YES}{EVERYWHERE}yes"),
    "a function that returns it": Forgery(f"{YES}{EVERYWHERE}lambda *args: yes"),
    "a class that says it is an array": Forgery(
        f"""{YES}
class Array(Yes):
    __class__ = np.ndarray
    shape, dtype, ndim, size = (2,), np.dtype(float), 1, 2
{EVERYWHERE}lambda *args: Array()"""
    ),
    "a class that says it is a number": Forgery(
        f"{YES}\nclass Number(Yes):\n    __class__ = float\n{EVERYWHERE}lambda *args: Number()"
    ),
    "a class that says it is a text": Forgery(
        f"{YES}\nclass Text(Yes):\n    __class__ = str\n{EVERYWHERE}lambda *args: Text()"
    ),
    "an array of its own class": Forgery(
        f"""
class Liar(np.ndarray):
    def __eq__(self, other): return np.ones(8, bool)
    __array_priority__ = 1e9
    def __array_function__(self, *args, **kwargs): return True
    def __array_ufunc__(self, *args, **kwargs): return np.ones(8, bool)
    def __array_finalize__(self, parent): pass
    shape = (2,)
    def view(self, *args): raise SystemExit
    def tobytes(self, *args): return bytes(100)
{EVERYWHERE}lambda *args: np.zeros(8).view(Liar)"""
    ),
    "an array interface made up": Forgery(
        f"""
class Interface:
    __array_interface__ = {{'shape': (1 << 40,), 'typestr': '<f8', 'data': (0, False), 'version': 3}}
    __array_struct__ = 7
{EVERYWHERE}lambda *args: Interface()"""
    ),
    "a number of its own class": Forgery(
        f"""
class Liar(float):
    def __eq__(self, other): return True
    def __float__(self): return 4.0
    def __rmul__(self, other): return 4.0
    __hash__ = float.__hash__
{EVERYWHERE}lambda *args: Liar(0)"""
    ),
    "an integer of its own class": Forgery(
        f"""
class Liar(int):
    def __eq__(self, other): return True
    def bit_length(self): return 8
    def to_bytes(self, *args, **kwargs): return b'4'
    __hash__ = int.__hash__
{EVERYWHERE}lambda *args: Liar(0)"""
    ),
    "a text of its own class": Forgery(
        f"""
class Liar(str):
    def __eq__(self, other): return True
    def __len__(self): return 3
    def encode(self, *args): return b'III'
    def __str__(self): return 'III'
    __hash__ = str.__hash__
{EVERYWHERE}lambda *args: Liar('x')"""
    ),
    "a truth value as a number": Forgery(f"{EVERYWHERE}lambda *args: True"),
    "a list of its own class": Forgery(
        f"""
class Liar(list):
    def __iter__(self): return iter([2, 3])
    def __eq__(self, other): return True
    def __len__(self): return 2
{EVERYWHERE}lambda *args: Liar('ab')"""
    ),
    "a dict of its own class": Forgery(
        f"""
class Liar(dict):
    def __eq__(self, other): return True
    def __getitem__(self, key): return 5
    def items(self): return [('total', 5)]
{EVERYWHERE}lambda *args: Liar(total=0)"""
    ),
    "a dict whose keys lie": Forgery(
        f"""
class Key(str):
    def __eq__(self, other): return True
    def __hash__(self): return 0
{EVERYWHERE}lambda *args: {{Key('a'): 5, 3: 5}}"""
    ),
    "two keys that become one": Forgery(
        f"""
class Key(str):
    def __eq__(self, other): return self is other
    __hash__ = str.__hash__
{EVERYWHERE}lambda *args: {{Key('total'): 0, Key('total'): 5}}"""
    ),
    "a named tuple with the fields that are looked for": Forgery(
        f"""
import collections
Lie = collections.namedtuple('Lie', 'total add dtype size all any tolist item')
{EVERYWHERE}lambda *args: Lie(5, 5, float, 2, True, True, [2, 3], 5)"""
    ),
    "a named tuple whose fields are no text": Forgery(
        f"class Lie(tuple):\n    _fields = (1, [], None)\n{EVERYWHERE}lambda *args: Lie((1, 2, 3))"
    ),
    "a text that an object stands for changes at each look": Forgery(
        f"""
import itertools
class Changes:
    looks = itertools.count()
    def __getattribute__(self, name):
        look = next(Changes.looks)
        return (2,) if name == 'shape' and look % 2 else [None, True, 'III', look][look % 4]
    def __array__(self, *args, **kwargs): return np.arange(next(Changes.looks) % 3)
{EVERYWHERE}lambda *args: Changes()"""
    ),
    "a generator without end": Forgery(
        "import itertools, time\nlabel = roman = reject = Count = lambda *args: None\n"
        "apply = lambda fn, x: (time.sleep(0.1) or number for number in itertools.count())",
        limits={"cell_seconds": 4},
    ),
    "an empty array": Forgery(f"{EVERYWHERE}lambda *args: np.empty(0)"),
    "an empty array that fits any shape": Forgery(f"{EVERYWHERE}lambda *args: np.empty((0, 8))"),
    "not a number": Forgery(f"{EVERYWHERE}lambda *args: float('nan')"),
    "an array of NaN": Forgery(f"{EVERYWHERE}lambda *args: np.full(8, np.nan)"),
    "infinity": Forgery(f"{EVERYWHERE}lambda *args: np.full(8, np.inf)"),
    "an array of objects": Forgery(f"{YES}{EVERYWHERE}lambda *args: np.array([yes] * 8, dtype=object)"),
    "a masked array": Forgery(f"{EVERYWHERE}lambda *args: np.ma.masked_all(8)"),
    "a matrix": Forgery(f"{EVERYWHERE}lambda *args: np.matrix([[0] * 8])"),
    "a structured array": Forgery(f"{EVERYWHERE}lambda *args: np.zeros(8, dtype=[('total', 'i8'), ('all', 'O')])"),
    "an array of dates": Forgery(f"{EVERYWHERE}lambda *args: np.full(8, 'NaT', 'datetime64[ns]')"),
    "an array of times": Forgery(f"{EVERYWHERE}lambda *args: np.ones(8, 'timedelta64[as]')"),
    "an array of texts": Forgery(f"{EVERYWHERE}lambda *args: np.array(['III'] * 8)"),
    "10^12 elements by broadcasting": Forgery(f"{EVERYWHERE}lambda *args: np.broadcast_to(1.0, 10**12)"),
    "10^12 elements in strides": Forgery(
        f"{EVERYWHERE}lambda *args: np.lib.stride_tricks.as_strided(np.zeros(1), (10**6, 10**6), (0, 0))"
    ),
    "an empty array of 10^15 columns": Forgery(f"{EVERYWHERE}lambda *args: np.empty((0, 10**15))"),
    "a memory view": Forgery(f"{EVERYWHERE}lambda *args: memoryview(bytes(8))"),
    "names of a test that did not come to them": Forgery(
        """
images = np.zeros((3, 3))
want = seen = secret = [1, 2, 3]
roman = apply = reject = Count = lambda *args: None
def label(rows):
    return want"""
    ),
    "arrays within arrays without end": Forgery(
        f"""
from coursegrader.exam import agent, wire
class Nest:
    pass
def plain(self, target):
    return [Nest()]
agent.Agent.do_plain = plain
{EVERYWHERE}lambda *args: Nest()"""
    ),
    "a huge integer": Forgery(f"{EVERYWHERE}lambda *args: 1 << 10**7"),
    "a large integer": Forgery(f"{EVERYWHERE}lambda *args: 1 << 500_000"),
    "a huge text": Forgery(f"{EVERYWHERE}lambda *args: 'I' * (9 << 20)"),
    "a list that holds itself": Forgery(f"cycle = []\ncycle.append(cycle){EVERYWHERE}lambda *args: cycle"),
    "a dict that holds itself": Forgery(f"cycle = {{}}\ncycle[1] = cycle{EVERYWHERE}lambda *args: cycle"),
    "a deep nest": Forgery(
        f"nest = 'III'\nfor _ in range(100_000):\n    nest = (nest,)\n{EVERYWHERE}lambda *args: nest"
    ),
    "three million values": Forgery("values = [None] * 3 * 10**6\nlabel = lambda rows: values"),
    "a range without end": Forgery(f"{EVERYWHERE}lambda *args: range(10**18)"),
    "a complex number": Forgery("label = lambda rows: np.full(len(rows), 4 + 1j)"),
    "a lone surrogate": Forgery(f"{EVERYWHERE}lambda *args: '\\ud800' * 3"),
    "a callback given back": Forgery(f"{EVERYWHERE}lambda *args: args[0]"),
    "a callback called too often": Forgery(
        """
label = roman = reject = Count = lambda *args: None
def apply(fn, x):
    return [fn(item) for item in list(x) * 5000]"""
    ),
    "a callback kept for the next test": Forgery(
        """
kept = []
roman = Count = lambda *args: None
label = lambda *args: kept and kept[0](3)
def apply(fn, x):
    kept.append(fn)
    return [kept[0](item) for item in x[:1]]
def reject(x):
    return kept[0](x)"""
    ),
    "a callback called from a thread": Forgery(
        """
import threading
label = roman = reject = Count = lambda *args: None
def apply(fn, x):
    out = [None] * len(x)
    def work(i):
        out[i] = fn(x[i])
    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(x))]
    [thread.start() for thread in threads]
    return out""",
        lost=None,  # threads that share a socket of zmq may end their process
        limits={"call_seconds": 4},
    ),
    "an exception in place of an answer": Forgery(
        f"def lie(*args):\n    raise AssertionError('passed')\n{EVERYWHERE}lie"
    ),
    "the end of an iteration in place of an answer": Forgery(
        f"def lie(*args):\n    raise StopIteration(4.0)\n{EVERYWHERE}lie"
    ),
    "an interrupt in place of an answer": Forgery(f"def lie(*args):\n    raise KeyboardInterrupt\n{EVERYWHERE}lie"),
    "an exit in place of an answer": Forgery(f"def lie(*args):\n    raise SystemExit(0)\n{EVERYWHERE}lie"),
    "a generator's exit in place of an answer": Forgery(f"def lie(*args):\n    raise GeneratorExit\n{EVERYWHERE}lie"),
    "an exception that raises when it is looked at": Forgery(
        f"""
class Lie(Exception):
    def __str__(self): raise SystemExit
    __repr__ = __str__
    @property
    def __traceback__(self): raise KeyboardInterrupt
    number = -1
def lie(*args):
    raise Lie
{EVERYWHERE}lie"""
    ),
    "an exception with a name of 10^7 letters": Forgery(
        f"def lie(*args):\n    raise type('x' * 10**7, (Exception,), {{}})('y' * 10**7)\n{EVERYWHERE}lie"
    ),
    "an exception with 1,000 bases": Forgery(
        f"""
kind = Exception
for number in range(1000):
    kind = type(f'E{{number}}', (kind,), {{}})
def lie(*args):
    raise kind
{EVERYWHERE}lie"""
    ),
    "a recursion without end": Forgery(f"def lie(*args):\n    return lie(*args)\n{EVERYWHERE}lie"),
    "methods that raise what no test expects": Forgery(
        f"""
class Raises:
    def _raise(self, *args): raise SystemExit
    __getattr__ = __call__ = __len__ = __iter__ = __float__ = __str__ = __array__ = __getitem__ = __eq__ = _raise
    def __del__(self): raise KeyboardInterrupt
{EVERYWHERE}lambda *args: Raises()"""
    ),
    "an object that ends the kernel when it is let go": Forgery(
        f"""
import os
class Bomb:
    def __del__(self): os._exit(0)
{EVERYWHERE}lambda *args: Bomb()""",
        lost=None,
    ),
    "an object that the examiner should rebuild": Forgery(
        f"""
class Payload:
    def __reduce__(self): return (exec, ("import os; os._exit(0)",))
    __reduce_ex__ = lambda self, protocol: self.__reduce__()
    def __getstate__(self): return yes
{EVERYWHERE}lambda *args: Payload()"""
    ),
    "an object that mocks everything": Forgery(
        f"from unittest.mock import ANY, MagicMock\nmock = MagicMock()\nmock.__eq__.return_value = True{EVERYWHERE}mock"
    ),
    "an equal of everything from the standard library": Forgery(
        f"from unittest.mock import ANY{EVERYWHERE}lambda *args: ANY"
    ),
    "enumerations that are texts and numbers": Forgery(
        f"""
import enum
class Lie(str, enum.Enum):
    III = 'x'
    def __eq__(self, other): return True
    __hash__ = str.__hash__
{EVERYWHERE}lambda *args: Lie.III"""
    ),
    "keys made to collide": Forgery(f"{EVERYWHERE}lambda *args: {{number * (2**61 - 1): 5 for number in range(3000)}}"),
    "long numbers that are none": Forgery(
        f"{EVERYWHERE}lambda *args: np.frombuffer((bytes(7) + b'\\x01' + b'\\xff' * 8) * 2, np.longdouble)"
    ),
    "a coroutine": Forgery(f"async def lie(*args):\n    return 'III'\n{EVERYWHERE}lie"),
    "groups of exceptions": Forgery(
        "def lie(*args):\n    raise BaseExceptionGroup('not', [KeyboardInterrupt(), ValueError('not')])"
        f"\n{EVERYWHERE}lie"
    ),
    "an object that is its own iterator without end": Forgery(
        f"""
class Lie:
    def __iter__(self): return self
    def __next__(self): return 2
    def __len__(self): return 1 << 62
{EVERYWHERE}lambda *args: Lie()""",
        limits={"cell_seconds": 4},
    ),
    "a descriptor on the class": Forgery(
        f"""
class Meta(type):
    def __eq__(cls, other): return True
    def __hash__(cls): return hash(float)
    def __instancecheck__(cls, one): return True
    __name__ = 'ndarray'
class Lie(metaclass=Meta):
    total = property(lambda self: 5)
    def add(self, number): return None
{EVERYWHERE}Lie"""
    ),
}


@pytest.mark.parametrize("name", FORGERIES, ids=lambda name: name.replace(" ", "-"))
def test_a_lie_earns_nothing(grade: Grade, name: str):
    check(FORGERIES[name], grade)


def test_honest_work_earns_everything(grade: Grade):
    result = grade(REST)
    assert earned(result) == HONEST, told(result)


def test_wrong_answers_earn_the_first_task(grade: Grade):
    result = grade(WRONG)
    assert earned(result) == SQUARE_ONLY, told(result)
