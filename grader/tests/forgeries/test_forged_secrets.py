"""What a forger looks for: the text of hidden tests and the values that they expect, which are never within reach."""

import numpy as np
from forging import EXPECTED_TEXT, HELD_OUT_SEED, HIDDEN_TEXT, HONEST, REST, WRONG, Grade, earned, handed_in, told

# Runs in the candidate, which must not hold what it looks for: patterns are classes of one letter, or codes of bytes.
SEARCH = """
import ctypes, os, re
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
patterns = [re.compile(pattern) for pattern in PATTERNS]

def areas():
    for line in open('/proc/self/maps'):
        span, rights = line.split()[:2]
        first, last = (int(part, 16) for part in span.split('-'))
        if rights.startswith('rw') and '[v' not in line:
            yield first, last - first

def memory():
    with open('/proc/self/mem', 'rb', buffering=0) as own:
        for first, size in areas():
            for start in range(0, size, 1 << 24):
                try:
                    own.seek(first + start)
                    yield own.read(min((1 << 24) + 64, size - start))
                except OSError:
                    pass

def files():
    for folder in ('.', '/tmp', os.environ['HOME'], os.environ['TMPDIR'], '..', '/dev/shm'):
        for here, _, names in os.walk(folder):
            for name in names:
                try:
                    yield open(os.path.join(here, name), 'rb').read(1 << 20)
                except OSError:
                    pass

def found(places):
    counts = [0] * len(patterns)
    for content in places:
        counts = [count + len(pattern.findall(content)) for count, pattern in zip(counts, patterns)]
    return counts
"""
REPORT = """
print('messages', len(received) > 5, found(received))
print('files', found(files()))
print('memory', found(memory()))
"""


def pattern(text: str) -> bytes:
    """A pattern for a text, in any of the ways that Python stores it, which does not hold it."""
    return b"\\x00{0,3}".join(f"[{letter}]".encode() for letter in text)


def bytes_pattern(content: bytes) -> bytes:
    """A pattern for bytes, written in codes."""
    return b"(?s)" + b"".join(b"\\x%02x" % byte for byte in content)


def test_hidden_text_and_expected_values_are_nowhere_in_the_candidate(grade: Grade):
    held_out = np.random.default_rng(HELD_OUT_SEED).normal(size=4)
    wanted = [
        pattern(HIDDEN_TEXT),
        pattern(EXPECTED_TEXT),
        pattern("BEGIN HIDDEN"),
        bytes_pattern(held_out.tobytes()[:16]),
        pattern("quagga-control-6113"),
    ]
    notebook = handed_in(REST, extra={"": [SEARCH.replace("PATTERNS", repr(wanted))], "test_count": [REPORT]})
    result = grade(notebook=notebook)
    assert earned(result) == HONEST, told(result)
    text = result.notebook.decode()
    for line in ("messages True [0, 0, 0, 0, 0]", "files [0, 0, 0, 0, 0]", "memory [0, 0, 0, 0, "):
        assert line in text, [one for one in text.splitlines() if "messages " in one or "memory " in one]
    # The search finds what is there.
    assert "memory [0, 0, 0, 0, 0]" not in text


def test_what_students_are_told_holds_nothing_hidden(grade: Grade):
    result = grade(WRONG.replace("return None", "return 'an answer'"))
    for outcome in result.outcomes:
        for secret in (HIDDEN_TEXT, EXPECTED_TEXT, "held_out"):
            assert secret not in outcome.reason + outcome.printed
