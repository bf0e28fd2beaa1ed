"""`bench api`: the data API beside Sidekiq's, operation by operation.

Both sides are long-lived processes that do the same on the same Redis over loopback TCP, timed by their own clocks.

| module | holds |
|---|---|
| `operations` | every operation: the state before it, the request to each side, the goal |
| `seeds` | the state of Redis before an operation |
| `side` | a side's process, asked over its standard input |
| `rounds` | visits both sides in turn and checks that they did the same |
| `outcome` | an operation's figures, as a row of the table |
"""
