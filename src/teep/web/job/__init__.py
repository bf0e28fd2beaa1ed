"""One job, whole: what is shown of it wherever it lies, and its arguments, to be looked into and changed."""
