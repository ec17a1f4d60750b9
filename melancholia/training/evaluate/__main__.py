"""``python -m melancholia.training.evaluate``: the code stands in a module of its own, for processes to find it."""

from melancholia.training.evaluate.table import main

if __name__ == "__main__":
    main()
