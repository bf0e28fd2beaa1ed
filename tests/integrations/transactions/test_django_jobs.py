"""Jobs that use Django's database: a connection, a transaction or a query of one job is nothing to the next."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import Postgres
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, WorkerProcess

_SETTINGS = """
import os
DEBUG = True
SECRET_KEY = "key"
INSTALLED_APPS = ["teep.integrations.django", "shop"]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": os.environ["PG_USER"],
    "HOST": os.environ["PG_HOST"], "CONN_MAX_AGE": %(age)s, "OPTIONS": {"application_name": "jobs of django"},
}}
TEEP = {"concurrency": 1, "labels": ["of-the-settings"]}
"""

_JOBS = """
import json, os, redis, teep
from asgiref.sync import sync_to_async
from django.db import connection, transaction

notes = redis.Redis.from_url(os.environ["REDIS_URL"])

def note(*values):
    notes.rpush("noted", json.dumps(values))

def ask(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0] if cursor.description else None

@teep.job(retry=False)
def look():
    pid = ask("SELECT pg_backend_pid()")
    note("look", pid, ask("SELECT count(*) FROM numbers"), len(connection.queries), connection.in_atomic_block)

@teep.job(retry=False)
def cut_off():
    pid = ask("SELECT pg_backend_pid()")
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        except Exception:
            note("cut off", pid)
            raise

@teep.job(retry=False)
def leave_open(how):
    if how == "atomic":
        transaction.atomic().__enter__()
    elif how == "failed":
        transaction.atomic().__enter__()
        ask("INSERT INTO numbers VALUES (1)")
        ask("SELECT no_such_column")
    else:
        transaction.set_autocommit(False)
    ask("INSERT INTO numbers VALUES (1)")
    note("left open", ask("SELECT count(*) FROM numbers"))

@teep.job(retry=False)
async def look_async():
    note("look", await sync_to_async(ask)("SELECT pg_backend_pid()"))
"""


class Project:
    """A Django project's worker with one slot, and what its jobs have noted."""

    def __init__(self, fleet: Fleet, folder: Path, postgres: Postgres, max_age: str) -> None:
        self._fleet = fleet
        self._postgres = postgres
        (folder / "shop").mkdir()
        (folder / "shop" / "__init__.py").touch()
        (folder / "shop" / "jobs.py").write_text(_JOBS)
        (folder / "settings.py").write_text(_SETTINGS % {"age": max_age})
        self.sql("DROP TABLE IF EXISTS numbers; CREATE TABLE numbers (value integer)")
        environment = {
            "DJANGO_SETTINGS_MODULE": "settings",
            "PG_USER": postgres.user,
            "PG_HOST": str(postgres.directory),
        }
        # Django warns of what is to change in its next versions.
        environment |= {"PYTHONWARNINGS": "error,default::DeprecationWarning,default::PendingDeprecationWarning"}
        self.worker: WorkerProcess = fleet.spawn(program=("teep", "worker"), path=folder, environment=environment)

    def run(self, *jobs: str, args: tuple[Any, ...] = ()) -> list[list[Any]]:
        """Run jobs one after the other, and return what they have noted."""
        self._fleet.server.command("DEL", "noted")
        before = self._fleet.counters()[0]
        for job in jobs:
            self._fleet.push(f"shop.jobs.{job}", *(args if job == "leave_open" else ()), retry=False)
        self._fleet.wait_until_processed(before + len(jobs))
        return [json.loads(raw) for raw in self._fleet.noted()]

    def connections(self) -> int:
        """Return how many connections of its jobs the database has."""
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'jobs of django'"))

    def sql(self, query: str) -> str:
        return self._postgres.query(query)


@pytest.fixture
def fleet(valkey: Server) -> Iterator[Fleet]:
    valkey.flushall()
    with Fleet(valkey) as fleet:
        yield fleet


@pytest.fixture
def project(fleet: Fleet, tmp_path: Path, postgres: Postgres) -> Project:
    """A project whose connections are kept for ever."""
    return Project(fleet, tmp_path, postgres, "None")


def test_jobs_are_found_and_the_settings_hold(project: Project, fleet: Fleet) -> None:
    project.worker.wait_for_log("4 jobs of shop.jobs")
    assert "runs default with concurrency 1" in project.worker.log


def test_the_job_after_a_cut_connection_has_a_new_one(project: Project) -> None:
    (_, cut), (_, first, *_), (_, second, *_) = project.run("cut_off", "look", "look")
    assert first == second != cut  # and one that works is kept


def test_a_job_finds_neither_queries_nor_rows_of_an_earlier_one(project: Project) -> None:
    for how in ("atomic", "manual"):
        left, first, second = project.run("leave_open", "look", "look", args=(how,))
        assert left == ["left open", 1]
        assert [row[2:] for row in (first, second)] == [[0, 2, False]] * 2, how
    assert "a job has left a transaction of the database 'default' open; it is rolled back" in project.worker.log


def test_a_failed_transaction_ends_with_its_job(project: Project) -> None:
    (look,) = project.run("leave_open", "look", args=("failed",))
    assert look[2:] == [0, 2, False]


def test_connections_that_are_not_kept_are_closed_after_each_job(
    fleet: Fleet, tmp_path: Path, postgres: Postgres
) -> None:
    project = Project(fleet, tmp_path, postgres, "0")
    looks = project.run("look", "look", "look_async", "look_async")
    assert len({look[1] for look in looks}) == 4
    wait_until(lambda: project.connections() == 0, SOON, lambda: f"{project.connections()} connections to be closed")


def test_an_async_jobs_connections_end_with_it(project: Project) -> None:
    looks = project.run("look_async", "look_async")
    assert looks[0] != looks[1]
    wait_until(lambda: project.connections() == 0, SOON, lambda: f"{project.connections()} connections to be closed")
