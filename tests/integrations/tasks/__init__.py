"""Django's tasks on teep, in a project of their own: a process has one Django."""
