"""The command line: `glassgate` and its commands, the checks of `doctor`, the demo."""
