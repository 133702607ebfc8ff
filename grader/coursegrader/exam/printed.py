"""What a kernel shows, kept within bounds as plain text."""

from typing import Any

from coursegrader.exam.outputs import printable


class Printed:
    """Collects text, at most `limit` characters."""

    def __init__(self, limit: int):
        self.limit = limit
        self.parts: list[str] = []
        self.num_chars = 0

    def write(self, text: str) -> int:
        """Take up text; gives its length, as a stream does."""
        kept = printable(text[: max(self.limit - self.num_chars, 0)])
        if kept:
            self.parts.append(kept)
        if len(kept) < len(text) and self.num_chars <= self.limit:
            self.parts.append("\n[the rest was left out]")
        self.num_chars += len(text)
        return len(text)

    def flush(self) -> None:
        """Streams have one."""

    def add(self, message: dict[str, Any]) -> None:
        """Take up what a message of the iopub channel shows as text."""
        kind, content = message["header"].get("msg_type"), message["content"]
        if kind == "stream":
            text = content.get("text")
        elif kind in ("display_data", "execute_result"):
            data = content.get("data")
            text = data.get("text/plain") if isinstance(data, dict) else None
            text = f"{text}\n" if isinstance(text, str) else None
        else:
            return
        if isinstance(text, str):
            self.write(text)

    @property
    def text(self) -> str:
        """All that was kept."""
        return "".join(self.parts)
