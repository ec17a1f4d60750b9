"""What a composer is worth, beside the planned one, beside one that is told nothing, and beside songs kept away.

`songs` are pieces and songs as measures see them, `overlaps` lays their distributions side by side, `kinship` says what
they share with others, `control` whether the model does what it is asked, `unguided` is the model that is asked
nothing, `sadness` how sad notes and masters are; ``python -m melancholia.training.evaluate`` writes the table.
"""
