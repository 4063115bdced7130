"""Which statements of a module each test executes: the module says so itself.

A call before each statement costs little, and sees every thread; a tracer would do neither.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

PROBE = "_statement_executed"


def probed(source: str) -> str:
    """Put a call of `PROBE` with its line before each statement of each function."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _probe(node)
    return ast.unparse(ast.fix_missing_locations(tree))


def statements(source: str) -> Mapping[int, int]:
    """Map the lines inside of functions to the first line of the statement that they are of.

    A line that is not in it is executed when the module is imported.
    """
    found: dict[int, int] = {}
    tree = ast.parse(source)
    for function in ast.walk(tree):  # outer functions come first
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in _inside(function):
                first = _first_line(inner)
                found.update(dict.fromkeys(range(first, (inner.end_lineno or first) + 1), first))
    return found


def _inside(node: ast.AST) -> list[ast.stmt]:
    """List the statements below a node, each before those inside of it."""
    direct = [statement for block in _blocks(node) for statement in block]
    return [each for statement in direct for each in (statement, *_inside(statement))]


def _blocks(node: ast.AST) -> list[list[ast.stmt]]:
    own = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
    parts = [*getattr(node, "handlers", []), *getattr(node, "cases", [])]
    return [*(block for block in own if isinstance(block, list)), *(part.body for part in parts)]


def _probe(node: ast.AST) -> None:
    for block in _blocks(node):
        for statement in block:
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):  # walked as such
                _probe(statement)
        block[:] = [piece for each in block for piece in (*_call(each), each)]


def _call(statement: ast.stmt) -> list[ast.stmt]:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return []  # a docstring must stay the first
    name = ast.Name(PROBE, ast.Load())
    return [ast.Expr(ast.Call(name, [ast.Constant(_first_line(statement))], []))]


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])
