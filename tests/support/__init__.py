"""What tests share: real servers, recordings of real Sidekiq, and waiting with a deadline."""
