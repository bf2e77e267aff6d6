//! Orders through the real handlers to the four networks and the ledger: see `tests/`.
