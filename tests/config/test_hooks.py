"""Hooks: what is called around pushes and jobs, and when it can be added."""

from collections.abc import Callable
from typing import Any

import pytest

import teep
from teep.config import extend_default, isolated
from teep.config.hooks import Hooks, log_error
from teep.errors import ConfigurationError


def _middleware(_job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
    return call_next()


def _handle(_error: BaseException, _context: dict[str, Any]) -> None: ...


def _bury(_job: dict[str, Any], _error: BaseException) -> None: ...


def _guard(_job: Any) -> None: ...


class _Everything:
    """Adds one of each."""

    def join(self, config: teep.Config) -> None:
        config.client_middleware.add(_middleware)
        config.server_middleware.add(_middleware)
        config.error_handlers.append(_handle)
        config.death_handlers.append(_bury)
        config.hooks.guards.append(_guard)
        config.hooks.services.append(_service)
        config.hooks.observers.append(_observe)
        config.on("beat", _listen)


def _service(_component: Any) -> Any: ...


def _observe(_happening: object) -> None: ...


def _listen() -> None: ...


def _all(hooks: Hooks) -> list[Any]:
    return [
        list(hooks.client_middleware), list(hooks.server_middleware), hooks.error_handlers, hooks.death_handlers,
        hooks.guards, hooks.services, hooks.observers, list(hooks.listeners("beat")),
    ]  # fmt: skip


EVERYTHING = [
    [_middleware],
    [_middleware],
    [log_error, _handle],
    [_bury],
    [_guard],
    [_service],
    [_observe],
    [_listen],
]


def test_a_copy_has_the_same_hooks_and_takes_more() -> None:
    config = teep.Config()
    config.use(_Everything())
    for hooks in (config.hooks, config.copy(concurrency=3).hooks, config.hooks.copy()):
        assert _all(hooks) == EVERYTHING
    config.hooks.merge(config.copy().hooks)
    assert _all(config.hooks) == EVERYTHING, "nothing comes twice"
    config.copy().death_handlers.clear()
    assert config.death_handlers == [_bury]


def _one_more() -> Hooks:
    hooks = Hooks()
    hooks.on("quiet", _listen)
    return hooks


CHANGES: dict[str, Callable[[teep.Config], object]] = {
    "client middleware": lambda config: config.client_middleware.add(_middleware),
    "server middleware": lambda config: config.server_middleware.prepend(_middleware),
    "before another": lambda config: config.server_middleware.insert_before(_middleware, lambda *_: None),
    "removed": lambda config: config.server_middleware.remove(_middleware),
    "cleared": lambda config: config.client_middleware.clear(),
    "error handler": lambda config: config.error_handlers.append(_handle),
    "in place of the log": lambda config: config.error_handlers.__setitem__(slice(None), [_handle]),
    "death handlers": lambda config: config.death_handlers.extend([_bury]),
    "none": lambda config: config.error_handlers.clear(),
    "popped": lambda config: config.error_handlers.pop(0),
    "guard": lambda config: config.hooks.guards.insert(0, _guard),
    "service": lambda config: config.hooks.services.__iadd__([_service]),
    "observer": lambda config: config.hooks.observers.append(_observe),
    "listener": lambda config: config.on("exit", _listen),
    "extension": lambda config: config.use(_Everything()),
    "merged": lambda config: config.hooks.merge(_one_more()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nothing_changes_while_a_worker_runs_with_them(change: Callable[[teep.Config], object]) -> None:
    config = teep.Config()
    config.server_middleware.add(_middleware)
    before = [list(part) for part in _all(config.hooks)]
    one, other = object(), object()
    config.hooks.seal(one)
    config.hooks.seal(other)
    config.hooks.unseal(one)
    with pytest.raises(ConfigurationError, match=r"a worker runs with this configuration.*: add .* before it starts"):
        change(config)
    assert _all(config.hooks) == before
    change(config.copy())
    config.hooks.unseal(other)
    change(config)


def test_what_is_there_already_may_come_again_while_a_worker_runs() -> None:
    config = teep.Config()
    config.use(_Everything())
    config.hooks.seal(object())
    config.hooks.merge(config.copy().hooks)
    assert _all(config.hooks) == EVERYTHING


def test_an_extension_that_comes_too_late_is_not_remembered() -> None:
    config = teep.configure()
    config.hooks.seal(object())
    extension = _Everything()
    with pytest.raises(ConfigurationError, match="before it starts"):
        extend_default(extension)
    assert teep.configure().death_handlers == []
    extend_default(extension)
    assert teep.configure().death_handlers == [_bury]


def test_what_is_configured_in_isolation_is_forgotten() -> None:
    outside = teep.configure(concurrency=3)
    with isolated(fallbacks={"timeout": 7}):
        extend_default(_Everything())
        made = teep.configure(max_retries=4)
        assert (made.concurrency, made.timeout, made.death_handlers) == (10, 7, [_bury])
    assert teep.default_config() is outside
    assert teep.configure().death_handlers == []
