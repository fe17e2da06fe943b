"""Where commands write: a file that is whole or not there, and progress on standard error."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import typer

from getdata.commands.frame import refuse


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A file that takes the place of the old one once it is whole."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}", suffix=".part")
    except OSError as error:
        refuse(f"It cannot be written ({error.strerror}).", "Name a file in a folder that exists.", where=str(path))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            yield stream
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        written(lambda: os.replace(name, path), path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def written(write: Callable[[], object], path: Path) -> None:
    try:
        write()
    except OSError as error:
        refuse(f"It cannot be written ({error.strerror}).", "Name a file in a folder that exists.", where=str(path))


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal; elsewhere a line for each tenth."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        tasks: dict[str, object] = {}

        def show(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=of)
            progress.update(tasks[stage], completed=done, total=of)  # type: ignore[arg-type]

        yield show


def _lines() -> Callable[[str, int, int], None]:
    told: dict[str, int] = {}

    def show(stage: str, done: int, of: int) -> None:
        tenth = 10 * done // max(1, of)
        if tenth > told.get(stage, 0):
            told[stage] = tenth
            typer.echo(f"{stage}: {done} of {of}", err=True)

    return show
