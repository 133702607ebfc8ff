"""What a forger looks for: the text of hidden tests and the values that they expect, which are never within reach."""

import nbformat
import numpy as np
from forging import EXPECTED_TEXT, HELD_OUT_SEED, HIDDEN_TEXT, HONEST, REST, WRONG, Grade, earned, handed_in, told

# Runs in the candidate, which must not hold what it looks for: a beginning that says nothing, and the rest as numbers.
SEARCH = """
import ctypes, os
from coursegrader.exam import agent
server, received = agent._AGENT.server, []
carry_out = server._carry_out
server._carry_out = lambda data: received.append(bytes(data)) or carry_out(data)
session = get_ipython().kernel.session
deserialize = session.deserialize
def listen(frames, *args, **kwargs):
    received.append(b''.join(bytes(getattr(frame, 'buffer', frame)) for frame in frames))
    return deserialize(frames, *args, **kwargs)
session.deserialize = listen
control = '-'.join(['quagga', 'control', str(6000 + 113)])

def memory():
    with open('/proc/self/maps') as areas:
        spans = [area.split()[0] for area in areas if area.split()[1].startswith('rw')]
    for span in spans:
        first, last = (int(part, 16) for part in span.split('-'))
        for start in range(first, last, 1 << 24):
            yield ctypes.string_at(start, min((1 << 24) + 256, last - start))

def files():
    for folder in ('.', '/tmp', os.environ['HOME'], os.environ['TMPDIR'], '/dev/shm'):
        for here, _, names in os.walk(folder):
            for name in names:
                try:
                    yield open(os.path.join(here, name), 'rb').read(1 << 20)
                except OSError:
                    pass

def occurrences(content, beginning, rest):
    at, count = content.find(beginning), 0
    while at >= 0:
        after = at + len(beginning)
        count += list(content[after : after + len(rest)]) == rest
        at = content.find(beginning, at + 1)
    return count

def found(places):
    counts = [0] * len(SECRETS)
    for content in places:
        counts = [count + occurrences(content, *secret) for count, secret in zip(counts, SECRETS)]
    return counts
"""
REPORT = """
print('messages', len(received) > 5, found(received))
print('files', found(files()))
print('memory', found(memory()))
"""


def halves(content: bytes, length: int) -> tuple[bytes, list[int]]:
    """A secret as the search takes it: `length` bytes, and the others as numbers."""
    return content[:length], list(content[length:])


def test_hidden_text_and_expected_values_are_nowhere_in_the_candidate(grade: Grade):
    held_out = np.random.default_rng(HELD_OUT_SEED).normal(size=4)
    texts = [HIDDEN_TEXT, EXPECTED_TEXT]
    # Python keeps a text in one, two or four bytes a letter.
    wanted = [halves(text.encode(code), 6) for text in texts for code in ("utf-8", "utf-16-le", "utf-32-le")]
    wanted += [halves(held_out.tobytes()[:16], 4), halves(b"quagga-control-6113", 6)]
    search = SEARCH.replace("SECRETS", repr(wanted))
    notebook = handed_in(REST, extra={"": [search], "test_count": [REPORT]})
    result = grade(notebook=notebook, answer_seconds=60, submission_seconds=120)
    assert earned(result) == HONEST, told(result)
    printed = [
        output.text
        for cell in nbformat.reads(result.notebook.decode(), as_version=4).cells
        if cell.source == REPORT
        for output in cell.outputs
    ]
    messages, files, memory = "".join(printed).splitlines()
    nothing = [0] * (len(wanted) - 1)
    assert messages == f"messages True {[*nothing, 0]}"
    assert files == f"files {[*nothing, 0]}"
    # The search finds what is there: the control is the candidate's own.
    assert memory.startswith(f"memory {nothing}".removesuffix("]")) and not memory.endswith(" 0]"), memory


def test_what_students_are_told_holds_nothing_hidden(grade: Grade):
    result = grade(WRONG.replace("return None", "return 'an answer'"))
    for outcome in result.outcomes:
        for secret in (HIDDEN_TEXT, EXPECTED_TEXT, "held_out"):
            assert secret not in outcome.reason + outcome.printed
