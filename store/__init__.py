"""What happened, kept: one SQLite file per identity, holding interactions, feedback, signals, the ledger of
preferences, examples, snapshots and runs.

Facts are added, never rewritten. See README.md.
"""

from store.conversation import Act, Conversation, Turn
from store.errors import StoreError
from store.forget import Forgotten
from store.interactions import Added, ConversationSummary, Told
from store.search import Hit
from store.store import Store
from store.verify import Problem

__all__ = [
    "Act",
    "Added",
    "Conversation",
    "ConversationSummary",
    "Forgotten",
    "Hit",
    "Problem",
    "Store",
    "StoreError",
    "Told",
    "Turn",
]
