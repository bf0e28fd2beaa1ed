"""The names that Celery, RQ, Dramatiq, arq, Huey and Procrastinate have for options and verbs of teep.

In a payload such a name would be a field of a user's own, so a job that should wait an hour would run at once.
"""

_WAIT = ".set(wait=…), or perform_in"
_WAIT_UNTIL = ".set(wait_until=…), or perform_at"
_RETRY = "retry, how many times"
_RETRY_IN = "retry_in, a function that returns the seconds until the next try"
_EXPIRES_IN = "expires_in, in seconds"
_TIMEOUT = "timeout, in seconds"
_NO_PRIORITY = "a queue of its own, as jobs have no priorities: the worker's queues have, -q critical,6 -q low"
_KEEP_RESULT = "keep_result, in seconds"
_NO_RESULTS = "nothing, as results are kept only with keep_result"
_AFTER = "retries_exhausted, or a death handler; what follows a success is pushed by the job itself"
_ALWAYS_LATE = "nothing, as jobs are always acknowledged when they have ended"
_CONTEXT = "teep.current_job() inside of the job"

# The option to use instead of each name; it ends a sentence that begins with the job's name.
OPTIONS = {
    **dict.fromkeys(("countdown", "delay", "defer_by", "_defer_by", "schedule_in", "run_in"), _WAIT),
    **dict.fromkeys(
        ("eta", "defer_until", "_defer_until", "schedule_at", "scheduled_at", "run_at", "not_before"), _WAIT_UNTIL
    ),
    **dict.fromkeys(("expires", "_expires", "ttl", "max_age"), _EXPIRES_IN),
    **dict.fromkeys(("max_retries", "retries", "max_tries", "max_attempts"), _RETRY),
    **dict.fromkeys(
        ("retry_delay", "default_retry_delay", "retry_backoff", "retry_backoff_max", "retry_jitter", "retry_policy",
         "retry_kwargs", "retry_when", "min_backoff", "max_backoff", "autoretry_for", "dont_autoretry_for", "throws"),
        _RETRY_IN,
    ),
    **dict.fromkeys(("time_limit", "soft_time_limit", "job_timeout"), _TIMEOUT),
    **dict.fromkeys(("queue_name", "_queue_name", "routing_key", "exchange"), "queue"),
    **dict.fromkeys(("task_name", "actor_name"), "name"),
    **dict.fromkeys(("priority", "task_priority", "at_front"), _NO_PRIORITY),
    **dict.fromkeys(
        ("store_results", "keep_result_forever", "result_ttl", "result_expires", "save_return_value"), _KEEP_RESULT
    ),
    **dict.fromkeys(
        ("ignore_result", "failure_ttl", "store_errors_even_if_ignored", "track_started"), _NO_RESULTS
    ),
    **dict.fromkeys(("link", "link_error", "on_success", "on_failure", "chord", "depends_on", "pipe_ignore"), _AFTER),
    **dict.fromkeys(("acks_late", "reject_on_worker_lost", "acks_on_failure_or_timeout"), _ALWAYS_LATE),
    **dict.fromkeys(("bind", "pass_context"), _CONTEXT),
    **dict.fromkeys(("job_id", "_job_id", "task_id"), "the jid that the push returns"),
    **dict.fromkeys(("lock", "queueing_lock", "singleton", "unique"), "unique_for, in seconds"),
    **dict.fromkeys(("serializer", "compression", "accept_content"), "nothing, as arguments are JSON"),
    "rate_limit": "a queue that a worker with few threads serves, as there are no rate limits yet",
    "apply_async": "perform_async, which is a method",
    "wait": "it at a push, as in .set(wait=…), or perform_in",
    "wait_until": "it at a push, as in .set(wait_until=…), or perform_at",
}  # fmt: skip

# The verb to use instead of each one that a job does not have.
VERBS = {
    **dict.fromkeys(
        ("delay", "apply_async", "send", "enqueue", "kiq", "defer", "enqueue_job", "submit", "push"), "perform_async"
    ),
    "defer_async": "aio.perform_async",
    **dict.fromkeys(("send_with_options", "options", "configure", "using"), "set(…)"),
    **dict.fromkeys(("si", "signature", "subtask", "message"), "s(…)"),
    **dict.fromkeys(("schedule", "enqueue_in", "delay_in"), "perform_in"),
    **dict.fromkeys(("enqueue_at", "apply_at"), "perform_at"),
    **dict.fromkeys(("map", "starmap", "chunks", "push_bulk", "enqueue_many"), "perform_bulk"),
    **dict.fromkeys(("apply", "call_local"), "perform_inline"),
}  # fmt: skip


def no_attribute(owner: str, name: str) -> str:
    """Return the message of the AttributeError for an attribute that a job does not have."""
    verb = VERBS.get(name)
    return f"{owner} has no attribute {name!r}" + (f"; use {verb}" if verb else "")
