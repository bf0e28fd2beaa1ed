"""Plans that read and change the structures in Redis, one module for each structure.

A plan is a coroutine that awaits nothing but `teep.wire` commands, so a thread driver and an asyncio driver can
both run it. Plans do no I/O and read no clock: times and the like are passed in.
"""
