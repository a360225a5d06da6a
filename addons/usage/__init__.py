"""What requests have used and what that cost: prices, the ledger of requests, what is reported of it."""
