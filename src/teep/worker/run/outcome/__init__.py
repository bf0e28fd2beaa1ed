"""The outcome of a job's run: done, one more try, dead or nothing, as the step that settles it."""
