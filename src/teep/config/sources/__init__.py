"""The sources of a configuration: files, environment variables and flags; `resolution` joins them."""
