"""The examiner's kernel: runs test cells, with stand-ins where they use the student's names.

Installed by the session into a kernel that the student's code cannot reach. Locked cells run there as in any kernel;
test cells run statement by statement, so that it is known which part of a cell, public or hidden, saw what.
"""

import ast
import builtins
import contextlib
import signal
import time
import traceback
from typing import Any

from coursegrader.exam import wire
from coursegrader.exam.channel import Channel
from coursegrader.exam.credit import credit
from coursegrader.exam.errors import FromCandidate, Interrupted, NotPlainData
from coursegrader.exam.forbidden import judge
from coursegrader.exam.printed import Printed
from coursegrader.exam.seeding import seed_everything, seed_of
from coursegrader.exam.serving import Server
from coursegrader.exam.standin import Candidate, Names
from coursegrader.exam.wording import instructors_words

PRINTED_LIMIT = 20_000
STAFF_LIMIT = 20_000
SYNC_SECONDS = 2.0
GREET_SECONDS = 30.0


class Examiner:
    """Runs test cells in the namespace of an IPython `shell`."""

    def __init__(self, shell: Any):
        self.shell = shell
        self.server = Server(shell, self._carry_out)
        self.candidate: Candidate | None = None
        self.names = Names(vars(builtins), lambda: self.candidate)

    def _carry_out(self, data: bytes) -> bytes:
        operation, operands = wire.decode(data)
        return wire.encode(getattr(self, f"do_{operation}")(*operands))

    def do_hello(self) -> None:
        """Answer."""

    def do_connect(
        self, connection: dict, limits: tuple[float, int, int], of_answers: list[str], of_tests: list[str]
    ) -> None:
        """Open the conversation with the student's kernel.

        `limits`: seconds and bytes of each call, bytes that the kernel may show in its life.
        """
        seconds, max_bytes, max_shown = limits
        bounds = wire.BOUNDS._replace(num_bytes=max_bytes)
        self.candidate = Candidate(Channel(connection, max_bytes, max_shown), seconds, bounds)
        self.candidate.greet(GREET_SECONDS)
        self.names = Names(vars(builtins), lambda: self.candidate, set(of_answers), set(of_tests))
        # Functions take their builtins from their globals, so the student's names stand behind every cell's.
        self.shell.user_ns["__builtins__"] = self.names

    def do_answered(self, names: list[str]) -> None:
        """An answer cell ran in the student's kernel: names that it binds are the student's from here on."""
        for name in names:
            self.shell.user_ns.pop(name, None)

    def do_calls(self) -> int:
        """How often the student's kernel was asked so far; names are asked for anew from here on."""
        self.names.forget()
        return self.candidate.num_calls

    def do_shortcuts(self, names: list[str], paths: list[str]) -> dict[str, tuple[str, str]]:
        """What the student's dotted `paths` lead to, where a task does not allow `names`."""
        return {path: (str(one.kind), one.name) for path, one in judge(names, paths).items()}

    def do_test(self, cell: dict) -> dict:
        """Run a test cell and say how it ended; see `_Test.outcome` for what that is."""
        test = _Test(self, cell)
        test.run()
        return test.outcome


class _Test:
    """One run of a test cell: `cell` holds its `id`, `source` and `hidden` lines (pairs, counted from 1).

    `forbidden` names what the task does not allow, `locked` numbers the course's own cells in the student's kernel.
    """

    def __init__(self, examiner: Examiner, cell: dict):
        self.examiner, self.shell = examiner, examiner.shell
        self.candidate = examiner.candidate
        self.cell = {"forbidden": [], "locked": []} | cell
        self.part = "public"
        self.printed = {part: Printed(PRINTED_LIMIT) for part in ("public", "hidden")}
        self.value: float | None = None
        self.error: BaseException | None = None
        self.file_name = ""
        self.outcome: dict[str, Any] = {}

    def run(self) -> None:
        """Seed both kernels, run the cell, and describe how it ended."""
        started = time.monotonic()
        self.candidate.begin_test()
        self.examiner.names.forget()
        try:
            # What the student's cells printed before is none of the test's.
            self._sync()
            self.candidate.channel.listen(self._hear)
            seed = seed_of(self.cell["id"])
            seed_everything(seed)
            self.candidate.ask("seed", seed)
            if self.cell["forbidden"]:
                self.candidate.ask("forbid", self.cell["forbidden"], self.cell["locked"])
            self._run_statements()
        except BaseException as error:
            # However a test ends is its result; nothing that it raises may end the examiner.
            self.error = error
        # The cell is over: an interrupt that comes too late must not keep its result from being told. ipykernel sets
        # the handler anew with its next message.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._sync()
        self.candidate.channel.listen(None)
        self.outcome = self._describe() | {"seconds": time.monotonic() - started, "tripped": self._tripped()}

    def _tripped(self) -> list[tuple[str, int, int, str]]:
        """The tripwires that fired, as the student's kernel reports them, in a known form."""
        reports = None
        # After an interrupt of the test itself, the student's kernel may be busy for longer than anyone waits.
        if self.cell["forbidden"] and not self.candidate.gone and not isinstance(self.error, KeyboardInterrupt):
            with contextlib.suppress(Exception, Interrupted):
                reports = self.candidate.ask("tripped")
        if type(reports) is not list:
            return []
        return [one for one in reports if type(one) is tuple and [*map(type, one)] == [str, int, int, str]][:20]

    def _run_statements(self) -> None:
        code = self.shell.transform_cell(self.cell["source"])
        self.file_name = self.shell.compile.cache(code, raw_code=self.cell["source"])
        body = ast.parse(code, self.file_name).body
        hidden = self.cell["hidden"]
        if code.count("\n") != self.cell["source"].rstrip("\n").count("\n") + 1 and hidden:
            # A magic changed the lines: where the hidden part begins is not known any more.
            self._enter_hidden()
        for statement in body:
            if any(statement.lineno <= last and statement.end_lineno >= first for first, last in hidden):
                self._enter_hidden()
            self._run_statement(statement, body[:-1] if statement is body[-1] else None)

    def _run_statement(self, statement: ast.stmt, before: list[ast.stmt] | None) -> None:
        """Run a statement; `before` are those above the last one, whose value can be points."""
        namespace = self.shell.user_ns
        is_last = before is not None
        with self._quiet():
            if is_last and isinstance(statement, ast.Expr) and not self.cell["source"].rstrip().endswith(";"):
                code = compile(ast.Expression(statement.value), self.file_name, "eval", self.shell.compile.flags)
                self.value = credit(eval(code, namespace), statement.value, before)
            else:
                module = ast.Module([statement], type_ignores=[])
                exec(compile(module, self.file_name, "exec", self.shell.compile.flags), namespace)

    @contextlib.contextmanager
    def _quiet(self):
        """What the test itself prints is kept with what the student's code prints."""
        printed = self.printed[self.part]
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield

    def _enter_hidden(self) -> None:
        """From here to the end of the cell nothing is shown: what follows may depend on what is hidden."""
        if self.part == "public":
            self._sync()
            self.part = "hidden"

    def _hear(self, message: dict) -> None:
        self.printed[self.part].add(message)

    def _sync(self) -> None:
        """Wait until all that the student's code printed so far has come."""
        if not self.candidate.gone:
            self.candidate.channel.execute("", deadline=time.monotonic() + SYNC_SECONDS, silent=True)

    def _describe(self) -> dict[str, Any]:
        error = self.error
        outcome = {
            "ended": "ok",
            "value": self.value,
            "part": self.part,
            "printed": {part: printed.text for part, printed in self.printed.items()},
            "cut": self.candidate.cut,
            "gone": self.candidate.gone,
            "calls": self.candidate.num_calls,
        }
        if error is None:
            # A test that swallowed the end of a call did not see what it asked for.
            return outcome | ({"ended": "interrupted"} | _NOTHING_RAISED if self.candidate.cut else {})
        cells = _Cells(self.shell, self.file_name)
        lines = [
            line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == self.file_name
        ]
        from_candidate = isinstance(error, FromCandidate)
        missing = isinstance(error, NameError) and getattr(error, "name", None) in self.examiner.names.missing
        kind = "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) and not from_candidate else "error"
        return outcome | {
            "ended": kind,
            "line": lines[-1] if lines else None,
            "type_name": error.type_name if from_candidate else type(error).__name__,
            "message": error.text if from_candidate else str(error),
            "frames": [tuple(frame) for frame in error.frames] if from_candidate else [],
            "students": from_candidate or missing or isinstance(error, NotPlainData | Interrupted),
            "words": instructors_words(error, cells),
            "trace": "".join(traceback.format_exception(error))[-STAFF_LIMIT:],
        }


_NOTHING_RAISED = {
    "line": None,
    "type_name": "",
    "message": "",
    "frames": [],
    "students": True,
    "words": "",
    "trace": "a call was cut short, and the test went on",
}


class _Cells:
    """The file names under which cells of a shell were compiled."""

    def __init__(self, shell: Any, file_name: str):
        self.known, self.file_name = shell.compile._filename_map, file_name

    def __contains__(self, name: object) -> bool:
        return name == self.file_name or name in self.known


_EXAMINER: Examiner | None = None


def install(shell: Any) -> None:
    """Make this kernel an examiner; called once, before its first cell."""
    global _EXAMINER
    _EXAMINER = Examiner(shell)


def serve() -> None:
    """Answer the request that runs now; the expression that the session evaluates."""
    _EXAMINER.server.serve()
