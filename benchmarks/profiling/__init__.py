"""Where a way's CPU goes: samples of its stacks under load, as a flame graph and as shares of rooms."""
