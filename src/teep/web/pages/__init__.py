"""The pages: each module or package here has its `PAGES`."""
