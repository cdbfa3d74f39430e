"""Small changes of the package's source: one operator, number or statement each."""

import ast
import collections
import contextlib
import difflib
import fnmatch
import itertools
import os
import random
import re
from typing import NamedTuple

from affected import PACKAGE

MOST_IN_A_FILE = 2
SWAPS = {
    **{ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">")},
    **{ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not")},
    **{ast.IsNot: (r"is\s+not", "is"), ast.In: ("in", "not in"), ast.NotIn: (r"not\s+in", "in")},
    **{ast.And: ("and", "or"), ast.Or: ("or", "and"), ast.Add: (r"\+", "-"), ast.Sub: ("-", "+")},
}
# Types, and text for people: no test has to notice a change there.
LEFT_ALONE = {"annotation", "returns", "decorator_list"}
TEXT_FUNCTIONS = (
    "UserError",
    "CheckpointError",
    "invalid_zip",
    "invalid_hdf5",
    "invalid_pickle",
    "warn",
    "print",
)
OTHER_BACKENDS = {"tensorflow", "jax", "torch"} - {os.environ.get("KERAS_BACKEND", "tensorflow")}
NOT_CORE = ("cli/*", "pictures/*", "*__init__.py", "*__main__.py", "*table.py")


class Edit(NamedTuple):
    """A change of one place in a file: the bytes from `start` to `end` become `new`."""

    path: str
    start: int
    end: int
    new: str

    def applied(self, text):
        """Return the text of the file with the change."""
        return text[: self.start] + self.new.encode() + text[self.end :]

    def diff(self, text):
        """Return the change as a unified diff without context."""
        sides = [side.decode().splitlines() for side in (text, self.applied(text))]
        return "\n".join(difflib.unified_diff(*sides, self.path, self.path, lineterm="", n=0))

    def is_other_program(self, text):
        """Return whether the changed text is valid Python and means something else."""
        with contextlib.suppress(SyntaxError):
            return ast.dump(ast.parse(self.applied(text))) != ast.dump(ast.parse(text))
        return False


class Source:
    """A module, and the edits that make mutants of it."""

    def __init__(self, path, text):
        self.path, self.text, self.tree = path, text, ast.parse(text)
        self.lines = [0, *itertools.accumulate(map(len, text.splitlines(keepends=True)))]
        functions = (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef))
        self.in_functions = {child for node in functions for child in ast.walk(node)}

    def edits(self):
        """Return all edits, in the order of the text."""
        found = {edit for node in places(self.tree) for edit in self.edits_of(node)}
        return sorted(Edit(self.path, *edit) for edit in found)

    def start(self, node):
        """Return the number of bytes before a node."""
        return self.lines[node.lineno - 1] + node.col_offset

    def end(self, node):
        """Return the number of bytes up to the end of a node."""
        return self.lines[node.end_lineno - 1] + node.end_col_offset

    def edits_of(self, node):
        """Yield the start, end and new text of the edits of one node."""
        match node:
            case ast.Constant(value=bool()):
                yield self.start(node), self.end(node), repr(not node.value)
            case ast.Constant(value=int() | float()):
                yield self.start(node), self.end(node), repr(node.value + 1)
            case ast.Compare():
                left = [node.left, *node.comparators]
                yield from map(self.swap, node.ops, left, node.comparators)
            case ast.BoolOp():
                operators = itertools.repeat(node.op)
                yield from map(self.swap, operators, node.values, node.values[1:])
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                yield self.swap(node.op, node.left, node.right)
            case ast.AugAssign(op=ast.Add() | ast.Sub()):
                yield self.swap(node.op, node.target, node.value)
            case ast.UnaryOp(op=ast.Not()):
                length = re.match(rb"not\s*", self.text[self.start(node) :]).end()
                yield self.start(node), self.start(node) + length, ""
        if node in self.in_functions and (new := replacement(node)):
            yield self.start(node), self.end(node), new

    def swap(self, operator, left, right):
        """Return the edit that replaces the operator between two operands."""
        pattern, new = SWAPS[type(operator)]
        found = re.compile(pattern.encode()).search(self.text, self.end(left), self.start(right))
        return *found.span(), new


def replacement(node):
    """Return the text that takes the place of a statement, `None` where none can."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Return(value=None | ast.Constant(value=None)):
            return None  # a docstring, or a return of nothing
        case ast.Assign() | ast.AugAssign() | ast.Expr() | ast.Raise():
            return "pass"
    return "return None" if isinstance(node, ast.Return) else None


def places(node):
    """Yield the nodes of a syntax tree that may change: no types, no text for people."""
    if is_of_another_backend(node):
        return
    yield node
    if isinstance(node, ast.Raise | ast.JoinedStr) or is_text_call(node):
        return
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            # `zip(..., strict=True)` guards against mistakes that the package does not make.
            strict = isinstance(child, ast.keyword) and child.arg == "strict"
            if isinstance(child, ast.AST) and field not in LEFT_ALONE and not strict:
                yield from places(child)


def is_of_another_backend(node):
    """Return whether a node is a backend's version of an operation, or imports a backend."""
    decorators = map(ast.unparse, getattr(node, "decorator_list", ()))
    body = getattr(node, "body", ())
    statements = body if isinstance(body, list) else ()  # a lambda's is an expression
    imports = (statement for statement in statements if isinstance(statement, ast.Import))
    names = {alias.name.split(".")[0] for statement in imports for alias in statement.names}
    overridden = {f".override({backend!r})" for backend in OTHER_BACKENDS}
    return bool(names & OTHER_BACKENDS) or any(d.endswith(tuple(overridden)) for d in decorators)


def is_text_call(node):
    """Return whether a node calls a function that takes text for people."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith(TEXT_FUNCTIONS)


def core(root, globs):
    """Return the modules that do the work, of the backend in use; `globs` narrow them."""
    for path in sorted((root / PACKAGE).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        left_out = any(fnmatch.fnmatch(name, f"{PACKAGE}/{pattern}") for pattern in NOT_CORE)
        holds_code = re.search(rb"^ *def ", path.read_bytes(), re.MULTILINE)
        if holds_code and not left_out and any(fnmatch.fnmatch(name, glob) for glob in globs):
            yield name


def choose(root, paths, count, seed):
    """Return up to `count` edits of files; each place is as likely, up to two in a file."""
    texts = {path: (root / path).read_bytes() for path in paths}
    edits = [edit for path, text in texts.items() for edit in Source(path, text).edits()]
    random.Random(seed).shuffle(edits)
    chosen, in_file = [], collections.Counter()
    for edit in edits:
        wanted = len(chosen) < count and in_file[edit.path] < MOST_IN_A_FILE
        if wanted and edit.is_other_program(texts[edit.path]):
            chosen.append(edit)
            in_file[edit.path] += 1
    return chosen
