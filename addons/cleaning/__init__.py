"""Cleaning: taking the real secrets in force out of everything a provider said that is kept or shown.

index.py finds them in bytes, unpacked.py looks below escapes and base64, known.py keeps the index fresh, cleaner.py
replaces what was found, bodies.py keeps of a body no more than was searched, log_records.py puts it before every logger
of the process.
"""
