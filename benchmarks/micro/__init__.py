"""Microbenchmarks of single parts, by hand: pytest -c benchmarks/micro/pytest.ini benchmarks/micro."""
