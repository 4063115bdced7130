"""Log records, uncaught errors and warnings pass the redactor, whoever writes or shows them."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import sys
import threading
import warnings
from types import SimpleNamespace

import pytest

from naverplace.redaction import redactor
from naverplace.redaction.redactor import MARK, REDACTOR, RedactionFilter

CANARY = 'ca"na\\ry+/1 ö'


@pytest.fixture(autouse=True)
def known_canary() -> None:
    REDACTOR.learn(CANARY)


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Attach to fresh hooks, which write down what they are given."""
    told: list[str] = []
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, lambda *given: told.append("passed on"))
    monkeypatch.setattr(warnings, "showwarning", lambda *given: told.append(str(given[0])))
    monkeypatch.setattr(logging.Logger, "addHandler", _plain_add)
    factory = logging.getLogRecordFactory()
    monkeypatch.setattr(logging, "_logRecordFactory", logging.LogRecord)
    redactor.attach()
    assert logging.getLogRecordFactory() is not factory
    return told


def _plain_add(logger: logging.Logger, handler: logging.Handler) -> None:
    logger.handlers.append(handler)


def a_logger(stream: io.StringIO, formatter: logging.Formatter | None = None) -> logging.Logger:
    """Make a logger with a handler that is added after `attach`."""
    logger = logging.Logger("made-later")
    handler = logging.StreamHandler(stream)
    plain = logging.Formatter("%(message)s %(where)s", defaults={"where": ""})
    handler.setFormatter(formatter or plain)
    logger.addHandler(handler)
    return logger


def a_failure() -> RuntimeError:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as cause:
            raise RuntimeError("outer") from cause
    except RuntimeError as error:
        return error


def test_messages_and_arguments_are_scrubbed_on_every_handler(attached: list[str]) -> None:
    stream = io.StringIO()

    a_logger(stream).warning("pw %s to %s-%s", CANARY, "010-1234", "5678")

    assert stream.getvalue() == f"pw {MARK} to 010-****-5678 \n"


def test_the_traceback_of_a_chain_of_errors_is_scrubbed(attached: list[str]) -> None:
    stream = io.StringIO()

    a_logger(stream).error("failed", exc_info=a_failure(), stack_info=True)

    assert CANARY not in stream.getvalue()
    assert repr(CANARY)[1:-1] not in stream.getvalue()
    assert f"KeyError: '{MARK}'" in stream.getvalue()
    assert "RuntimeError: outer" in stream.getvalue()


class Everything(logging.Formatter):
    """A formatter that writes all a record holds, as JSON formatters do."""

    def format(self, record: logging.LogRecord) -> str:
        """Write every attribute, and the live exception's own text."""
        error = record.exc_info[1] if record.exc_info else None
        return f"{vars(record)} {error} {error.__cause__ if error else ''}"


def test_a_formatter_that_writes_every_attribute_leaks_nothing(attached: list[str]) -> None:
    stream = io.StringIO()
    logger = a_logger(stream, Everything())

    logger.error("failed %s", CANARY, exc_info=a_failure(), extra={"where": [f"at {CANARY}"]})
    logger.error("%.2s", CANARY)
    logger.error(ValueError(CANARY), extra={"who": {"phone": "01012345678"}})

    for form in (CANARY, repr(CANARY)[1:-1]):
        assert form not in stream.getvalue()
    assert "12345678" not in stream.getvalue()


def test_prefects_own_json_formatter_leaks_nothing(attached: list[str]) -> None:
    formatters = pytest.importorskip("prefect.logging.formatters")
    stream = io.StringIO()

    logger = a_logger(stream, formatters.JsonFormatter("default", None, "%"))
    logger.error("failed", exc_info=a_failure(), extra={"where": CANARY})

    assert json.dumps(CANARY)[1:-1] not in stream.getvalue()
    assert "RuntimeError" in stream.getvalue()


def test_a_record_with_nothing_to_hide_stays_as_it_is(attached: list[str]) -> None:
    error = ValueError("plain")
    record = logging.getLogger().makeRecord(
        "access", 20, "x", 1, "%s - %s", ("10.0.0.1:45071", 200), (ValueError, error, None)
    )

    assert record.msg == "%s - %s"
    assert record.args == ("10.0.0.1:45071", 200)  # uvicorn's access log unpacks them
    assert record.exc_info
    assert record.exc_info[1] is error


def test_extra_values_are_scrubbed_on_handlers_that_are_added_later(attached: list[str]) -> None:
    stream = io.StringIO()

    a_logger(stream).warning("hello", extra={"where": f"at {CANARY}"})

    assert stream.getvalue() == f"hello at {MARK}\n"


def test_a_record_of_another_process_is_scrubbed_by_the_filter() -> None:
    record = logging.makeLogRecord({"msg": f"a {CANARY}", "exc_text": CANARY, "where": CANARY})

    assert RedactionFilter().filter(record)

    assert (record.msg, record.exc_text, vars(record)["where"]) == (f"a {MARK}", MARK, MARK)


def test_the_filter_can_be_named_in_a_logging_configuration() -> None:
    stream = io.StringIO()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"redaction": {"()": "naverplace.redaction.redactor.RedactionFilter"}},
            "handlers": {
                "here": {
                    "class": "logging.StreamHandler",
                    "stream": stream,
                    "filters": ["redaction"],
                }
            },
            "loggers": {"configured": {"handlers": ["here"], "propagate": False}},
        }
    )

    logging.getLogger("configured.child").error("pw %s", CANARY)

    assert stream.getvalue() == f"pw {MARK}\n"


class Broken:
    """An object that cannot be shown."""

    def __str__(self) -> str:
        """Fail."""
        raise RuntimeError(CANARY)


@pytest.mark.parametrize(
    ("message", "args"),
    [("only %s", (CANARY, "more")), ("%d", (CANARY,)), ("%s", (Broken(),)), (Broken(), ())],
)
def test_a_wrong_log_call_neither_raises_nor_leaks(
    attached: list[str],
    message: object,
    args: tuple[object, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = io.StringIO()

    a_logger(stream).warning(message, *args)

    assert CANARY not in stream.getvalue() + capsys.readouterr().err
    assert "its arguments do not fit" in stream.getvalue()


def test_a_line_of_urllib3_with_the_bots_token_is_scrubbed(attached: list[str]) -> None:
    stream = io.StringIO()
    REDACTOR.learn("1000000009:AA-canary_token-of-a-bot")

    a_logger(stream).info(
        '%s://%s:%s "%s %s %s" %s %s',
        *("https", "api.telegram.org", 443, "POST"),
        *("/bot1000000009:AA-canary_token-of-a-bot/sendMessage", "HTTP/1.1", 200, 99),
    )

    assert f'"POST /bot{MARK}/sendMessage HTTP/1.1" 200 99' in stream.getvalue()


@pytest.mark.parametrize("library", ["botocore.hooks", "urllib3", "selenium.webdriver", "httpx"])
def test_no_library_shows_its_work_below_info_whatever_is_set(
    attached: list[str], library: str
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.Logger(library, logging.DEBUG)  # as PREFECT_LOGGING_* and dictConfig set it
    logger.addHandler(handler)

    logger.debug("body: {'name': {'S': '홍길동'}}")
    logger.info("retrying")

    assert stream.getvalue() == "retrying\n"


def test_uncaught_errors_are_scrubbed(
    attached: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    error = a_failure()
    given = SimpleNamespace(exc_type=RuntimeError, exc_value=error, exc_traceback=None)

    sys.excepthook(RuntimeError, error, None)
    threading.excepthook(given)  # type: ignore[arg-type]
    sys.unraisablehook(given)

    shown = capsys.readouterr().err
    assert CANARY not in shown
    assert repr(CANARY)[1:-1] not in shown
    assert shown.count(MARK) == 3
    assert attached == []


def test_uncaught_errors_with_nothing_to_hide_go_the_usual_way(
    attached: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert attached == ["passed on"]
    assert capsys.readouterr().err == ""


def test_warnings_are_scrubbed(attached: list[str]) -> None:
    warnings.showwarning(f"about {CANARY}", UserWarning, "file.py", 1)
    warnings.showwarning(UserWarning("about nothing"), UserWarning, "file.py", 1)

    assert attached == [f"about {MARK}", "about nothing"]


def test_handlers_that_exist_already_get_the_filter(attached: list[str]) -> None:
    handler = logging.NullHandler()
    logger = logging.getLogger("existed-before")
    _plain_add(logger, handler)

    redactor.attach()
    redactor.attach()

    assert [type(known) for known in handler.filters] == [RedactionFilter]
    logger.removeHandler(handler)


def test_attaching_twice_changes_nothing(attached: list[str]) -> None:
    def hooks() -> tuple[object, ...]:
        return (
            logging.getLogRecordFactory(),
            logging.Logger.addHandler,
            sys.excepthook,
            sys.unraisablehook,
            threading.excepthook,
            warnings.showwarning,
        )

    before = hooks()
    redactor.attach()

    assert hooks() == before


def test_attaching_mends_what_others_have_replaced_since(attached: list[str]) -> None:
    warnings.showwarning = lambda *given: attached.append(str(given[0]))

    redactor.attach()
    warnings.showwarning(f"about {CANARY}", UserWarning, "file.py", 1)

    assert attached == [f"about {MARK}"]
