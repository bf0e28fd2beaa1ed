"""The code in the measured processes. Nothing is imported here: it would count as their memory."""
