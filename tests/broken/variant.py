"""What a broken variant is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Variant:
    """One deliberate mistake in one file, which the tests must notice.

    ``old`` occurs exactly once in the file; ``new`` stands in its place while the tests run. ``tests`` are arguments of
    pytest that choose a few tests, among which one must fail: the smaller the choice, the more the variant proves.
    """

    name: str
    breaks: str  # what is wrong, in a few words
    file: str  # from the project's folder
    old: str
    new: str
    tests: str

    @property
    def is_native(self) -> bool:
        """Whether the kernels of the CPU have to be compiled again."""
        return self.file.startswith("cpp/")

    @property
    def is_python(self) -> bool:
        return self.file.endswith(".py")

    def apply(self, folder: Path) -> None:
        """Makes the mistake in a copy of the project.

        Raises:
            ValueError: the file doesn't hold ``old`` exactly once: it has changed since the variant was written.
        """
        path = folder / self.file
        path.write_text(self.broken(path.read_text()))

    def broken(self, text: str) -> str:
        """``text``, the file's, with the mistake."""
        count = text.count(self.old)
        if count != 1:
            raise ValueError(
                f"{self.name}: {self.file} holds the text to replace {count} times, not once: {self.old!r}"
            )
        return text.replace(self.old, self.new)


def row(name: str) -> str:
    """The tests of one row of the table of operations."""
    return f"tests/test_ops_table.py -k '[{name}-'"
