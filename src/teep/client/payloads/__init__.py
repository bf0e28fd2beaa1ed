"""The payloads that a client writes: one job's, those of many, and stored ones anew."""
