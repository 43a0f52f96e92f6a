"""Lets ``python -m hepsieve`` do what the command does."""

from hepsieve.cli import main

main()
