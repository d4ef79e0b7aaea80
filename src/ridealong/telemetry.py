"""Logs and metrics. What people said never enters either."""

from __future__ import annotations

import logging
import sys

import structlog
from prometheus_client import Counter, Gauge, Histogram

calls_running = Gauge("ridealong_calls_running", "Calls being heard now")
utterances_total = Counter("ridealong_utterances_total", "Utterances finished")
moments_total = Counter("ridealong_moments_total", "Moments decided", ["type", "tier", "reason"])
nudge_seconds = Histogram(
    "ridealong_nudge_seconds",
    "From the end of the trigger phrase to the decision",
    buckets=(0.1, 0.25, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0),
)
events_dropped_total = Counter("ridealong_watcher_events_dropped_total", "Events that a slow watcher lost")
drafts_ungrounded_total = Counter("ridealong_drafts_ungrounded_total", "Drafts dropped because nothing proved them")
live_questions_total = Counter("ridealong_live_questions_total", "Questions to the live model", ["outcome"])
nudge_wordings_refused_total = Counter(
    "ridealong_nudge_wordings_refused_total", "Wordings of the live model that were not shown", ["flaw"]
)
store_retries_total = Counter("ridealong_store_retries_total", "Writes repeated because the database was away")
model_requests_total = Counter("ridealong_model_requests_total", "Questions to models", ["model", "outcome"])
model_tokens_total = Counter("ridealong_model_tokens_total", "Tokens of models' answers", ["model", "kind"])
model_cost_usd_total = Counter("ridealong_model_cost_usd_total", "What models cost, by the price table", ["model"])
model_seconds = Histogram(
    "ridealong_model_seconds",
    "From sending a question to the last byte of its answer",
    ["model"],
    buckets=(0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30, 60),
)
model_breaker_open = Gauge("ridealong_model_breaker_open", "1 while a failing model is left alone", ["model"])
review_seconds = Histogram(
    "ridealong_review_seconds", "One review, from its transcript on", buckets=(0.5, 1, 2, 5, 10, 30, 60)
)
retranscription_seconds = Histogram(
    "ridealong_retranscription_seconds",
    "Hearing one recording again",
    ["outcome"],
    buckets=(1, 5, 15, 60, 300, 900, 3600),
)


def configure_logging(*, level: str = "info", as_json: bool = False) -> None:
    """Send structured logs to standard error. Standard output belongs to the command's own result."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    renderer = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
