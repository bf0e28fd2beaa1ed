"""Encrypted arguments: the last argument of a job with `encrypt=True` lies in Redis as ciphertext.

1. `enable` takes the keys and the version of the one that encrypts; `from_env` and `from_file` find keys.
2. A push encrypts (`client/payloads/encryption.py`), the call of the job decrypts (`job/definition.py`), and nothing
   between the two ever holds the clear value.

As Sidekiq Enterprise's encryption: AES-256-GCM, keys in versions, and its envelope (`wire/fields/envelope.py`).
"""

from teep.encryption.keys import from_env, from_file
from teep.encryption.values import decrypt, enable, encrypt

__all__ = ["decrypt", "enable", "encrypt", "from_env", "from_file"]
