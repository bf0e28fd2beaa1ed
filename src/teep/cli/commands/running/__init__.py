"""Commands that push and run jobs, and the prompt."""
