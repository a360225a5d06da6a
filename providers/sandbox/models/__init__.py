"""The models behind the stand-ins: rule-based, the same answer each time; one obeys, one slips. Pure."""
