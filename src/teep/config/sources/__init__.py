"""Where a configuration comes from: files, environment variables and flags; `resolution` puts them together."""
