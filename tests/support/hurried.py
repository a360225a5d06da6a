"""A script beside a gateway of the tests: what goes on beside the requests does so ten times as often.

For tests that wait for it; how often it is done in earnest is part of no promise.
"""

from addons.app import job_list

job_list.TEND_EVERY_S = 0.2  # type: ignore[misc]
