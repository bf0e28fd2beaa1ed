"""Dialogs over the list: a question, a line to type in, a menu, lines to read. The list stands still meanwhile."""
