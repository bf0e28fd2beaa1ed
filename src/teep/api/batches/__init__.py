"""Batches: how far each is, what of it has failed, its callbacks; and verbs for one or many."""

from teep.api.batches.listing import Search as Search
from teep.api.batches.set import AsyncBatchSet as AsyncBatchSet
from teep.api.batches.set import BatchSet as BatchSet
from teep.api.batches.status import AsyncBatchStatus as AsyncBatchStatus
from teep.api.batches.status import BatchCallback as BatchCallback
from teep.api.batches.status import BatchGlimpse as BatchGlimpse
from teep.api.batches.status import BatchStatus as BatchStatus
from teep.store.batches import Event as Event
from teep.store.batches import is_ours as is_ours
