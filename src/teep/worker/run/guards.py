"""The guards: checks by extensions that may keep a job from running."""

from teep.config.handlers import report
from teep.runtime.component import Component
from teep.store.feature import Barred
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.poison import postponed


class Guards:
    """The guards of a worker's hooks. They are asked in their order until one keeps the job from running."""

    def __init__(self, component: Component) -> None:
        self._config = component.config
        self._guards = tuple(component.hooks.guards)

    @property
    def are_there(self) -> bool:
        return bool(self._guards)

    def barred(self, job: UnitOfWork) -> Barred | None:
        """Return the outcome of a job that must not run now, or None if it may run."""
        if job.item is None:
            return None
        for guard in self._guards:
            try:
                barred = guard(job)
            except BaseException as error:  # noqa: BLE001 - reported; an extension may raise anything
                report(self._config, error, {"context": "a guard failed, and its job waits", "job": job.item})
                return postponed(job)
            if barred is not None:
                return barred
        return None
