"""English text to run a model on, found offline; torch is not needed here."""

import ast
import hashlib
import random
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from neglog.priors.errors import InputError

#: A document longer than this is cut at a line end, so that tokenising stays bounded in memory.
MAX_CHARACTERS = 100_000
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


def read_documents(paths: Sequence[str | Path]) -> list[str]:
    """The text of the given UTF-8 files, one document each, in the order given.

    Raises InputError naming the file that is missing, is not UTF-8, or if all are blank.
    """
    documents = []
    for path in map(Path, paths):
        try:
            documents.append(path.read_text(encoding="utf-8"))
        except FileNotFoundError as e:
            raise InputError(f"There is no text file {path}.") from e
        except UnicodeDecodeError as e:
            raise InputError(
                f"{path} is not UTF-8 text (byte {e.start}): convert it, or leave it out."
            ) from e
        except OSError as e:
            raise InputError(f"Cannot read {path}: {e.strerror}.") from e
    if not any(text.strip() for text in documents):
        raise InputError("The text holds no tokens: every file given is blank.")
    return documents


def pieces(documents: Iterable[str], limit: int = MAX_CHARACTERS) -> Iterator[str]:
    """The documents, long ones cut at line ends into pieces of about `limit` characters."""
    for text in documents:
        start = 0
        while start < len(text):
            end = start + limit
            if end < len(text):
                newline = text.rfind("\n", start, end)
                end = newline + 1 if newline > start else end
            piece = text[start:end]
            start = end
            if piece.strip():
                yield piece


class HashedText:
    """Passes documents on, and knows the SHA-256 of those that have passed.

    Each is preceded by its length, so that borders between documents count.
    """

    def __init__(self, documents: Iterable[str]) -> None:
        self._documents = documents
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[str]:
        for text in self._documents:
            data = text.encode("utf-8", "surrogatepass")
            self._digest.update(len(data).to_bytes(8, "little") + data)
            yield text

    def hexdigest(self) -> str:
        """The hash of the documents read so far."""
        return self._digest.hexdigest()
