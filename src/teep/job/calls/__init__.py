"""How a call becomes the arguments of a payload, and these the call again.

| module | holds |
|---|---|
| `signatures` | signatures and annotations of users' functions |
| `binding` | positions and keyword-only arguments |
| `conversion` | arguments by their annotations (`convert=True`) |
"""
