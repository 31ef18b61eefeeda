"""Finds words that a reader of English stumbles on, and says what to write instead.

Checks the comments, docstrings, strings and names of tests of Python files, and the whole text of pages, templates,
workflows, notebooks and the Makefile, in every file that git knows or would add.

    python -m tools.words              every file
    python -m tools.words README.md    these files
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[1]

WORDS = {
    r"mend(?:s|ed|ing)?": "fix",
    r"anew": "again",
    r"rings|ringing": "fires",
    r"nobody foresaw|unforeseen": "unexpected",
    r"nobody has said|nobody says": "not stated",
    r"nobody is": "no ... is",
    r"of a dummy": "of the dummy baseline",
    r"in service": "active, or: when serving",
    r"ended red": "failed",
    r"going on with|go(?:es)? on with": "continue with",
    r"(?<!there )(?:is|are|was|were|be) no (?!longer|more|less|better|worse|such)(?=\w)": "is not a",
    r"does no (?=\w)": "does not",
    r"there (?:is|are|was|were) none": "if none exists, or: none",
    r"where there (?:is|are|was|were)": "if there is",
    r"where absent": "by default",
    r"likewise": "also, or: the same",
    r"alike": "the same",
    r"for want of": "for lack of",
    r"shall": "must, or: will",
    r"otherwise than": "differently from",
    r"held against": "compared with",
    r"how (?:it|they) go(?:es)? with": "its association with",
    r"to learn from|(?:be|not|or) learned from": "for training",
    r"is (?:said|told) too": "the report says so",
    r"all over": "uniformly, or: everywhere",
    r"acquits?": "clears",
    r"the way of (?:a|the)": "path, or: lifecycle",
    r"at hand": "available",
    r"gives? back": "return",
    r"nowhere but": "only",
    r"what (?:a|the|is) \w+ is made of": "composition",
    r"to go back": "to roll back",
    r"goes by": "follows, or: uses",
    r"all the same": "nevertheless, or: still",
    r"for what there is": "lists ...",
}
"""What to say, by the pattern of what not to say; a space stands for any white space."""

FIRST_WORDS = re.compile(
    r"\s*((?:Above|And|Also|As|At|Below|By|For|From|If|In|It|Its|Likewise|Of|On|Or|Per|So|Such|That|Their|There|These|They|This"
    r"|Those|To|When|Where|Which|Who|Whose|With|Without)\b)"
)
"""Words that cannot begin a parameter's description: without its name or its neighbour, nobody would understand it."""

EXCEPTIONS = {
    "tools/words.py": "holds the list",
    "tests/unit/tools/test_words.py": "tests the list",
}
"""Files that are not checked, by path, with the reason."""

_SUFFIXES = {".py", ".md", ".yaml", ".yml", ".html", ".ipynb"}
_PATTERNS = [(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), say) for pattern, say in WORDS.items()]
_CODE = "\0"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A word to replace.

    Parameters
    ----------
    line, column
        Position in the file, both from 1.
    text
        Text found there.
    say
        Text to write instead.
    """

    line: int
    column: int
    text: str
    say: str

    def __str__(self) -> str:
        """As compilers print it, without the file."""
        return f"{self.line}:{self.column}: {self.text!r} -> {self.say}"


def words_in(text: str) -> list[Finding]:
    """Find words of the list, also where a phrase continues on the next line.

    Parameters
    ----------
    text
        Prose of a file; positions are those in the file.

    Returns
    -------
    Findings in the order of the list.
    """
    pieces = list(re.finditer(r"\S+", text))
    flat = " ".join(piece[0] for piece in pieces)
    starts: list[int] = []
    for piece in pieces:
        starts += range(piece.start(), piece.end() + 1)
    return [
        _finding(text, starts[match.start()], match[0].strip(), say)
        for pattern, say in _PATTERNS
        for match in pattern.finditer(flat)
    ]


def prose_of(source: str) -> str:
    """Blank out all of a Python file but comments, strings and the names of tests, which are sentences.

    Parameters
    ----------
    source
        Python source code.

    Returns
    -------
    Text of the same length and lines; code is replaced by a character that belongs to no word.
    """
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    prose = [character if character.isspace() else _CODE for character in source]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        begin, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        if token.type == tokenize.COMMENT:
            prose[begin:end] = " " + source[begin + 1 : end]
        elif token.type == tokenize.NAME and token.string.startswith("test_"):
            prose[begin:end] = token.string.replace("_", " ")
        elif token.type == tokenize.STRING:
            prose[begin:end] = re.sub(r"^\w*(['\"]+)|['\"]+$", lambda quotes: " " * len(quotes[0]), source[begin:end])
        elif token.type == tokenize.FSTRING_MIDDLE:
            prose[begin:end] = source[begin:end]
        elif token.type in {tokenize.FSTRING_START, tokenize.FSTRING_END}:
            prose[begin:end] = " " * (end - begin)
    return "".join(prose)


def descriptions_in(source: str) -> list[Finding]:
    """Find descriptions of parameters that cannot be read alone.

    Parameters
    ----------
    source
        Python source code with numpy-style docstrings.

    Returns
    -------
    One finding per description.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not node.body:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            found += list(_descriptions(source.splitlines(), first.lineno, first.end_lineno or first.lineno))
    return found


def _descriptions(lines: list[str], begin: int, end: int) -> Iterator[Finding]:
    """Look at the lines that follow the names of the sections Parameters and Attributes."""
    section = margin = ""
    for number in range(begin, end):
        line = lines[number - 1]
        if re.fullmatch(r"\s*-{4,}\s*", line):
            section = lines[number - 2].strip()
            margin = line[: len(line) - len(line.lstrip())]
        elif section in {"Parameters", "Attributes"} and re.match(rf"{margin}[\w*]", line):
            description = lines[number]
            word = FIRST_WORDS.match(description)
            if word and description.startswith(f"{margin} "):
                yield Finding(
                    number + 1, word.start(1) + 1, f"{word[1]} ...", "a noun phrase that can be read without the name"
                )


def check(text: str, suffix: str) -> list[Finding]:
    """Check one file.

    Parameters
    ----------
    text
        Content of the file.
    suffix
        End of its name, for example `.py`, which says what of it is prose.

    Returns
    -------
    Findings in the order of the file.
    """
    if suffix == ".py":
        return sorted(words_in(prose_of(text)) + descriptions_in(text))
    return sorted(words_in(text))


def tracked() -> list[str]:
    """List the files to check.

    Returns
    -------
    Paths relative to the repository, of files that git knows or would add.
    """
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return list(filter(_has_prose, listed))


def _has_prose(name: str) -> bool:
    return (Path(name).suffix in _SUFFIXES or Path(name).name == "Makefile") and name not in EXCEPTIONS


def main(names: Iterable[str]) -> int:
    """Check files and print what to replace.

    Parameters
    ----------
    names
        Paths relative to the repository; none for every file.

    Returns
    -------
    Exit code: 1 where something is to be replaced.
    """
    failed = False
    for name in filter(_has_prose, list(names) or tracked()):
        path = _ROOT / name
        if not path.is_file():  # deleted, but not yet committed
            continue
        for finding in check(path.read_text(encoding="utf-8"), path.suffix):
            failed = True
            sys.stdout.write(f"{name}:{finding}\n")
    return int(failed)


def _finding(text: str, offset: int, match: str, say: str) -> Finding:
    """Turn an offset into a position."""
    line_start = text.rfind("\n", 0, offset) + 1
    return Finding(text.count("\n", 0, offset) + 1, offset - line_start + 1, match, say)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
