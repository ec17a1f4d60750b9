"""``python -m melancholia`` is the command line."""

from melancholia.cli import main

main()
