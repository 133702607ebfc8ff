"""What a kernel shows while a cell runs, kept within bounds as a notebook's outputs."""

import math
from typing import Any

from nbformat.v4 import new_output, output_from_msg

MAX_DEPTH = 50
_KEPT = ("stream", "display_data", "execute_result", "error")


class CellOutputs:
    """Collects the outputs of one cell, at most `limit` bytes; what comes after that is left out."""

    def __init__(self, limit: int):
        self.limit = limit
        self.outputs: list[Any] = []
        self.num_bytes = 0
        self._clear_next = False

    def add(self, message: dict[str, Any]) -> None:
        """Take up a message of the iopub channel; one that is no output is passed over."""
        kind, content = message["header"].get("msg_type"), message["content"]
        if kind == "clear_output":
            self._clear_next = True
            if not content.get("wait"):
                self._clear()
            return
        if kind not in _KEPT and kind != "update_display_data":
            return
        try:
            content = _plain(content)
        except ValueError:
            return
        size = _size(content)
        within = self.num_bytes + size <= self.limit
        self.num_bytes += size
        if not within:
            if self.num_bytes - size <= self.limit:
                self.outputs.append(
                    _text("stderr", f"[more than {self.limit} bytes of output: the rest was left out]\n")
                )
            return
        if self._clear_next:
            self._clear()
        try:
            self._keep(kind, content, message)
        except (ValueError, KeyError, TypeError, AttributeError):
            # A kernel can call anything an output; what no notebook can hold is not kept.
            return

    def _keep(self, kind: str, content: dict[str, Any], message: dict[str, Any]) -> None:
        last = self.outputs[-1] if self.outputs else None
        if kind == "stream":
            name, text = str(content["name"]), str(content["text"])
            if last is not None and last.output_type == "stream" and last.name == name:
                last.text += text
            elif name in ("stdout", "stderr"):
                self.outputs.append(_text(name, text))
            return
        display = (content.get("transient") or {}).get("display_id")
        if kind == "update_display_data":
            if not _well_formed(kind, content):
                return
            for output in self.outputs:
                if display is not None and output.get("display_id") == display:
                    output.data, output.metadata = content["data"], content["metadata"]
            return
        if not _well_formed(kind, content):
            return
        output = output_from_msg({"header": {"msg_type": kind}, "content": content})
        if display is not None:
            # Known by it until the cell has ended; no part of the notebook format.
            output["display_id"] = str(display)
        self.outputs.append(output)

    def _clear(self) -> None:
        self.outputs.clear()
        self._clear_next = False

    def finished(self) -> list[Any]:
        """The outputs as a notebook stores them."""
        for output in self.outputs:
            output.pop("display_id", None)
        return self.outputs


def printable(text: str) -> str:
    """Text that every file can hold: a kernel can send halves of characters."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(value: Any, depth: int = 0) -> Any:
    """JSON with printable text; ValueError where it is nested deeper than anyone shows things."""
    if depth > MAX_DEPTH:
        raise ValueError("an output is nested too deep")
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, depth + 1) for inner in value]
    # Such a number would make a file that is no JSON.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _well_formed(kind: str, content: dict[str, Any]) -> bool:
    """Whether a notebook can hold this output, so that whoever reads the notebook finds what the format promises."""
    if kind == "error":
        lines = content.get("traceback")
        return (
            isinstance(content.get("ename"), str)
            and isinstance(content.get("evalue"), str)
            and isinstance(lines, list)
            and all(isinstance(line, str) for line in lines)
        )
    data, count = content.get("data"), content.get("execution_count")
    return (
        isinstance(data, dict)
        and isinstance(content.get("metadata"), dict)
        and all(isinstance(shown, str) or _is_json(name) for name, shown in data.items())
        and (kind != "execute_result" or count is None or (type(count) is int and count >= 0))
    )


def _is_json(mime_type: str) -> bool:
    return mime_type == "application/json" or (mime_type.startswith("application/") and mime_type.endswith("+json"))


def _text(name: str, text: str) -> Any:
    return new_output("stream", name=name, text=text)


def _size(content: Any) -> int:
    if isinstance(content, dict):
        return sum(len(str(key)) + _size(value) for key, value in content.items())
    if isinstance(content, list):
        return sum(_size(value) for value in content)
    return len(content) if isinstance(content, str) else 8
