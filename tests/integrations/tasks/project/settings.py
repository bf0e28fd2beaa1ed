"""The settings of a project with tasks."""

import os
from pathlib import Path

import django

SECRET_KEY = "key"
USE_TZ = True
INSTALLED_APPS = ["teep.integrations.django", "shop"]
if django.VERSION < (6,):
    INSTALLED_APPS.append("django_tasks")
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(Path(__file__).parent / "db.sqlite3")},
}
TEEP = {"redis_url": os.environ["REDIS_URL"], "concurrency": 2}
_BACKEND = "teep.integrations.django.tasks.TeepBackend"
TASKS = {
    "default": {"BACKEND": _BACKEND, "QUEUES": []},
    "bands": {
        "BACKEND": _BACKEND,
        "QUEUES": ["default", "mail"],
        "OPTIONS": {"priorities": {50: "high", 0: "", -50: "low"}, "result_ttl": 60},
    },
    "forgetful": {"BACKEND": _BACKEND, "OPTIONS": {"results": False}},
}
