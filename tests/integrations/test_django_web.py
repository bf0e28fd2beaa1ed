"""The web page in a Django project, under WSGI and ASGI: staff only, by permissions, with a link in the admin."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import Server

# The project: three users, and what each is answered. It runs in a process of its own, as Django has one setup.
PROJECT = """
import asyncio, json, os, sys
import django
from django.conf import settings

sys.modules["project"] = sys.modules["__main__"]
settings.configure(
    SECRET_KEY="k", ALLOWED_HOSTS=["*"], ROOT_URLCONF="project", DEBUG=False, USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}},
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.sessions", "django.contrib.messages", "teep.integrations.django"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware",
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
        "context_processors": ["django.template.context_processors.request",
                               "django.contrib.auth.context_processors.auth",
                               "django.contrib.messages.context_processors.messages"]}}],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    TEEP={"redis_url": os.environ["REDIS"]}, TEEP_WEB=json.loads(os.environ["OPTIONS"]),
)
django.setup()

from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.urls import include, path

import teep.web

def by_header(request):
    who = request.headers.get("x-who")
    return teep.web.Access(act={"kill"}, who=who) if who else None

urlpatterns = [path("admin/", admin.site.urls), path("in/jobs/", include("teep.integrations.django.web"))]

OURS = {"Sec-Fetch-Site": "same-origin"}

def told(answer):
    streamed = getattr(answer, "streaming", False)
    return {
        "status": answer.status_code,
        "text": "" if streamed else answer.content.decode(errors="replace"),
        "headers": {name.lower(): value for name, value in answer.headers.items()},
    }

def users():
    call_command("migrate", verbosity=0)
    call_command("check")
    call_command("dumpdata", "teep", stdout=open(os.devnull, "w"))
    User.objects.create_superuser("ann")
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="retry_jobs"))
    User.objects.create_user("eve")

def wsgi():
    found = {name: told(Client().get("/in/jobs/", headers=sent)) for name, sent in STRANGERS.items()}
    for name in (None, "ann", "bob", "eve"):
        client = Client()
        if name:
            client.force_login(User.objects.get(username=name))
        for where, verb in PATHS:
            found[f"{name} {verb} {where}"] = told(getattr(client, verb)(where, headers=dict(OURS, **HEADERS)))
    return found

async def asgi():
    found = {name: told(await AsyncClient().get("/in/jobs/", headers=sent)) for name, sent in STRANGERS.items()}
    for name in (None, "ann", "bob", "eve"):
        client = AsyncClient()
        if name:
            await client.aforce_login(await User.objects.aget(username=name))
        for where, verb in PATHS:
            found[f"{name} {verb} {where}"] = told(await getattr(client, verb)(where, headers=dict(OURS, **HEADERS)))
        if name == "ann":
            stream = await client.get("/in/jobs/live", headers=OURS)
            parts = aiter(stream.streaming_content)
            found["stream"] = [(await anext(parts)).decode(), (await anext(parts)).decode()]
            await parts.aclose()
    return found

PATHS = [("/in/jobs/", "get"), ("/in/jobs/retries", "get"), ("/in/jobs/live", "get"), ("/admin/", "get"),
         ("/in/jobs/retries/all/retry", "post"), ("/in/jobs/retries/all/delete", "post"),
         ("/in/jobs/nowhere/deeper", "get"), ("/in/jobs/preferences", "post")]
HEADERS = json.loads(os.environ["HEADERS"])
STRANGERS = {
    "a part": {"HX-Request": "true"}, "a fetch": {"Sec-Fetch-Mode": "cors"}, "a program": {"Accept": "*/*"},
    "a browser": {"Accept": "text/html,*/*", "Sec-Fetch-Mode": "navigate"},
}

users()
if sys.argv[1] == "asgi":
    PATHS = [(where, verb) for where, verb in PATHS if where != "/in/jobs/live"]
    print(json.dumps(asyncio.run(asgi())))
else:
    print(json.dumps(wsgi()))
"""


def _project(folder: Path, store: Server, kind: str, **settings: Any) -> dict[str, Any]:
    store.flushall()
    (folder / "project.py").write_text(PROJECT, "utf-8")
    done = subprocess.run(
        [sys.executable, "project.py", kind],
        cwd=folder,
        env={
            **os.environ,
            "REDIS": store.url,
            "OPTIONS": json.dumps(settings.get("options", {})),
            "HEADERS": json.dumps(settings.get("headers", {})),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow("a project of its own, with its database")
@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_staff_looks_and_does_what_its_permissions_say(valkey: Server, tmp_path: Path, kind: str) -> None:
    found = _project(tmp_path, valkey, kind)
    said = {asked: answer["status"] for asked, answer in found.items() if asked != "stream"}
    to = found["None get /in/jobs/retries"]
    assert (to["status"], to["headers"]["location"]) == (302, "/admin/login/?next=/in/jobs/retries")
    assert said["None post /in/jobs/retries/all/retry"] == 401
    # A part of a page, and a program, is told; a login would stand in the page.
    assert (said["a part"], said["a fetch"], said["a program"], said["a browser"]) == (401, 401, 401, 302)
    assert said["eve get /in/jobs/"] == said["eve post /in/jobs/retries/all/retry"] == 403
    for name in ("ann", "bob"):
        page = found[f"{name} get /in/jobs/retries"]
        assert page["status"] == 200
        assert f"as {name}" in page["text"]
        assert page["headers"]["content-security-policy"].startswith("default-src 'none'")
        assert ('hx-trigger="every 5s"' in page["text"]) is (kind == "wsgi")
        assert said[f"{name} post /in/jobs/retries/all/retry"] == 200
        assert 'href="../retries"' in found[f"{name} get /in/jobs/nowhere/deeper"]["text"]
        assert "/admin/teep/jobs/" in found[f"{name} get /admin/"]["text"]
        assert found[f"{name} post /in/jobs/preferences"]["status"] == 303
    assert said["ann post /in/jobs/retries/all/delete"] == 200
    assert said["bob post /in/jobs/retries/all/delete"] == 403
    if kind == "asgi":
        assert found["stream"][0] == "retry: 5000\n\n"
        assert 'id="summary"' in found["stream"][1]
    else:
        assert said["ann get /in/jobs/live"] == 404


@pytest.mark.slow("a project of its own, with its database")
def test_the_setting_says_otherwise(valkey: Server, tmp_path: Path) -> None:
    options = {"authorize": "project.by_header", "arguments": "hide"}
    found = _project(tmp_path, valkey, "wsgi", options=options, headers={"X-Who": "zoe"})
    page = found["None get /in/jobs/retries"]
    assert (page["status"], "as zoe" in page["text"]) == (200, True)
    assert found["ann post /in/jobs/retries/all/retry"]["status"] == 403
