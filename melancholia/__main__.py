"""``python -m melancholia`` is the command line."""

from melancholia.cli import main

if __name__ == "__main__":  # processes that listen side by side import this module too
    main()
