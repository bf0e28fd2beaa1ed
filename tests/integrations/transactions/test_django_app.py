"""teep as an app of a Django project."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.servers import Server

PROGRAM = """
import django, json, teep
from django.conf import settings
from django.db import transaction

settings.configure(
    INSTALLED_APPS=["teep.integrations.django"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "default.sqlite3"}},
    TEEP=json.loads(input()),
)
django.setup()
with transaction.atomic():
    teep.Client().push({"class": "the.job", "args": [1]})
    assert teep.Queue().size() == 0
assert teep.default_config().concurrency == 3
print(teep.Queue().size())
"""


def test_as_an_installed_app(valkey: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps({"redis_url": valkey.url, "concurrency": 3}),
        cwd=tmp_path, env={**os.environ, "TEEP_REDIS_URL": "redis://127.0.0.1:1"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr
