"""Lists, without a screen: rows as Redis has them, a view of them, what can be done to them.

| module | holds |
|---|---|
| `rows` | columns, rows, a page of them, and the lines of a detail |
| `views` | a tab's list, the row under the cursor, what is chosen |
| `verbs` | what can be done, and a verb under way |
| `feed` | what is asked of Redis at each look |
| `text` | how values are written as strings |
"""
