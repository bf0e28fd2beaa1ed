"""What a worker logs, and how: lines of jobs, formats, levels, the handler."""
