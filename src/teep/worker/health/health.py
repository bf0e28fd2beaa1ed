"""The health of a worker process, as `/live` and `/ready` answer it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from teep.clock import monotonic
from teep.runtime.component import Component
from teep.runtime.service import Service
from teep.wire import json
from teep.worker.health.watchdog import STUCK, Watchdog
from teep.worker.run.capsule import Capsule


class Report(NamedTuple):
    """The state of one or more processes.

    `live` is False if only a new process helps. `ready` is True if jobs are taken. `why` has a sentence for each
    problem; `processes` has the figures of each process, times in seconds.
    """

    live: bool
    ready: bool
    why: tuple[str, ...] = ()
    processes: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, reports: Iterable["Report"]) -> "Report":
        """Sum up the reports of several processes: live if all are, and ready if all are."""
        listed = list(reports)
        return cls(
            all(report.live for report in listed),
            all(report.ready for report in listed),
            tuple(why for report in listed for why in report.why),
            tuple(process for report in listed for process in report.processes),
        )

    @classmethod
    def parse(cls, text: str) -> "Report":
        """Read the JSON of a report that another process made, perhaps with another version of teep.

        Raises:
            ValueError: it cannot be read.
        """
        said = json.loads(text.encode())
        try:
            return cls(said["live"], said["ready"], tuple(said["why"]), tuple(map(dict, said["processes"])))
        except (KeyError, TypeError) as error:
            raise ValueError(f"no report: {text}") from error


STARTING = Report(live=True, ready=False, why=("the worker is starting",))


class Health:
    """Reports on this process. It reads plain attributes only, so a stuck part cannot block the answer."""

    def __init__(
        self, component: Component, capsules: Sequence[Capsule], heartbeat: Service, watchdog: Watchdog
    ) -> None:
        self._identity = component.identity
        self._capsules = capsules
        self._heartbeat = heartbeat
        self._outage = component.outage
        self._watchdog = watchdog

    def report(self) -> Report:
        """Return the process's health now. Asks Redis nothing."""
        figures = self._figures()
        fatal = [why for why in (self._watchdog.stuck, self._watchdog.lost) if why]
        passing = [
            sentence
            for holds, sentence in (
                (figures["quiet"], "it is quiet: no more jobs are taken"),
                (figures["seconds_of_outage"] is not None, self._outage.error),
                (figures["seconds_since_heartbeat"] > STUCK, "its last heartbeat is too long ago"),
            )
            if holds
        ]
        return Report(not fatal, not fatal and not passing, (*fatal, *passing), (figures,))

    def _figures(self) -> dict[str, Any]:
        now, away = monotonic(), self._outage.since
        fetchers = [capsule.fetcher for capsule in self._capsules]
        return {
            "identity": self._identity,
            "busy": sum(capsule.running.busy for capsule in self._capsules),
            "free": sum(fetcher.idle for fetcher in fetchers),
            "quiet": all(fetcher.quiet.is_set() for fetcher in fetchers),
            "seconds_since_turn": round(now - min(fetcher.turned_at for fetcher in fetchers), 3),
            "seconds_since_heartbeat": round(now - self._heartbeat.turned_at, 3),
            "seconds_of_outage": None if away is None else round(now - away, 3),
        }
