"""Tests against real Sidekiq, run from Debian's `ruby-sidekiq` package."""
