"""Errors that a person can act on: each message says what to do next."""


class CourseError(Exception):
    """What stops a command; the message ends with the remedy."""


class CourseNotFound(CourseError):
    """No course's root can be found from here."""


class UnknownAssignment(CourseError):
    """The course has no assignment of that name."""


class NothingSubmitted(CourseError):
    """A folder holds no submission of the assignment."""


class GradebookMismatch(CourseError):
    """The gradebook holds submissions of another version of the assignment."""


class Refused(CourseError):
    """A submission that cannot be graded.

    `reason` says what is wrong with it, `remedy` what staff can do, `advice` what the student can; none of them ends
    with a full stop. The message is for staff.
    """

    def __init__(self, reason: str, remedy: str, advice: str = "ask your teacher what to do about it") -> None:
        super().__init__(f"{reason} ({remedy})")
        self.reason = reason
        self.remedy = remedy
        self.advice = advice

    def __reduce__(self) -> tuple:
        return type(self), (self.reason, self.remedy, self.advice)

    @property
    def to_student(self) -> str:
        """Two sentences for the student: what is wrong, and what to do."""
        return " ".join(f"{text[:1].upper()}{text[1:]}." for text in (self.reason, self.advice))


class KernelUnavailable(CourseError):
    """The course's kernel is not installed or does not start."""


class GradingUnderWay(CourseError):
    """Another run writes grades of the same class."""


class BackupFailed(CourseError):
    """No copy of the gradebook could be made, so nothing was written."""


class GradebookFailed(CourseError):
    """The gradebook could not be opened, read or written."""


class UnknownCell(CourseError):
    """The assignment has no test of that name."""
