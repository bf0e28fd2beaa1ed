"""Commands that look: what there is, what failed, what runs."""
