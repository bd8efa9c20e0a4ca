"""Helpers of the end-to-end tests: the real binary on loopback, in front of `plimsoll sim`. Standard library only."""
