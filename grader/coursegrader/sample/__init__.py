"""Trying it all: a sample class with known scores and forgers in it, and the demonstration."""
