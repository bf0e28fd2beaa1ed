"""What comes over the list: a question, a line to type in, a menu, a text. The list stands still meanwhile."""
