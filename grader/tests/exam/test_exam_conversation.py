"""What a test cell can do with the student's names: the architecture's section, sentence by sentence."""

import itertools
from types import SimpleNamespace

import pytest
from coursegrader.exam.channel import Channel


@pytest.fixture(scope="module")
def boxes(room):
    room.student(
        "class Box:\n"
        "    def __init__(self, items): self.items, self.entered = list(items), []\n"
        "    def __len__(self): return len(self.items)\n"
        "    def __getitem__(self, k): return self.items[k]\n"
        "    def __setitem__(self, k, v): self.items[k] = v\n"
        "    def __delitem__(self, k): del self.items[k]\n"
        "    def __iter__(self): return iter(self.items)\n"
        "    def __call__(self, x): return [x] + self.items\n"
        "    def __enter__(self): self.entered.append('in'); return self\n"
        "    def __exit__(self, kind, error, tb): self.entered.append(kind and kind.__name__); return True\n"
        "    def __str__(self): return 'a box'\n"
        "    def __eq__(self, other): return True\n"
        "    __ne__ = __lt__ = __gt__ = __contains__ = __eq__\n"
        "    def __hash__(self): return 1\n"
        "    def __bool__(self): return True\n"
        "    def inner(self): return Box(['inner'])\n"
        "class Number:\n"
        "    def __float__(self): return 2.5\n"
        "    def __index__(self): return 2\n"
        "class Table:\n    def __array__(self, dtype=None, copy=None): return np.arange(3.0)\n"
    )
    return room


class TestNames:
    def test_a_students_function_is_called_where_it_lives(self, room):
        room.student("import os\ndef whereabouts():\n    return os.getpid()")
        room.check_passes("import os\nassert whereabouts() != os.getpid()")

    def test_a_plain_value_arrives_as_itself_and_is_asked_for_anew(self, room):
        room.student("rate = 0.5\ndef faster():\n    global rate\n    rate *= 2")
        room.check_passes("assert type(rate) is float and rate == 0.5\nfaster()\nassert rate == 1.0")

    def test_the_examiners_own_names_come_first(self, room):
        room.examiner("def check_it(x):\n    assert x == 3")
        room.student("def check_it(x):\n    pass")
        room.fails("check_it(4)", "AssertionError")

    def test_a_rebinding_of_a_locked_name_is_seen_by_the_students_code_only(self, room):
        room.student("import numpy\nclass Fake:\n    def array_equal(*_): return True\nnp = Fake()")
        room.fails("assert np.array_equal([1], [2])", "AssertionError")
        room.student("np = numpy\nuses_np = lambda: np.__name__")
        room.check_passes("assert uses_np() == 'numpy'")

    def test_names_that_a_test_cell_binds_are_its_own(self, room):
        room.student("shared_name = 'student'")
        room.check_passes("shared_name = 'test'\nassert shared_name == 'test'")
        room.check_passes("assert shared_name == 'test'")
        room.student("assert shared_name == 'student'")

    def test_python_builtins_are_not_the_students(self, room):
        room.student("def len(x): return 3\ndef all(x): return True\ndef nine(): return [9]")
        room.check_passes("assert len(nine()) == 1 and not all([False])")
        room.student("del len, all")

    def test_names_are_looked_up_inside_functions_comprehensions_and_classes(self, room):
        room.student("def triple(x): return 3 * x")
        room.check_passes(
            "def inside():\n    return [triple(i) for i in range(3)]\nclass C:\n    value = triple(5)\n"
            "assert inside() == [0, 3, 6] and C.value == 15 and (lambda: triple(1))() == 3"
        )

    def test_a_missing_name_is_a_name_error(self, room):
        room.fails("not_there(1)", "NameError", "name 'not_there' is not defined")
        room.check_passes("try:\n    not_there\nexcept NameError:\n    pass\nelse:\n    assert False")

    def test_names_may_be_unicode(self, room):
        room.student("def größe(ß): return ß\nλ = 3.5")
        room.check_passes("assert größe('é\\U0001f600') == 'é\\U0001f600' and λ == 3.5")


class TestPlainData:
    def test_values_cross_exactly_in_both_directions(self, room):
        room.student("def echo(x): return x\ndef kind(x): return type(x).__name__")
        room.check_passes(
            "values = [None, True, 3, -2**80, 0.1, 1j, 'a', b'b', [1, [2]], (1,), {'k': (1,)}, {1, 2}, "
            "frozenset({3}),\n"
            ""
            ""
            "          np.float32(1), slice(1, 2), range(3)]\n"
            "for value in values:\n"
            "    assert type(echo(value)) is type(value) and echo(value) == value, value\n"
            "    assert kind(value) == type(value).__name__\n"
            "assert np.isnan(echo(float('nan')))"
        )

    def test_arrays_keep_dtype_and_shape(self, room):
        room.student("def echo_array(x): return x")
        room.check_passes(
            "for array in (np.zeros((0, 3), np.int8), np.array(2.0), np.ones((2, 3), np.float16).T, "
            "np.arange(5)[::-1]):\n"
            ""
            ""
            "    got = echo_array(array)\n"
            "    assert type(got) is np.ndarray and got.dtype == array.dtype and got.shape == array.shape\n"
            "    assert np.array_equal(got, array)"
        )

    def test_arguments_are_copies(self, room):
        room.student("def spoil(x):\n    x[:] = -1\n    return x")
        room.check_passes("x = np.ones(3)\ny = spoil(x)\nassert (x == 1).all() and (y == -1).all()")

    def test_a_returned_value_is_a_copy(self, room):
        room.student("kept = [1, 2]\ndef give(): return kept")
        room.check_passes("got = give()\ngot.append(3)\nassert give() == [1, 2]")

    def test_subclasses_arrive_as_the_plain_type(self, room):
        room.student(
            "class A(np.ndarray):\n    __eq__ = lambda *_: True\n"
            "class F(float):\n    __eq__ = lambda *_: True\n    __hash__ = float.__hash__\n"
            "class S(str):\n    __eq__ = lambda *_: True\n    __hash__ = str.__hash__\n"
            "class D(dict):\n    __getitem__ = lambda *_: 42\n"
            "def liars(): return np.zeros(2).view(A), F(1), S('a'), D(x=1)"
        )
        room.check_passes(
            "a, f, s, d = liars()\nassert [type(x) for x in (a, f, s, d)] == [np.ndarray, float, str, dict]\n"
            "assert f != 2 and s != 'b' and d['x'] == 1 and not (a == 1).any()"
        )

    def test_what_cannot_be_an_argument_is_refused_with_advice(self, room):
        room.student("def takes(x): return 1")
        room.fails("takes(object())", "NotPlainData", "tagged 'candidate'")
        room.fails("takes(np.array([object()]))", "NotPlainData")
        room.fails("x = []\nx.append(x)\ntakes(x)", "NotPlainData", "nested")

    def test_a_value_that_is_too_large_fails_that_call_only(self, room):
        room.student("def large(n): return np.ones(n, np.uint8)")
        room.fails("large(20 << 20)", "WireError", "MiB")
        room.check_passes("assert large(1 << 20).sum() == 1 << 20")


class TestHandles:
    def test_attributes_items_calls_len_and_iteration_go_through(self, boxes):
        boxes.check_passes(
            "b = Box([1, 2])\n"
            "assert len(b) == 2 and b[0] == 1 and b[1:] == [2] and list(b) == [1, 2] and b(0) == [0, 1, 2]\n"
            "b[0] = 5\ndel b[1]\nassert b.items == [5]\nb.items = [7, 8]\nb.note = 'x'\n"
            "assert list(b) == [7, 8] and b.note == 'x'\n"
            "del b.note\ntry:\n    b.note\nexcept AttributeError:\n    pass\nelse:\n    assert False\n"
            "assert b.inner().inner().items == ['inner'] and str(b) == f'{b}' == 'a box'"
        )

    def test_state_stays_with_the_student(self, boxes):
        boxes.check_passes("b = Box([])\nb.items.append(1)\nassert b.items == []\nb.items = [1]\nassert len(b) == 1")

    @pytest.mark.parametrize(
        "verdict",
        ["b == 1", "1 == b", "b != 1", "b < 1", "b >= 1", "bool(b)", "not b", "1 in b", "hash(b)", "{b: 1}", "b == b",
         "np.arange(2) == b", "np.equal(b, 1)", "np.less(1, b)", "assert b", "if b: pass", "b and 1"],
    )  # fmt: skip
    def test_a_verdict_never_goes_through_a_handle(self, boxes, verdict):
        boxes.fails(
            f"b = Box([1])\n{verdict}", "NotPlainData", "your function returned a `Box`; the test expected an array"
        )

    def test_handles_inside_containers_are_no_verdict_either(self, boxes):
        boxes.student("def many(): return [Box([1]), Box([2])]")
        boxes.check_passes("assert [list(b) for b in many()] == [[1], [2]]")
        boxes.fails("assert many() == [1, 2]", "NotPlainData")
        boxes.fails("assert 1 in many()", "NotPlainData")

    def test_a_context_manager_cannot_swallow_a_failed_check(self, boxes):
        boxes.check_passes("b = Box([])\nwith b as c:\n    assert len(c) == 0\nassert b.entered == ['in', None]")
        boxes.fails("b = Box([])\nwith b:\n    assert len(b) == 99", "AssertionError")
        boxes.check_passes("assert b.entered == ['in', 'AssertionError']")

    def test_arithmetic_and_conversion_make_plain_data_first(self, boxes):
        boxes.check_passes(
            "n = Number()\nassert int(n) == 2 and n + 1 == 3 and 2 * n == 4 and -n == -2 and [5, 6, 7][n] == 7"
        )
        boxes.check_passes(
            "t = Table()\n"
            "assert type(t + 1) is np.ndarray and (t + 1 == [1, 2, 3]).all() and np.asarray(t).sum() == 3\n"
            "assert type(np.exp(t)) is np.ndarray and np.allclose(t, [0, 1, 2]) and (np.ones(3) - t == "
            "[1, 0, -1]).all()"
        )
        boxes.student("class Blank: pass")
        boxes.fails("float(Blank())", "NotPlainData", "`Blank`")
        boxes.fails("np.asarray(Blank())", "NotPlainData")
        boxes.fails("Box([1]).inner + 1", "NotPlainData")

    def test_a_named_tuple_keeps_its_names(self, boxes):
        boxes.student(
            "from collections import namedtuple\nPoint = namedtuple('Point', 'x y')\ndef point(): return Point(1, 2)"
        )
        boxes.check_passes("p = point()\nx, y = p\nassert (x, y) == (1, 2) and p.x == 1 and p[1] == 2 and len(p) == 2")

    def test_handles_go_back_as_arguments_and_are_let_go(self, boxes):
        boxes.student(
            "import gc\nfrom coursegrader.exam import agent\ndef total(b): return sum(b.items)\n"
            "def held(): return sum(type(o).__name__ == 'Box' for o in agent._AGENT.objects.values())"
        )
        boxes.check_passes("b = Box([1, 2])\nassert total(b) == 3 and total([Box([5])][0]) == 5")
        boxes.check_passes("b = None\nfor i in range(50):\n    Box([i])\nassert held() <= 10, held()")

    def test_a_generator_is_drawn_from_item_by_item(self, room):
        room.student(
            "drawn = []\ndef count():\n    n = 0\n    while True:\n        drawn.append(n)\n"
            "        yield n\n        n += 1"
        )
        room.check_passes(
            "numbers = count()\nassert [next(numbers) for _ in range(3)] == [0, 1, 2]\nassert drawn == [0, 1, 2]"
        )
        room.check_passes("for n in count():\n    if n == 4:\n        break\nassert n == 4")

    def test_a_generator_that_never_ends_is_ended(self, room):
        room.examiner("from coursegrader.exam import standin\nstandin.MAX_ITEMS = 200")
        room.student("def forever():\n    while True:\n        yield 1")
        room.fails("list(forever())", "RuntimeError", "no end")

    def test_a_length_that_lies_is_no_length(self, room):
        room.student(
            "class Odd:\n    def __init__(self, n): self.n = n\n    def __len__(self): return self.n\n"
            "    def __iter__(self): return iter([1])"
        )
        room.check_passes("assert list(Odd(10**9)) == [1]")
        room.fails("len(Odd(-1))", "ValueError")


class TestExceptions:
    def test_an_exception_keeps_its_kind_and_message(self, room):
        room.student(
            "class Mine(ValueError): pass\ndef raises(what):\n    raise what\ndef refuse(n):\n"
            "    raise Mine(f'not {n}')"
        )
        room.check_passes(
            "try:\n    refuse(3)\nexcept ValueError as error:\n    assert str(error) == 'not 3'\nelse:\n"
            "    assert False"
        )
        room.fails("refuse(4)", "Mine", "not 4")

    @pytest.mark.parametrize(
        "call", ["{}['k']", "[][1]", "1 / 0", "int('x')", "None.x", "open('/nowhere')", "b'\\xff'.decode()"]
    )
    def test_builtin_exceptions_are_caught_as_in_one_process(self, room, call):
        room.student(f"def slip(): return {call}")
        room.check_passes(
            f"try:\n    {call}\nexcept Exception as error:\n    kind, text = type(error), str(error)\n"
            "try:\n    slip()\nexcept kind as error:\n    assert str(error) == text\nelse:\n    assert False"
        )

    def test_the_traceback_shows_the_students_own_lines(self, room):
        room.student(
            "import json\ndef outer(text):\n    return inner(text)\n\ndef inner(text):\n    return json.loads(text)"
        )
        seen = room.fails("outer('{')", "JSONDecodeError")
        assert [(line, name, text) for _, line, name, text in seen["frames"]] == [
            (3, "outer", "return inner(text)"),
            (6, "inner", "return json.loads(text)"),
        ]

    def test_a_library_error_is_caught_by_its_name(self, room):
        room.student("def singular(): return np.linalg.inv(np.zeros((2, 2)))")
        room.check_passes("try:\n    singular()\nexcept np.linalg.LinAlgError:\n    pass\nelse:\n    assert False")

    def test_sys_exit_is_no_exception_and_ends_nothing(self, room):
        room.student("import sys\ndef leave(): sys.exit(0)")
        room.check_passes("try:\n    leave()\nexcept Exception:\n    assert False\nexcept SystemExit:\n    pass")
        room.fails("leave()", "SystemExit")
        room.check_passes("assert 1")

    def test_endless_recursion_fails_the_call(self, room):
        room.student("def deep(n): return deep(n + 1)")
        seen = room.fails("deep(0)", "RecursionError")
        assert len(seen["frames"]) <= 20
        room.check_passes("try:\n    deep(0)\nexcept RecursionError:\n    pass")


class TestCallbacks:
    def test_a_function_of_the_test_is_called_during_the_call(self, room):
        room.student("def apply(fn, xs, **more): return [fn(x, **more) for x in xs]")
        room.check_passes(
            "seen = []\ndef square(x, scale=1):\n    seen.append(x)\n    return scale * np.asarray(x) ** 2\n"
            "got = apply(square, [1, np.arange(2)], scale=2)\n"
            "assert got[0] == 2 and (got[1] == [0, 2]).all() and len(seen) == 2"
        )

    def test_callbacks_and_calls_nest(self, room):
        room.student("def twice(fn, x): return fn(fn(x))\ndef plus(x): return x + 1")
        room.check_passes("assert twice(lambda x: plus(x) * twice(plus, 0), 1) == twice(lambda x: (x + 1) * 2, 1)")

    def test_a_callback_may_take_a_handle(self, room):
        room.student("class Model:\n    loss = 3.0\ndef fit(on_epoch):\n    for e in range(2): on_epoch(e, Model())")
        room.check_passes(
            "log = []\nfit(lambda e, model: log.append((e, model.loss)))\nassert log == [(0, 3.0), (1, 3.0)]"
        )

    def test_a_callback_kept_for_later_works_within_the_test(self, room):
        room.student(
            "class Loop:\n    def __init__(self, fn): self.fn = fn\n    def go(self): return self.fn(2)\nkept = []"
        )
        room.check_passes("loop = Loop(lambda x: x + 1)\nassert loop.go() == 3")
        room.student("def keep(fn): kept.append(fn)\ndef use(): return kept[0](1)")
        room.check_passes("keep(lambda x: x)\nassert use() == 1")
        room.fails("use()", "BadReply", "did not pass")

    def test_an_exception_of_the_test_comes_back_to_the_test_itself(self, room):
        room.student(
            "def run_it(fn):\n    return fn(1)\ndef shield(fn):\n    try:\n        fn(1)\n"
            "    except ValueError as e:\n        return str(e)"
        )
        seen = room.fails(
            "def check(x):\n    assert x == 2, 'secret 4711'\nrun_it(check)", "AssertionError", "secret 4711"
        )
        assert not seen["students"]
        room.check_passes("def fail(x):\n    raise ValueError('secret')\nassert 'secret' not in shield(fail)")

    def test_a_check_that_failed_in_a_function_of_the_test_cannot_be_swallowed(self, room):
        room.student(
            "def swallow(fn):\n    try:\n        fn(1)\n    except BaseException:\n        pass\n    return 6\n"
            "def turn(fn):\n    try:\n        fn(1)\n    except BaseException:\n        raise ValueError\n"
            "def fail():\n    raise AssertionError('mine')"
        )
        room.examiner("def spy(x):\n    assert x == 2, 'the function gets 2'")
        room.fails("assert swallow(spy) == 6", "AssertionError", "gets 2")
        room.fails("try:\n    turn(spy)\nexcept ValueError:\n    pass", "AssertionError", "gets 2")
        # Other exceptions of a test, and assertions of the student's own, are the student's to catch.
        room.check_passes("def stop(x):\n    raise StopAsyncIteration\nassert swallow(stop) == 6")
        room.check_passes("assert swallow(lambda x: fail()) == 6")

    def test_numpy_functions_and_partials_are_functions_too(self, room):
        room.student("def use_fn(fn, x): return fn(x)")
        room.check_passes(
            "import functools\nassert use_fn(np.tanh, 0.5) == np.tanh(0.5) and use_fn(np.mean, [1, 3]) == 2\n"
            "assert use_fn(functools.partial(pow, 2), 3) == 8 and use_fn(len, [1]) == 1"
        )

    def test_too_many_questions_end_the_call(self, room):
        room.examiner("from coursegrader.exam import standin\nstandin.MAX_CALLBACKS = 50")
        room.student("def pester(fn):\n    while True: fn(1)")
        room.fails("pester(lambda x: x)", "BadReply", "more than 50 times")
        room.check_passes("assert 1")

    def test_nesting_is_bounded(self, room):
        room.student("def again(fn, n): return fn(n)")
        room.fails("def down(n):\n    return again(down, n + 1)\nagain(down, 0)", "NotPlainData", "nested")
        room.check_passes("assert again(lambda n: n, 5) == 5")

    def test_the_students_own_input_is_an_error(self, room):
        room.student("def asks(): return input('name? ')")
        room.fails("asks()", "StdinNotImplementedError")


class TestSeeds:
    def test_both_kernels_are_seeded_from_the_cells_id(self, room):
        room.student("import random\ndef draw(): return random.random(), np.random.rand()")
        source = "import random\nassert draw() == (random.random(), np.random.rand())\nfirst = draw()"
        assert room.seen(source, name="one")["ended"] == "ok"
        assert room.seen("import random\nrandom.random()\ndraw()\nassert draw() == first", name="one")["ended"] == "ok"
        assert room.seen("draw()\nassert draw() == first", name="two")["ended"] == "error"


class TestTime:
    @pytest.fixture(autouse=True)
    def a_second_a_call(self, room):
        room.examiner("from coursegrader.exam import examiner\nexaminer._EXAMINER.candidate.seconds = 1.0")
        room.student("import time\ndef slow():\n    time.sleep(60)\ndef quick(): return 1")

    @pytest.mark.parametrize(
        ("student", "test", "check"),
        [
            (
                "",
                "try:\n    slow()\nexcept Exception:\n    pass",
                "assert quick() == 1",
            ),
            (
                "def hand_over(fn): return fn()",
                "import time\nhand_over(lambda: time.sleep(3))",
                "assert hand_over(lambda: 1) == 1",
            ),
        ],
        ids=["in the student's code", "in a function of the test"],
    )
    def test_a_call_that_takes_too_long_is_interrupted(self, room, student, test, check):
        room.student(student)
        seen = room.seen(test)
        assert seen["ended"] == "interrupted" and "did not end within 1 s" in seen["cut"] and not seen["gone"]
        room.check_passes(check)

    def test_a_nested_call_that_takes_too_long_ends_all_calls_around_it(self, room):
        room.student("def around(fn):\n    try:\n        fn()\n    except Exception:\n        pass\n    return 1")
        seen = room.seen("around(lambda: slow())")
        assert seen["ended"] == "interrupted" and not seen["gone"]
        room.check_passes("assert quick() == 1")

    def test_a_test_that_takes_too_long_is_interrupted(self, room):
        seen = room.seen("while True:\n    pass", seconds=1.0)
        assert seen["ended"] == "interrupted" and seen["late"]
        room.check_passes("assert quick() == 1")


class TestPrinting:
    def test_output_of_the_public_part_is_kept_and_of_the_hidden_part_apart(self, room):
        room.student(
            "import sys\ndef talk(x):\n    print('called with', x)\n    print('warning', file=sys.stderr)\n    return x"
        )
        seen = room.seen(
            "talk(1)\nprint('test')\n### BEGIN HIDDEN TESTS\ntalk('secret')\n### END HIDDEN TESTS\ntalk('after')"
        )
        assert seen["ended"] == "ok"
        public, hidden = seen["printed"]["public"], seen["printed"]["hidden"]
        assert "called with 1" in public and "warning" in public and "test" in public and "secret" not in public
        assert "secret" in hidden and "after" in hidden and "after" not in public

    def test_what_is_kept_is_bounded(self, room):
        room.student("def shout():\n    for _ in range(100): print('x' * 10_000)")
        assert len(room.seen("shout()")["printed"]["public"]) < 25_000


def test_what_a_request_shows_is_heard_by_who_listened_when_it_was_sent():
    """Output can come late, on a busy machine: that of a hidden part must not stand under a later cell."""
    numbers = itertools.count()
    channel = object.__new__(Channel)
    channel.iopub, channel.session = (
        None,
        SimpleNamespace(send=lambda *arguments, **options: {"header": {"msg_id": f"request {next(numbers)}"}}),
    )
    heard = []
    channel.listen(lambda message: pytest.fail("an earlier listener hears nothing more"))
    late = channel.send(None, "execute_request", {})["header"]["msg_id"]
    channel.listen(heard.append)
    current = channel.send(None, "execute_request", {})["header"]["msg_id"]
    for parent in (late, current, "another client's", ["no text"], None):
        message = {"parent_header": {"msg_id": parent}}
        channel.receive = lambda socket, message=message: message
        channel._output()
    channel.receive = lambda socket: {"parent_header": {}}
    channel._output()
    assert [message["parent_header"]["msg_id"] for message in heard] == [current]
