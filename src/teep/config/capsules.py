"""Capsules: queues with a concurrency of their own inside one worker process."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from teep.config.queues import QueueOrder
from teep.errors import ConfigurationError

DEFAULT = "default"
"""The capsule that a `Config`'s own queues and concurrency make."""


@dataclass(frozen=True, kw_only=True)
class CapsuleConfig:
    """One capsule, as Sidekiq 7's `config.capsule(name)`; checked with the `Config` that it is given to.

    Args:
        concurrency: jobs that it runs at a time in each process; 1 runs its queues' jobs one after the other there.
        queues: the queues that it serves, as `"name"` or `"name,weight"`; no other capsule may serve them.
    """

    concurrency: int
    queues: Sequence[str]

    def __post_init__(self) -> None:
        # A list would have no hash, and could be changed. Any other type is refused with the `Config`.
        if isinstance(self.queues, Collection) and not isinstance(self.queues, str | tuple):
            object.__setattr__(self, "queues", tuple(self.queues))

    @property
    def order(self) -> QueueOrder:
        """The queues as parsed."""
        return QueueOrder.parse(self.queues)


def parse_capsule(text: str) -> tuple[str, CapsuleConfig]:
    """Read `NAME:CONCURRENCY:QUEUE[,WEIGHT][:QUEUE...]`, the form of the command line.

    Raises:
        ConfigurationError: it has another form.
    """
    name, _, rest = text.partition(":")
    concurrency, _, queues = rest.partition(":")
    if not (name and concurrency.isdecimal() and queues):
        raise ConfigurationError(
            f"the capsule {text!r} cannot be read; write NAME:CONCURRENCY:QUEUE, such as serial:1:imports"
        )
    return name, CapsuleConfig(concurrency=int(concurrency), queues=queues.split(":"))


def check_capsules(capsules: Any, taken: Iterable[str]) -> None:
    """Refuse capsules that cannot work beside a default one that has the queues `taken`.

    Raises:
        ConfigurationError: a name, a concurrency or a queue does not fit, or a queue is in two capsules. The
            in-flight list of a queue belongs to the process, so two capsules on it would end each other's jobs.
    """
    if not isinstance(capsules, Mapping):
        raise ConfigurationError(f"capsules must be a mapping of names to CapsuleConfig, not {capsules!r}")
    served = dict.fromkeys(taken, DEFAULT)
    for name, capsule in capsules.items():
        _check_one(name, capsule)
        for queue in capsule.order.weights:
            if queue in served:
                raise ConfigurationError(
                    f"the queue {queue!r} is in the capsules {served[queue]!r} and {name!r};"
                    " within a process one capsule serves it"
                )
            served[queue] = name


def _check_one(name: Any, capsule: Any) -> None:
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"a capsule's name must be a string, not {name!r}")
    if name == DEFAULT:
        raise ConfigurationError("the capsule 'default' is made by the concurrency and queues of the Config itself")
    if not isinstance(capsule, CapsuleConfig):
        raise ConfigurationError(f"the capsule {name!r} must be a CapsuleConfig, not {capsule!r}")
    if type(capsule.concurrency) is not int or capsule.concurrency < 1:
        raise ConfigurationError(
            f"the concurrency of capsule {name!r} must be a whole number from 1, not {capsule.concurrency!r}"
        )
    queues = capsule.queues
    if isinstance(queues, str) or not isinstance(queues, Collection) or not all(isinstance(q, str) for q in queues):
        raise ConfigurationError(f"the queues of capsule {name!r} must be a list of strings, not {queues!r}")
