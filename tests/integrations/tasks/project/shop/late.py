"""A task that nobody imports before a job does."""

try:
    from django.tasks import task
except ImportError:
    from django_tasks import task


@task(retry=False)
def late() -> None:
    raise KeyError("late")
