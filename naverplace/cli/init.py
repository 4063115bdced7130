"""`naverplace init`: asks what is needed, tries each answer, writes the files, ends with doctor."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naverplace.base.errors import NaverPlaceError
from naverplace.base.translation import gettext as _
from naverplace.cli.console import err, plain_errors, print_lines

if TYPE_CHECKING:
    from naverplace.jobs.first_setup import FirstStore, Step

ENV_FILE, ACCESS = Path(".env"), "NAVERPLACE_ACCESS"


def init(
    store: Annotated[str, typer.Option(help="Naver's number of the store.")] = "",
    name: Annotated[str, typer.Option(help="Its name, as customers read it.")] = "",
    alias: Annotated[str, typer.Option(help="A short name for your reports.")] = "",
    my_phone: Annotated[
        str, typer.Option(help="Your own phone: a test message goes to it; - for none.")
    ] = "",
    folder: Annotated[Path, typer.Option(help="Where stores and rules go.")] = Path("shop"),
    login: Annotated[bool, typer.Option(help="Log in to Naver at the end.")] = True,
) -> None:
    """Ask for what is needed, try each answer, and write .env, the store and its guide.

    What stands in the environment is not asked for: NAVERPLACE_SENS__SECRET_KEY and the others of
    .env.example. So a script can answer everything, and no secret stands in a command line.
    """
    from naverplace.cli.setup import doctor
    from naverplace.jobs.first_setup import STEPS, try_sender, write_shop
    from naverplace.redaction import redactor
    from naverplace.settings.loader import load_settings

    redactor.attach()
    answers: dict[str, str] = {}
    with plain_errors():
        first = _ask_store(store, name, alias)
        for step in STEPS:
            _take(step, answers)
            if step.title == "SENS":
                phone = my_phone or _ask(_("your own phone, for a test message; - for none"))
                if phone != "-":
                    print_lines(f"SENS: {try_sender(_known(answers), phone)}")
        files = write_shop(folder, first, answers, env_file=ENV_FILE, shipped=Path("rules"))
        print_lines(*(_("written: {file}").format(file=file) for file in files))
        settings = load_settings()
    if login:
        from naverplace.naver.session import log_in_now

        try:
            log_in_now(settings, headed=False)
        except NaverPlaceError as error:
            _say_wrong("Naver", error)
    doctor()


def _ask_store(store: str, name: str, alias: str) -> FirstStore:
    from naverplace.jobs.first_setup import FirstStore
    from naverplace.redaction.redactor import REDACTOR

    given = bool(store and name and alias)
    first = FirstStore(
        store or _ask(_("number of the store, from the address of the partner centre")),
        name or _ask(_("name of the store, as customers read it")),
        alias or _ask(_("a short name for your reports")),
        opens_doors=bool(os.environ.get(ACCESS)),
    )
    if not (given or first.opens_doors):
        code = _ask(_("door code of the guide; - for none"), secret=True)
        first = replace(first, door_code=code.removeprefix("-"))
        REDACTOR.learn(first.door_code)
    first.check()
    return first


def _known(answers: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **answers}


def _take(step: Step, answers: dict[str, str]) -> None:
    """Ask for what a step lacks until its answers are good; raises for given ones that are not."""
    from naverplace.jobs.first_setup import try_step
    from naverplace.redaction.redactor import REDACTOR

    asked = [q for q in step.questions if not os.environ.get(q.variable)]
    answers |= {q.variable: os.environ[q.variable] for q in step.questions if q not in asked}
    while True:
        for question in asked:
            said = _ask(_(question.words), secret=question.secret)
            answers[question.variable] = said
            if question.secret:
                REDACTOR.learn(said)
        try:
            print_lines(f"{step.title}: {try_step(step, _known(answers))}")
            return
        except NaverPlaceError as error:
            if not asked:
                raise
            _say_wrong(step.title, error)


def _ask(words: str, *, secret: bool = False) -> str:
    return str(typer.prompt(words, hide_input=secret, err=True)).strip()


def _say_wrong(what: str, error: NaverPlaceError) -> None:
    from naverplace.jobs.first_setup import why_not_good
    from naverplace.redaction.redactor import REDACTOR

    err.print(REDACTOR.scrub(f"{what}: {why_not_good(error)}"), markup=False)
