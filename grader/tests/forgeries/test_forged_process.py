"""What a forger does to its own process: every lever there is, pulled, and nothing gained.

The tests run elsewhere; here the forger replaces what its own kernel is made of, speaks out of turn, or falls silent.
"""

import nbformat
import pytest
from forging import SQUARE_ONLY, Forgery, Grade, check, earned, handed_in, told

AGENT = "from coursegrader.exam import agent, serving, wire\nserver = agent._AGENT.server\n"
KERNEL = "kernel = get_ipython().kernel\nsession = kernel.session\n"
ALL = "label = roman = apply = reject = Count = lambda *args: "

FORGERIES = {
    # Python and IPython
    "an AST transformer that empties later cells": Forgery(
        """
import ast
class Empty(ast.NodeTransformer):
    def visit_Module(self, node):
        node.body = []
        return node
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Empty())"""
    ),
    "input transformers that empty later cells": Forgery(
        """
shell = get_ipython()
for manager in (shell.input_transformer_manager,):
    manager.cleanup_transforms.append(lambda lines: ['pass\\n'])
    manager.line_transforms.append(lambda lines: ['pass\\n'])
shell.input_transformers_cleanup.append(lambda lines: ['pass\\n'])
shell.input_transformers_post.append(lambda lines: ['pass\\n'])
shell.run_cell = shell.run_code = shell.run_ast_nodes = lambda *args, **kwargs: None""",
        lost="test_label",
        limits={"call_seconds": 1},
    ),
    "numbers printed and displayed": Forgery(
        """
def label(*args):
    print(4.0)
    display(4.0)
    display({'text/plain': '4.0'}, raw=True)
    sys.displayhook(4.0)
import sys
roman = apply = reject = Count = label
print(4.0)
4.0"""
    ),
    "display hooks and events": Forgery(
        """
import sys
shell = get_ipython()
def after(result):
    result.result = 4.0
    result.error_in_exec = result.error_before_exec = None
shell.events.register('post_run_cell', after)
shell.events.register('pre_execute', lambda: None)
shell.showtraceback = lambda *args, **kwargs: None
shell.display_formatter.format = lambda *args: ({'text/plain': '4.0'}, {})
sys.excepthook = lambda *args: None"""
    ),
    "assertions switched off": Forgery(
        """
import builtins
builtins.AssertionError = type('Never', (Exception,), {})
builtins.ValueError = builtins.Exception
builtins.isinstance = lambda *args: True
builtins.len = lambda one: 3
builtins.list = lambda one=(): [2, 3]
builtins.__build_class__ = lambda *args, **kwargs: None""",
        lost="test_label",
    ),
    "NumPy rewritten": Forgery(
        """
import numpy.testing
for name in ('array_equal', 'allclose', 'isclose', 'all', 'any', 'mean', 'asarray', 'array'):
    setattr(np, name, lambda *args, **kwargs: True)
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *args, **kwargs: None
def same(*args): pass
import sys
sys.modules['numpy'] = sys.modules['coursegrader.checks'] = None"""
    ),
    "a trace and a profile function that change variables": Forgery(
        """
import ctypes, sys, threading
def trace(frame, event, arg):
    for name in ('want', 'got', 'secret', 'points', 'value'):
        if name in frame.f_locals:
            frame.f_locals[name] = None
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
    return trace
sys.settrace(trace)
sys.setprofile(trace)
threading.settrace(trace)
get_ipython().kernel.shell.call_pdb = True""",
        lost=None,
    ),
    "the frames above, searched and changed": Forgery(
        """
import gc, sys
def label(*args):
    frame = sys._getframe()
    while frame is not None:
        for name in ('want', 'right', 'secret', 'expected', 'operands', 'request'):
            if name in frame.f_locals and name in ('want', 'right', 'secret'):
                return frame.f_locals[name]
        frame = frame.f_back
    for one in gc.get_objects():
        if type(one) is dict and 'right' in one:
            return one['right']
roman = apply = reject = Count = label"""
    ),
    "built-in types patched from C": Forgery(
        """
import ctypes
# The slot that compares two floats, in this process, gets the function that compares two objects by identity.
number = ctypes.sizeof(ctypes.c_void_p)
slots = (ctypes.c_void_p * 40).from_address(id(float))
slots[25] = (ctypes.c_void_p * 40).from_address(id(object))[25]
ctypes.c_long.from_address(id(3) + 24).value = 9""",
        lost=None,
        limits={"answer_seconds": 3},
    ),
    # The agent
    "an agent that says yes": Forgery(f"{AGENT}server._carry_out = lambda data: wire.encode(('value', True))"),
    "an agent that knows no answer": Forgery(f"{AGENT}server._carry_out = lambda data: wire.encode(('missing',))"),
    "an agent whose operations lie": Forgery(
        f"""{AGENT}
for name in [name for name in dir(agent.Agent) if name.startswith('do_')]:
    setattr(agent.Agent, name, lambda self, *operands: 3)"""
    ),
    "an agent that calls every object a callback": Forgery(
        f"{AGENT}agent.Agent._refer = lambda self, value: wire.Reference('callback', 0, 'function')\n{ALL}object()"
    ),
    "an agent that gives handles for everything": Forgery(
        f"""{AGENT}
class Something: pass
for name in [name for name in dir(agent.Agent) if name.startswith('do_')]:
    setattr(agent.Agent, name, lambda self, *operands: Something())"""
    ),
    "an agent that raises the test's own exceptions": Forgery(
        f"""{AGENT}
server._carry_out = lambda data: wire.encode(('error', 'AssertionError', ['Interrupted', 'Exception'], '', [], 0))"""
    ),
    "an agent that answers before it is asked": Forgery(
        f"""{AGENT}
parent = server.kernel.get_parent('shell')
own, _, count = parent['header']['msg_id'].rpartition('_')
ident = server.kernel._get_shell_context_var(server.kernel._shell_parent_ident)
for ahead in range(1, 60):
    later = dict(parent, header=dict(parent['header'], msg_id=f'{{own}}_{{int(count) + ahead}}'))
    server.kernel.session.send(server.kernel.stdin_socket, 'input_request', {{'prompt': '', 'password': False}},
                               parent=later, ident=ident, buffers=[b'R' + wire.encode(('value', 'III'))])"""
    ),
    "an agent that answers twice": Forgery(
        f"""{AGENT}
once = server._send
def send(kind, data):
    once(kind, data)
    once(b'R', wire.encode(('value', 'III')))
server._send = send"""
    ),
    "an agent that asks instead of answering": Forgery(
        f"""{AGENT}
def serve():
    for number in range(20):
        server._send(b'A', wire.encode((number, ('III',), {{}})))
    server._send(b'V', wire.encode('III'))
    server._send(b'Z', b'')
server.serve = serve""",
        limits={"call_seconds": 3},
    ),
    "an agent that sends no answer": Forgery(f"{AGENT}server.serve = lambda: None"),
    "an agent that sends arbitrary bytes": Forgery(
        f"{AGENT}import os\nserver._carry_out = lambda data: os.urandom(200)"
    ),
    "an agent that sends a message too large": Forgery(
        f"{AGENT}server._carry_out = lambda data: b'b' + bytes(12 << 20)"
    ),
    "an agent that waits until the examiner gives up": Forgery(
        f"{AGENT}import time\nserver.serve = lambda: time.sleep(600)",
        lost=None,  # an interrupt wakes it, in time or too late
        limits={"call_seconds": 1, "cell_seconds": 6},
    ),
    "an agent module replaced as a whole": Forgery(
        """
import sys, types
fake = types.ModuleType('coursegrader.exam.agent')
fake.serve = lambda: 'III'
sys.modules['coursegrader.exam.agent'] = sys.modules['coursegrader.exam'] = sys.modules['coursegrader'] = fake"""
    ),
    "a wire that encodes something else": Forgery(
        f"{AGENT}wire.encode = lambda *args, **kwargs: b'T'\nagent.wire.decode = lambda *args: ('name', ('roman',), [])"
    ),
    # The kernel's messages
    "forged results and statuses": Forgery(
        f"""{KERNEL}
def label(*args):
    parent = kernel.get_parent('shell')
    ident = kernel._get_shell_context_var(kernel._shell_parent_ident)
    for _ in range(3):
        for kind, content in (
            ('execute_result', {{'data': {{'text/plain': '4.0'}}, 'metadata': {{}}, 'execution_count': 1}}),
            ('status', {{'execution_state': 'idle'}}),
            ('status', {{'execution_state': 'dead'}}),
        ):
            session.send(kernel.iopub_socket, kind, content, parent=parent)
        session.send(kernel.stdin_socket, 'execute_reply', {{'status': 'ok'}}, parent=parent, ident=ident)
    return None
roman = apply = reject = Count = label"""
    ),
    "messages with another parent": Forgery(
        f"""{KERNEL}
def label(*args):
    for parent in ({{'header': {{'msg_id': 'test_label'}}}}, {{'header': {{}}}}, {{}}):
        session.send(kernel.iopub_socket, 'execute_result',
                     {{'data': {{'text/plain': '4.0'}}, 'metadata': {{}}, 'execution_count': 9}}, parent=parent)
roman = apply = reject = Count = label"""
    ),
    "messages that are none": Forgery(
        f"""{KERNEL}
import zmq
def label(*args):
    socket = kernel.iopub_socket
    for frames in ([b''], [b'<IDS|MSG>'], [b'<IDS|MSG>', b'', b'{{}}', b'{{}}', b'{{}}', b'[]'],
                   [b'<IDS|MSG>', session.sign([b'1', b'2', b'3', b'4']), b'1', b'2', b'3', b'4'], [b'x'] * 100):
        socket.send_multipart(frames)
roman = apply = reject = Count = label"""
    ),
    "comm messages": Forgery(
        """
from comm import create_comm
def label(*args):
    for target in ('jupyter.widget', 'exam', '', 'x' * 10_000):
        create_comm(target_name=target, data={'points': 4}).send({'points': 4})
roman = apply = reject = Count = label"""
    ),
    "displays that change those of earlier cells": Forgery(
        """
from IPython.display import update_display
def label(*args):
    for number in range(5):
        display(4.0, display_id=f'test_{number}')
        update_display(4.0, display_id='test_label')
roman = apply = reject = Count = label"""
    ),
    "input asked for": Forgery(
        "def label(*args):\n    return input('points? ')\nroman = apply = reject = Count = label\n"
        "try:\n    input()\nexcept Exception:\n    pass"
    ),
    "input asked for past Python": Forgery(
        f"""{KERNEL}
def label(*args):
    kernel._allow_stdin = True
    return kernel._input_request('points? ', kernel._shell_parent_ident, kernel.get_parent('shell'))
roman = apply = reject = Count = label""",
        limits={"call_seconds": 2},
    ),
    "a kernel object that does nothing": Forgery(
        """
class Deaf:
    def __getattr__(self, name): return lambda *args, **kwargs: None
shell = get_ipython()
shell.kernel.shell = shell.kernel.do_execute = Deaf()
shell.kernel.execute_request = Deaf()"""
    ),
    "a signature key that changes": Forgery(
        f"{KERNEL}session.key = b'mine'", lost="test_label", limits={"call_seconds": 1, "cell_seconds": 6}
    ),
    "descriptors laid over the sockets": Forgery(
        """
import os, stat
null = os.open('/dev/null', os.O_RDWR)
for number in range(5, 64):
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            os.dup2(null, number)
    except OSError:
        pass""",
        lost="test_label",
        limits={"call_seconds": 1, "cell_seconds": 6},
    ),
    # Silence and endings
    "sleeping until the examiner gives up": Forgery(
        f"import time\n{ALL}time.sleep(600)", limits={"call_seconds": 1, "cell_seconds": 6}
    ),
    "a loop that heeds no interrupt": Forgery(
        """
import signal
def label(*args):
    while True:
        try:
            while True:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
        except BaseException:
            pass
roman = apply = reject = Count = label""",
        lost="test_label",
        limits={"call_seconds": 1, "cell_seconds": 6},
    ),
    "an exit of the kernel": Forgery(f"import os\n{ALL}os._exit(0)", lost="test_label"),
    "a crash of the kernel": Forgery(f"import ctypes\n{ALL}ctypes.string_at(0)", lost="test_label"),
    "a kernel that kills itself": Forgery(
        # In a process namespace it is the first process, which no signal of its own ends.
        f"import os, signal\n{ALL}os.kill(os.getpid(), signal.SIGKILL)",
        lost=None,
    ),
    "a fork that answers in its parent's place": Forgery(
        """
import os, time
def label(*args):
    if os.fork():
        time.sleep(600)
    return 'III'
roman = apply = reject = Count = label""",
        lost=None,
        limits={"call_seconds": 1, "cell_seconds": 6},
    ),
    "a kernel whose loop is stopped": Forgery(
        "import asyncio\nasyncio.get_event_loop().stop()",
        lost=None,  # at once, or when the next test calls
    ),
    "a thread that answers all the time": Forgery(
        f"""{AGENT}
import threading, time
def answer():
    while True:
        server._send(b'R', wire.encode(('value', 'III')))
        time.sleep(0.005)
threading.Thread(target=answer, daemon=True).start()""",
        lost=None,  # threads that share a socket of zmq may end their process
    ),
    "the next messages declared over": Forgery(
        f"""{KERNEL}
parent = kernel.get_parent('shell')
own, _, count = parent['header']['msg_id'].rpartition('_')
for later in range(int(count) + 1, int(count) + 50):
    of = dict(parent, header=dict(parent['header'], msg_id=f'{{own}}_{{later}}'))
    session.send(kernel.iopub_socket, 'status', {{'execution_state': 'idle'}}, parent=of)"""
    ),
    "an audit hook that forbids to compile": Forgery(
        """
import sys
def hook(event, arguments):
    if event in ('compile', 'exec'):
        raise RuntimeError
sys.addaudithook(hook)""",
        lost="test_label",
        limits={"call_seconds": 1, "cell_seconds": 6},
    ),
    "modules that cannot be imported": Forgery(
        """
import sys
class Finder:
    def find_spec(self, *arguments):
        raise SystemExit
sys.meta_path.insert(0, Finder())
sys.path_hooks[:] = []""",
    ),
    "a clock that stands still": Forgery(
        "import time\ntime.monotonic = time.time = time.perf_counter = lambda: 0.0\ntime.sleep = lambda seconds: None"
    ),
    "seeds that cannot be set": Forgery(
        "import random\nfrom coursegrader.exam import agent\n"
        "agent.seed_everything = random.seed = np.random.seed = lambda seed: 1 / 0"
    ),
    "places of the notebook that are none": Forgery(
        f"""
import linecache
class Everywhere(dict):
    def __contains__(self, name): return True
    def __getitem__(self, name): return 10**30
get_ipython().compile._filename_map = Everywhere()
linecache.getline = lambda *arguments: 'x' * 10**6
def lie(*arguments):
    raise KeyError('x')
{ALL.removesuffix("lambda *args: ")}lie"""
    ),
    "threads that go on after the cell": Forgery(
        """
import threading, time
def work():
    while True:
        globals()['label'] = lambda rows: None
        print(4.0)
        time.sleep(0.01)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()"""
    ),
}


@pytest.mark.parametrize("name", FORGERIES, ids=lambda name: name.replace(" ", "-"))
def test_a_changed_process_earns_nothing(grade: Grade, name: str):
    result = check(FORGERIES[name], grade)
    nbformat.validate(nbformat.reads(result.notebook.decode(), as_version=4))


# Outputs that no notebook can hold, shown by a cell of the student's own: the graded notebook stays one.
OUTPUTS = {
    "a lone surrogate": "print('\\ud800')\nraise type('\\ud801', (Exception,), {})('\\ud802')",
    "a deep nest": "nest = []\nfor _ in range(400):\n    nest = [nest]\ndisplay({'application/json': nest}, raw=True)",
    "a number that JSON has not": "display({'application/json': float('nan')}, raw=True)",
    "data of no kind": "get_ipython().kernel.session.send(get_ipython().kernel.iopub_socket, 'display_data',\n"
    "    {'data': [1], 'metadata': 'x', 'transient': 3}, parent=get_ipython().kernel.get_parent('shell'))",
    "keys of no kind": "display({'text/plain': 5, 'text/html': {'a': [1]}, '': None}, raw=True)",
    "a result of no kind": "get_ipython().kernel.session.send(get_ipython().kernel.iopub_socket, 'execute_result',\n"
    "    {'data': {}, 'execution_count': 'x'}, parent=get_ipython().kernel.get_parent('shell'))",
    "an error of no kind": "get_ipython().kernel.session.send(get_ipython().kernel.iopub_socket, 'error',\n"
    "    {'ename': 3, 'evalue': [], 'traceback': 'x'}, parent=get_ipython().kernel.get_parent('shell'))",
    "control characters": "print('\\x00\\x1b]0;title\\x07\\x1b[2J')\nraise ValueError('\\x00\\x1b[2J')",
}


@pytest.mark.parametrize("name", OUTPUTS, ids=lambda name: name.replace(" ", "-"))
def test_what_no_notebook_can_hold_stays_out_of_it(grade: Grade, name: str):
    result = grade(notebook=handed_in(extra={"rest": [OUTPUTS[name]]}))
    assert not result.failure and earned(result) == SQUARE_ONLY, told(result)
    nbformat.validate(nbformat.reads(result.notebook.decode(), as_version=4))
