"""Processes and queues: Busy, Queues, and what takes hold of all of them in an emergency."""

from teep.web.pages.fleet import busy, emergency, queue, queues

PAGES = (busy.PAGES, queues.PAGES, queue.PAGES, emergency.PAGES)
