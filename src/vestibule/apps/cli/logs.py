"""The program's own log on standard error, in the configured form and from the configured severity up.

Whatever logs through Python's `logging` (the web server, asyncio) comes out in the same form. A traceback shows no
values of variables.
"""

import logging
import sys
from typing import Any

import structlog
from structlog.types import Processor

from vestibule.apps.configuration.model import Log


def configure(wanted: Log) -> None:
    """Set up structlog and `logging` for this process."""
    level = getattr(logging, wanted.level.upper())
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    ending = _ending(wanted.format)
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _follow(level, structlog.stdlib.ProcessorFormatter(processors=_foreign(ending), foreign_pre_chain=shared))


def _ending(form: str) -> list[Processor]:
    if form == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    colours = sys.stderr.isatty()
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain, pad_event_to=0)]


def _foreign(ending: list[Processor]) -> list[Processor]:
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending]


def _follow(level: int, formatter: logging.Formatter) -> None:
    stream: logging.StreamHandler[Any] = logging.StreamHandler(sys.stderr)
    stream.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(max(level, logging.WARNING))
