"""The log of a worker: lines of jobs, formats, levels, the handler."""
