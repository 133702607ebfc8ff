"""What a kernel shows while a cell runs, kept within bounds as a notebook's outputs."""

from typing import Any

from nbformat.v4 import new_output, output_from_msg

_KEPT = ("stream", "display_data", "execute_result", "error")


class CellOutputs:
    """Collects the outputs of one cell, at most `limit` bytes; what comes after that is counted and left out.

    `flooded` turns true when a hundred times the limit was sent: nobody reads that, and reading it costs time.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.outputs: list[Any] = []
        self.num_bytes = 0
        self._clear_next = False

    @property
    def flooded(self) -> bool:
        """Whether far more was sent than can ever be shown."""
        return self.num_bytes > 100 * self.limit

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
            for output in self.outputs:
                if display is not None and output.get("display_id") == display:
                    output.data, output.metadata = content["data"], content["metadata"]
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


def _text(name: str, text: str) -> Any:
    return new_output("stream", name=name, text=text)


def _size(content: Any) -> int:
    if isinstance(content, dict):
        return sum(len(str(key)) + _size(value) for key, value in content.items())
    if isinstance(content, list):
        return sum(_size(value) for value in content)
    return len(content) if isinstance(content, str) else 8
