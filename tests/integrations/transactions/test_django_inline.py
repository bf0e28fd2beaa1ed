"""Async jobs that a Django program runs inline: in its tests, and inside of a transaction."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import Server

PROGRAM = """
import django, json, teep, teep.testing
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["teep.integrations.django", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEEP=json.loads(input()),
)
django.setup()

from django.core.management import call_command
from django.db import connection, transaction
from django.contrib.contenttypes.models import ContentType as Row

call_command("migrate", verbosity=0)

@teep.job(name="count")
async def count(word):
    assert teep.current_job().jid
    await Row.objects.acreate(app_label=word, model=word)
    return await Row.objects.filter(app_label=word).acount()

for how in ("inline", "fake", "verb"):
    try:
        with transaction.atomic():
            Row.objects.create(app_label=how, model="before")
            if how == "inline":
                with teep.testing.inline():
                    count.set(transactional=False).perform_async(how)
            elif how == "fake":
                with teep.testing.fake():
                    count.set(transactional=False).perform_async(how)
                    teep.testing.drain()
            else:
                assert count.perform_inline(how) == 2
            assert Row.objects.filter(app_label=how).count() == 2
            raise KeyError
    except KeyError:
        print(how, Row.objects.filter(app_label=how).count())
"""


@pytest.mark.slow("an interpreter that imports Django")
def test_an_async_job_that_runs_inline_is_inside_of_its_callers_transaction(valkey: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps({"redis_url": valkey.url}), cwd=tmp_path, env=dict(os.environ),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout.splitlines(), done.returncode) == (["inline 0", "fake 0", "verb 0"], 0), done.stderr
