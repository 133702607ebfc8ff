"""Collecting from the exchange: what students handed in, and nothing that they only point at.

Students write into the exchange themselves. nbgrader copies with the rights of whoever collects and follows links: a
link to the instructor's notebook would come back to the student as one of their own files.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from logging import Logger
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import ignore_patterns


class PlainCollect(ExchangeCollect):
    """nbgrader's way to collect, with plain files and folders only; one submission that is too large stops no other."""

    def copy_files(self) -> None:
        """Collects what is new; a submission that is itself a link, or too large, is left, and the log says so."""
        self.src_records = [record for record in self.src_records if self._can_be_taken(record["filename"])]
        super().copy_files()

    def _can_be_taken(self, name: str) -> bool:
        path = os.path.join(self.inbound_path, name)
        if os.path.islink(path) or not os.path.isdir(path):
            self.log.error("%s is no folder: not collected; ask the student to submit again", path)
            return False
        if self.get_size(path) > 1000 * self.coursedir.max_dir_size:
            self.log.error(
                "%s holds more than %s MB: not collected; ask the student to submit it without large files",
                path,
                self.coursedir.max_dir_size // 1000,
            )
            return False
        return True

    def do_copy(self, src: str, dest: str, log: Logger | None = None) -> None:
        """Copies a submission's plain files; links, sockets and the like stay behind, and the log names them."""
        unwanted = ignore_patterns(
            exclude=self.coursedir.ignore,
            include=self.coursedir.include,
            max_file_size=self.coursedir.max_file_size,
            log=self.log,
        )
        shutil.copytree(src, dest, ignore=self._with_links(unwanted), copy_function=_copy)

    def _with_links(self, unwanted: Callable[[str, list[str]], set[str]]) -> Callable[[str, list[str]], set[str]]:
        def ignore(folder: str, names: list[str]) -> set[str]:
            odd = {name for name in names if not _is_plain(os.path.join(folder, name))}
            for name in sorted(odd):
                self.log.warning("%s is a link or no plain file: not collected", os.path.join(folder, name))
            return odd | set(unwanted(folder, [name for name in names if name not in odd]))

        return ignore


def _is_plain(path: str) -> bool:
    mode = os.lstat(path).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _copy(src: str, dest: str) -> None:
    # Again at the moment of reading: a file may have become a link since it was looked at.
    descriptor = os.open(src, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as source, Path(dest).open("wb") as target:
        shutil.copyfileobj(source, target)
