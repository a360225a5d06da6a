"""The cache of whole answers: which requests it is for, what tells one from another, and the answers, sealed."""
