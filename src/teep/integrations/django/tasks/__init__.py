"""Django's tasks on teep: the backend for the setting `TASKS`.

| module | holds |
|---|---|
| `backend` | `TeepBackend`: a task as a job, and a result by its id |
| `task` | `TeepTask`: a task with the options of a job |
| `running` | a task as a worker runs it, with Django's signals |
| `notes` | the attempts of a task, as they lie in Redis; the rest of a result is the job's own |
| `checks` | what `manage.py check` says |
| `interface` | Django's own classes, or those of django-tasks on older versions |
"""

from teep.integrations.django.tasks.backend import TeepBackend
from teep.integrations.django.tasks.task import TeepTask

__all__ = ["TeepBackend", "TeepTask"]
