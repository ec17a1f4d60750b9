"""Names of chords in other keys than home: after a bar stands the degree of home that they stand on, as "V7|III"."""

# Degrees of home by semitones, as minor and as major keys.
DEGREES = {
    1: ("bii", "bII"), 2: ("ii", "II"), 3: ("iii", "III"), 4: ("#iii", "#III"), 5: ("iv", "IV"), 6: ("#iv", "#IV"),
    7: ("v", "V"), 8: ("vi", "VI"), 9: ("#vi", "#VI"), 10: ("vii", "VII"), 11: ("#vii", "#VII"),
}  # fmt: skip
ABOVE = {name: above for above, names in DEGREES.items() for name in names}
MAJOR_ALONE = {"I", "I6", "Iadd9", "Imaj7", "IV64", "Cad64M", "ii", "ii6", "ii65", "iii", "vi", "vi7"}  # unlike minor's


def named(numeral: str, above: int, mode: str) -> str:
    """A chord's name with the key it stands in, where that is not on the home tonic."""
    return f"{numeral}|{DEGREES[above][mode == 'major']}" if above else numeral


def parsed(name: str, home_mode: str) -> tuple[str, int, str]:
    """The numeral of a chord, and its key: semitones above home, and mode (home's where the name tells no other)."""
    numeral, _, key = name.partition("|")
    if key not in ABOVE:
        return numeral, 0, "major" if numeral in MAJOR_ALONE else home_mode
    return numeral, ABOVE[key], "major" if key.lstrip("#b").isupper() else "minor"
