"""Tests of the models behind the stand-ins."""
