"""Plans: how each Redis structure is walked and changed, one module a structure.

A plan is a coroutine that awaits nothing but `teep.wire` commands, so a thread driver and an asyncio driver can
both run it. Plans do no I/O and read no clock: what they need to know of the world is passed in.
"""
