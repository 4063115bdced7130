"""The small changes, made by cosmic-ray's operators: where each is and what the code becomes."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import MutationVisitor

from trials.mutants.mutant import Mutant, mutant_of

# Types are checked by mypy, and a decorator taken away seldom leaves a program that starts.
LEFT_OUT = ("BitOr", "BitAnd", "BitXor", "Shift", "RemoveDecorator", "ExceptionReplacer")


@dataclass(frozen=True)
class Place:
    """One place and the operator that changes it there."""

    operator: str
    occurrence: int
    line: int


def draw(
    root: Path, modules: Sequence[str], *, count: int, seed: int
) -> Mapping[str, list[Mutant]]:
    """Draw so many mutants, of every module alike and the same for the same seed; 0 are all."""
    luck = Random(seed)  # noqa: S311 - repeatable
    drawn = {}
    for number, module in enumerate(modules):
        source = (root / module).read_text(encoding="utf-8")
        places = list(places_of(source))
        if count:
            share = (count + number) // len(modules)
            places = luck.sample(places, min(share, len(places)))
        drawn[module] = list(mutants_at(module, source, places))
    return drawn


def places_of(source: str) -> Iterator[Place]:
    """List all places of a module but those of annotations and of `*` in a signature."""
    nodes = list(ast_nodes(get_ast(source)))
    signs = {node.start_pos for node in nodes if _is_sign_of_signature(node)}
    for name in plugins.operator_names():
        operator_class: Any = plugins.get_operator(name)
        if operator_class.arguments() or any(word in name for word in LEFT_OUT):
            continue
        operator = operator_class()
        positions = (p for node in nodes for p in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(positions):
            if start not in signs:
                yield Place(name, occurrence, start[0])


def mutants_at(module: str, source: str, places: Sequence[Place]) -> Iterator[Mutant]:
    """Change the code at each of these places."""
    tree = pickle.dumps(get_ast(source))  # a change is made in place; to read anew takes longer
    for place in places:
        operator: Any = plugins.get_operator(place.operator)
        visitor = MutationVisitor(place.occurrence, operator())
        changed = visitor.walk(pickle.loads(tree)).get_code()  # noqa: S301 - our own
        if not _compiles(changed):  # `*` of a signature is no multiplication
            continue
        yield mutant_of(module, source, changed, operator=place.operator, line=place.line)


def _is_sign_of_signature(node: Any) -> bool:
    # cosmic-ray takes it for a multiplication; who may name an argument is mypy's question.
    return node.type == "operator" and node.parent.type in ("parameters", "param", "lambdef")


def _compiles(source: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):  # `is` with a literal
            compile(source, "changed", "exec")
    except SyntaxError:
        return False
    return True
