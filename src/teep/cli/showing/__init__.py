"""What commands show: spans of time, jobs, and the same look again and again."""
