"""`python -m coursegrader` is the command `coursegrader`."""

from coursegrader.cli import app

app()
