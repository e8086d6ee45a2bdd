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


def standard_library() -> Iterator[str]:
    """One document for each standard-library file: its docstrings, in the order of file names."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        if SKIPPED.isdisjoint(path.relative_to(root).parts):
            try:
                found = docstrings(path.read_text(encoding="utf-8"))
            except (SyntaxError, UnicodeDecodeError):
                continue  # deliberately broken or non-UTF-8 sources that some builds ship
            if found:
                yield "\n\n".join(found)


def language_topics() -> Iterator[str]:
    """Python's language reference as `help()` prints it, one document for each topic."""
    from pydoc_data.topics import topics

    yield from (topics[name] for name in sorted(topics))


def builtin_documents(seed: int = 0) -> list[str]:
    """English text of every Python: language reference and library docstrings, ≈ 1.9 M characters.

    Shuffled by `seed`, so that the first n tokens are a sample of all of it; each distinct
    document once.
    """
    documents = list(dict.fromkeys([*language_topics(), *standard_library()]))
    random.Random(seed).shuffle(documents)
    return documents


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


def text_hash(documents: Iterable[str]) -> str:
    """SHA-256 of the documents, each preceded by its length so that borders count."""
    digest = hashlib.sha256()
    for text in documents:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()
