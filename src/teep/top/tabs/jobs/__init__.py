"""The tabs of jobs: retries, scheduled, dead, errors; and all that is known of one job."""
