"""English text to run a model on, found offline; torch is not needed here."""

import ast
import codecs
import hashlib
import io
import random
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from neglog.priors.errors import InputError

#: A document longer than this is cut at a line end, so that tokenising stays bounded in memory.
MAX_CHARACTERS = 100_000
#: Bytes of a file looked at together.
_BLOCK = 1 << 20
#: Folders of the standard library that hold no prose, or code of other projects.
SKIPPED = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "lib2to3"})

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(source: str) -> list[str]:
    """The docstrings of a Python source text, cleaned, top to bottom; the code is never run."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, _DOCUMENTED))
    return [text for node in nodes if (text := ast.get_docstring(node))]


def standard_library() -> list[Path]:
    """The standard library's source files, in the order of their names."""
    root = Path(sysconfig.get_path("stdlib"))
    files = (p for p in root.rglob("*.py") if SKIPPED.isdisjoint(p.relative_to(root).parts))
    return sorted(files)


def library_document(path: Path) -> str:
    """The docstrings of a source file as one document, empty if it has none."""
    try:
        return "\n\n".join(docstrings(path.read_text(encoding="utf-8")))
    except (SyntaxError, UnicodeDecodeError):
        return ""  # deliberately broken or non-UTF-8 sources that some builds ship


def builtin_documents(seed: int = 0) -> Iterator[str]:
    """English text of every Python: language reference and library docstrings, ≈ 2 M characters.

    Each topic of the reference and each library file is a document, given once; shuffled by
    `seed`, so that the first n tokens are a sample of all of it. Files are read only when their
    turn comes.
    """
    from pydoc_data.topics import topics

    sources: list[str | Path] = [*sorted(topics), *standard_library()]
    random.Random(seed).shuffle(sources)
    given = set()
    for source in sources:
        document = topics[source] if isinstance(source, str) else library_document(source)
        if document and document not in given:
            given.add(document)
            yield document


def check_files(paths: Sequence[str | Path]) -> list[Path]:
    """The paths, once all of them have been read through, a block at a time.

    Raises InputError naming the file that is missing or is not UTF-8, or if all are blank.
    """
    found = [Path(path) for path in paths]
    holding = [path for path in found if _holds_text(path)]  # all are read, not only the first
    if not holding:
        raise InputError("The text holds no tokens: every file given is blank.")
    return found


def _holds_text(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, text = 0, False
    try:
        with path.open("rb") as f:
            while block := f.read(_BLOCK):
                text |= bool(decoder.decode(block).strip())
                start = f.tell() - len(decoder.getstate()[0])  # where what is not decoded begins
            decoder.decode(b"", final=True)
    except FileNotFoundError as e:
        raise InputError(f"There is no text file {path}.") from e
    except UnicodeDecodeError as e:
        raise InputError(
            f"{path} is not UTF-8 text (byte {start + e.start}): convert it, or leave it out."
        ) from e
    except OSError as e:
        raise InputError(f"Cannot read {path}: {e.strerror}.") from e
    return text


def file_pieces(paths: Iterable[Path], limit: int = MAX_CHARACTERS) -> Iterator[str]:
    """The text of UTF-8 files, in the order given, as `pieces`; a piece at a time is in memory."""
    for path in paths:
        with path.open(encoding="utf-8") as f:
            yield from _cut(f, limit)


def pieces(documents: Iterable[str], limit: int = MAX_CHARACTERS) -> Iterator[str]:
    """The documents, long ones cut at line ends into pieces of at most `limit` characters."""
    for text in documents:
        yield from _cut(io.StringIO(text), limit)


def _cut(text: TextIO, limit: int) -> Iterator[str]:
    rest, more = "", True
    while more:
        piece = rest + text.read(limit - len(rest))
        more = len(piece) == limit
        end = piece.rfind("\n") + 1 if more else 0
        piece, rest = (piece[:end], piece[end:]) if end else (piece, "")
        if piece.strip():
            yield piece


def text_pieces(text: Sequence[str | Path] | None, seed: int = 0) -> Iterator[str]:
    """Pieces of UTF-8 files, or, for None, of the text of Python in the order of `seed`.

    Raises InputError as `check_files` does, before anything is read.
    """
    if text is None:
        return pieces(builtin_documents(seed))
    return file_pieces(check_files(text))


class HashedText:
    """Passes pieces of text on, and knows the SHA-256 of those that have passed.

    Each is preceded by its length, so that borders between them count.
    """

    def __init__(self, found: Iterable[str]) -> None:
        self._found = found
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[str]:
        for text in self._found:
            data = text.encode("utf-8", "surrogatepass")
            self._digest.update(len(data).to_bytes(8, "little") + data)
            yield text

    def hexdigest(self) -> str:
        """The hash of the pieces read so far."""
        return self._digest.hexdigest()
