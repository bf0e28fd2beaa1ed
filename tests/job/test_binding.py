"""How a call becomes the wire's `args` and `kwargs`, and comes back as the same call."""

import __future__

import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import teep
from teep.errors import InvalidArguments, InvalidJob
from teep.job.definition import Definition, find, forgetting
from teep.job.options import Options
from teep.web.pages.push import known_jobs


def define(function: Any) -> Definition:
    return Definition("the.job", Options.parse("the.job", {}), function)


def wire(function: Any, *args: Any, **kwargs: Any) -> tuple[list[Any], dict[str, Any] | None]:
    """What of a call goes on the wire."""
    item = define(function).to_payload(args, kwargs)
    return item["args"], item.get("kwargs")


def plain(a: int, b: int = 2, c: int = 3) -> tuple[Any, ...]:
    return a, b, c


def named(user: int, *, locale: str = "en", deep: bool = False) -> tuple[Any, ...]:
    return user, locale, deep


def required(user: int, *, locale: str) -> tuple[Any, ...]:
    return user, locale


def rest(first: int, *others: int, **more: int) -> tuple[Any, ...]:
    return first, others, more


def hidden(a: int, b: int = 5, /, c: int = 6, **more: int) -> tuple[Any, ...]:
    return a, b, c, more


def only_positions(a: int, b: int = 5, /) -> tuple[Any, ...]:
    return a, b


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "sent"),
    [
        (plain, (1,), {}, ([1], None)),
        (plain, (1, 9, 8), {}, ([1, 9, 8], None)),
        (plain, (), {"a": 1}, ([1], None)),
        (plain, (1,), {"b": 5}, ([1, 5], None)),
        (plain, (1,), {"c": 5}, ([1, 2, 5], None)),  # a gap: the default between is written out
        (plain, (), {"c": 5, "a": 1}, ([1, 2, 5], None)),
        (named, (1,), {}, ([1], None)),
        (named, (1,), {"locale": "de"}, ([1], {"locale": "de"})),
        (named, (), {"deep": True, "user": 1}, ([1], {"deep": True})),
        (required, (1,), {"locale": "de"}, ([1], {"locale": "de"})),
        (rest, (1, 2, 3), {}, ([1, 2, 3], None)),
        (rest, (1,), {"x": 2}, ([1], {"x": 2})),
        (rest, (), {"first": 1, "x": 2}, ([1], {"x": 2})),
        (only_positions, (1,), {}, ([1], None)),
        (hidden, (1,), {"b": 3}, ([1], {"b": 3})),  # the name of a positional-only parameter is free for others
        (hidden, (1,), {"b": 3, "c": 4}, ([1, 5, 4], {"b": 3})),
        (hidden, (1, 2), {"a": 0, "b": 3}, ([1, 2], {"a": 0, "b": 3})),
    ],
)
def test_the_wire(function: Any, args: Any, kwargs: Any, sent: Any) -> None:
    assert wire(function, *args, **kwargs) == sent


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "sentence"),
    [
        (plain, (), {}, "missing a required argument: 'a'"),
        (plain, (1, 2, 3, 4), {}, "too many positional arguments"),
        (plain, (1,), {"z": 1}, "got an unexpected keyword argument 'z'"),
        (plain, (1,), {"a": 1}, "multiple values for argument 'a'"),
        (required, (1,), {}, "missing a required .*argument: 'locale'"),
        (only_positions, (), {"a": 1}, "'a'"),
    ],
)
def test_a_call_that_cannot_be_made_fails_at_the_push(function: Any, args: Any, kwargs: Any, sentence: str) -> None:
    with pytest.raises(InvalidArguments, match=sentence) as caught:
        wire(function, *args, **kwargs)
    assert str(caught.value).startswith("the.job(")
    assert isinstance(caught.value, TypeError)


_CALLS: dict[Any, st.SearchStrategy[dict[str, int]]] = {
    plain: st.fixed_dictionaries({"a": st.integers()}, optional={"b": st.integers(), "c": st.integers()}),
    named: st.fixed_dictionaries({"user": st.integers()}, optional={"locale": st.integers(), "deep": st.integers()}),
    rest: st.dictionaries(st.sampled_from("xyz"), st.integers()).map(lambda more: {"first": 1, **more}),
}


@given(st.sampled_from(list(_CALLS)).flatmap(lambda function: st.tuples(st.just(function), _CALLS[function])))
def test_what_runs_is_the_call_that_was_pushed(call: tuple[Any, dict[str, int]]) -> None:
    function, kwargs = call
    definition = define(function)
    assert definition.run(definition.to_payload((), kwargs)) == function(**kwargs)


def test_ruby_pushes_positions_only() -> None:
    assert define(named).run({"args": [7]}) == (7, "en", False)


def test_arguments_of_a_bulk_are_checked_against_the_signature() -> None:
    definition = define(plain)
    assert definition.bulk_args((1, 2)) == [1, 2]
    with pytest.raises(InvalidArguments, match="missing a required argument"):
        definition.bulk_args([])
    with pytest.raises(InvalidArguments, match=r"needs a list of arguments .*, and row 0 is of type str"):
        definition.bulk_args("ab")
    with pytest.raises(InvalidArguments, match=r"missing a required .*argument: 'locale'"):
        define(required).bulk_args([1])


def test_the_class_form_has_no_self_on_the_wire(offline: teep.Config) -> None:
    class Greet(teep.Job, name="Greet"):
        def perform(self, name: str, *, loud: bool = False) -> None: ...

    assert Greet.set().to_payload(("x",), {"loud": True}) == {
        "args": ["x"], "class": "Greet", "kwargs": {"loud": True},
    }  # fmt: skip
    with pytest.raises(InvalidArguments, match="missing a required argument: 'name'"):
        Greet.set().to_payload((), {})


def test_what_does_not_say_what_it_takes_is_no_job() -> None:
    with pytest.raises(InvalidJob, match=r"the.job does not say what it takes .*; call it in a def of your own"):
        define(max)


def test_a_method_may_take_self_among_its_other_arguments() -> None:
    class Open(teep.Job, name="open"):
        def perform(*args: Any) -> Any:
            return args[1:]

    item = Open.set().to_payload((1, 2), {})
    assert item["args"] == [1, 2]
    assert find("open").run(item) == (1, 2)


def test_a_generator_is_no_job() -> None:
    def steps() -> Any:
        yield 1

    async def async_steps() -> Any:
        yield 1

    class Steps:
        def __call__(self) -> Any:
            yield 1

    for function in (steps, async_steps, Steps()):
        with pytest.raises(InvalidJob, match="has a yield, so a call of it runs nothing"):
            define(function)


def several(a: int, b: bool = False, c: Any = (1,), *, d: str = "x", e: float = 1.0) -> None: ...


@pytest.mark.parametrize(
    ("args", "kwargs", "shortest"),
    [
        ([7], {}, ([7], {})),
        ([7, False], {}, ([7], {})),
        ([7, 0], {}, ([7, 0], {})),  # is called with another value
        ([7, False, [1]], {}, ([7, False, [1]], {})),  # a list is no tuple
        ([7, False], {"d": "x", "e": 1.0}, ([7], {})),
        ([7], {"d": "y", "e": 1}, ([7], {"d": "y", "e": 1})),
        ([7, True, False], {}, ([7, True, False], {})),
        ([], {}, ([], {})),  # a payload may be wrong
        ([7, False, 3, False], {}, ([7, False, 3, False], {})),
    ],
)
def test_the_shortest_way_to_write_a_call(args: Any, kwargs: Any, shortest: Any) -> None:
    assert define(several).call_of({"args": args, "kwargs": kwargs}) == shortest


UNKNOWN_NAMES = """
class Options(dict): ...

@teep.job(name="unknown.names", retry_in=lambda count, error, payload: 1)
def send(order: "Order", note: Note | None = None) -> Sent: ...

class Report(teep.Job, name="unknown.names.class"):
    def __init__(self, made: Maker = None) -> None: ...
    def perform(self, of: Order) -> Sent: ...

def later(count: Count, error: Error, payload: Payload) -> Seconds: ...

@teep.job(name="unknown.names.code", retry_in=later)
async def ask(order: Order, *, note: Note) -> Sent: ...
"""


def test_annotations_may_name_what_only_type_checkers_import() -> None:
    flags = 0 if sys.version_info >= (3, 14) else __future__.annotations.compiler_flag
    module: dict[str, Any] = {"__name__": "unknown_names", "teep": teep}
    with forgetting():
        exec(compile(UNKNOWN_NAMES, "unknown_names.py", "exec", flags, dont_inherit=True), module)
        assert find("unknown.names").to_payload((1,), {"note": "soon"})["args"] == [1, "soon"]
        assert find("unknown.names.class").to_payload((1,), {})["args"] == [1]
        assert find("unknown.names.code").to_payload((1,), {"note": "soon"})["kwargs"] == {"note": "soon"}
        with pytest.raises(InvalidArguments, match=r"order: .*Order.*note: .*Note \| None"):
            find("unknown.names").to_payload((), {})
        assert any(re.search(r"note: *.*Note", known.call) for known in known_jobs() if known.name == "unknown.names")
