"""Arguments by their annotations: plain JSON on the wire that Ruby reads, the value in the job."""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import teep
from teep.errors import InvalidArguments, InvalidJob
from teep.job.definition import find, forgetting

AT = datetime(2026, 11, 30, 6, 30, tzinfo=UTC)
ID = UUID("080a396d-04e6-471b-b0bf-bf21bb954d8d")


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    with forgetting():
        yield


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Level(enum.IntEnum):
    LOW = 1


@dataclass
class Line:
    sku: UUID
    price: Decimal
    sizes: set[Size] = field(default_factory=set)


class Box(msgspec.Struct):
    lines: list[Line]
    packed: datetime | None = None


class Address(pydantic.BaseModel):
    street: str
    since: date
    zones: tuple[int, ...] = ()


LINE = Line(ID, Decimal("1.50"), {Size.SMALL})

VALUES: list[tuple[Any, Any, Any]] = [
    (datetime, AT, "2026-11-30T06:30:00Z"),
    (date, AT.date(), "2026-11-30"),
    (timedelta, timedelta(minutes=90), "PT5400S"),
    (UUID, ID, str(ID)),
    (Decimal, Decimal("1.50"), "1.50"),
    (Size, Size.LARGE, "l"),
    (Level, Level.LOW, 1),
    (Line, LINE, {"sku": str(ID), "price": "1.50", "sizes": ["s"]}),
    (
        Box,
        Box([LINE], AT),
        {"lines": [{"sku": str(ID), "price": "1.50", "sizes": ["s"]}], "packed": AT.isoformat()[:-6] + "Z"},
    ),
    (
        Address,
        Address(street="Aleje", since=AT.date(), zones=(1, 2)),
        {"street": "Aleje", "since": "2026-11-30", "zones": [1, 2]},
    ),
    (
        list[Address],
        [Address(street="Aleje", since=AT.date())],
        [{"street": "Aleje", "since": "2026-11-30", "zones": []}],
    ),
    (dict[int, UUID], {7: ID}, {"7": str(ID)}),
    (tuple[int, Size], (1, Size.SMALL), [1, "s"]),
    (frozenset[int], frozenset({3}), [3]),
    (bytes, b"\x00\xff", "AP8="),
    (datetime | None, None, None),
    (UUID | int, ID, str(ID)),
    (Literal["a", "b"], "a", "a"),
    (Annotated[int, msgspec.Meta(ge=1)], 1, 1),
    (float, 3, 3),
    (Any, {"as": ["it", 1]}, {"as": ["it", 1]}),
]


def job_of(kind: Any, **options: Any) -> tuple[Any, list[Any]]:
    """Return a job that takes one argument of a type, and a list of those that it got."""
    got: list[Any] = []

    def take(value: Any) -> None:
        got.append(value)

    take.__annotations__ = {"value": kind}
    return teep.job(name="take", convert=True, **options)(take), got


@pytest.mark.parametrize(("kind", "value", "wire"), VALUES, ids=[str(number) for number in range(len(VALUES))])
def test_a_value_travels_as_plain_json_and_comes_back(kind: Any, value: Any, wire: Any) -> None:
    take, got = job_of(kind)
    with teep.testing.fake() as jobs:
        take.perform_async(value)
        take.perform_bulk([[value], (value,)])
        teep.push(take.s(value))
        assert [job.args for job in jobs] == [[wire]] * 4
        teep.testing.drain()
    take.perform_inline(value)
    assert got == [value] * 5
    assert {type(each) for each in got} == {float if kind is float else type(value)}
    assert find("take").to_payload((wire,), {})["args"] == [wire]  # as the web page and the shell push it


@given(
    st.datetimes(timezones=st.none() | st.just(UTC)), st.decimals(allow_nan=False, allow_infinity=False), st.uuids()
)
def test_any_value_comes_back(at: datetime, price: Decimal, sku: UUID) -> None:
    with forgetting():

        @teep.job(name="any", convert=True)
        def take(at: datetime, line: Line) -> tuple[datetime, Line]:
            return at, line

        assert take.perform_inline(at, Line(sku, price)) == (at, Line(sku, price))


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (datetime, "soon", "value of take must be datetime: Invalid RFC3339"),
        (int, "3", "value of take must be int: Expected `int`, got `str`"),
        (str, ID, "value of take must be str, not UUID"),
        (Size, "xl", r"value of take must be Size: Invalid enum value 'xl'"),
        (Line, {"sku": 3}, r"Expected `uuid`, got `int` - at `\$.sku`"),
        (Box, Line(ID, Decimal(1)), r"must be Box: Object missing required field `lines`"),
        (Address, {"street": "x", "since": "never"}, "since"),
        (list[Line], [LINE, 3], r"at `\$\[1\]`"),
        (Annotated[int, msgspec.Meta(ge=1)], 0, "Expected `int` >= 1"),
        (object, object(), "value of take cannot be written as JSON: objects of type object are not known"),
        (float, float("nan"), r"args\[0\]"),
    ],
)
def test_what_is_not_of_its_type_is_refused_at_the_push_by_its_name(kind: Any, value: Any, says: str) -> None:
    take, _ = job_of(kind)
    with teep.testing.fake() as jobs:
        for push in (take.perform_async, take.s, lambda each: take.perform_bulk([[each]])):
            with pytest.raises(InvalidArguments, match=says):
                teep.push(made) if isinstance(made := push(value), teep.Signature) else made
        assert len(jobs) == 0


def test_a_subclass_that_would_come_back_as_its_base_is_refused() -> None:
    @dataclass
    class Gift(Line):
        ribbon: str = "red"

    take, _ = job_of(Line)
    with pytest.raises(InvalidArguments, match=r"value of take must be Line, not .*Gift"):
        take.perform_async(Gift(ID, Decimal(1)))


def test_each_kind_of_parameter() -> None:
    @teep.job(name="each", convert=True)
    def each(first: date, *others: UUID, size: Size = Size.SMALL, free: Any = None, **more: Decimal) -> Any:
        return first, others, size, free, more

    payload = each.to_payload((AT.date(), ID), {"size": Size.LARGE, "free": [1], "tip": Decimal("0.5")})
    assert payload["args"] == ["2026-11-30", str(ID)]
    assert payload["kwargs"] == {"size": "l", "free": [1], "tip": "0.5"}
    assert each.perform_inline(AT.date(), ID, size=Size.LARGE, tip=Decimal("0.5")) == (
        AT.date(), (ID,), Size.LARGE, None, {"tip": Decimal("0.5")},
    )  # fmt: skip


def test_every_form_of_job_takes_it() -> None:
    got: list[Any] = []

    class Ship(teep.Job, name="ship", convert=True):
        def perform(self, at: datetime, db: Annotated[str, teep.Depends(lambda: "db")] = teep.injected) -> None:
            got.append((at, db))

    @teep.job(name="async", convert=True)
    async def secret(order: int, at: datetime) -> None:
        got.append((order, at))

    class Import(teep.IterableJob, name="import", convert=True):
        def build_enumerator(self, since: date, cursor: int | None) -> Any:
            return self.array_enumerator([since], cursor=cursor)

        def each_iteration(self, item: date, since: date) -> None:
            got.append((item, since))

    Ship.perform_inline(AT)
    secret.perform_inline(1, AT)
    Import.perform_inline(AT.date())
    assert got == [(AT, "db"), (1, AT), (AT.date(), AT.date())]


def test_another_producers_value_that_does_not_fit_fails_the_run() -> None:
    _, got = job_of(datetime)
    with teep.testing.fake():
        teep.Client().push({"class": "take", "args": ["tomorrow"]})
        with pytest.raises(InvalidArguments, match="value of take must be datetime"):
            teep.testing.drain()
    assert got == []


def test_defaults_of_unique_jobs_are_alike_left_out_or_written() -> None:
    @teep.job(name="alike", convert=True, unique_for=60)
    def alike(order: int, size: Size = Size.SMALL) -> None: ...

    definition = find("alike")
    assert definition.call_of(alike.to_payload((1, Size.SMALL), {})) == ([1], {})
    assert definition.call_of(alike.to_payload((1, Size.LARGE), {})) == ([1, "l"], {})


def ambiguous(value: Line | Address | Box) -> None: ...
def two_classes(value: "Line | Gone") -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (ambiguous, "value of the.job cannot be converted: "),
        (two_classes, r"cannot be evaluated .*Gone.*, which convert=True needs"),
    ],
)
def test_an_annotation_that_cannot_be_converted_is_told_at_the_definition(
    function: Callable[..., None], says: str
) -> None:
    with pytest.raises(InvalidJob, match=says):
        teep.job(name="the.job", convert=True)(function)


def test_without_it_strict_json_stays_the_promise() -> None:
    @teep.job(name="strict")
    def strict(at: datetime) -> None: ...

    with pytest.raises(InvalidArguments):
        strict.perform_async(AT)
    with pytest.raises(InvalidJob, match="convert of loose must be true or false"):
        teep.job(name="loose", convert="yes")(lambda: None)  # type: ignore[call-overload]
