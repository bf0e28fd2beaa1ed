"""The protocol, pure: keys, payloads, commands and scripts. No I/O happens here and no clock is read."""
