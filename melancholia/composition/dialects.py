"""How sad harmony moves, as tables: what follows what, and how a phrase ends.

``lied`` and ``chorale`` are shares of the next different chord in pieces people wrote (human analyses of 179 Lieder
and 371 Bach chorales, When-in-Rome; counted in their minor keys), spread over the inversions used here. Lament basses
and four-chord loops are ground plans, repeated with variation; the loops stand in no such corpus and are by hand.
"""

LIED: dict[str, dict[str, float]] = {
    "i": {"V": 14, "V6": 8, "V7": 10, "V43": 5, "iiø65": 7, "ii°6": 5, "iv": 6, "iv6": 3, "vii°7": 6, "VI": 6,
          "VImaj7": 2, "V7/iv": 3, "v6": 3, "i7": 3, "i42": 3, "III": 2, "bII6": 1, "vii°7/V": 1, "i6": 5},
    "i6": {"iv": 6, "iiø65": 6, "ii°6": 5, "V": 5, "V43": 4, "i": 4, "VI": 3, "bII6": 1.5},
    "i7": {"iv": 6, "iv7": 4, "VI": 4, "VImaj7": 3, "iiø65": 3, "IV": 1},
    "i42": {"iv6": 6, "VI": 5, "VImaj7": 3, "IV6": 2, "iiø42": 1},
    "i9": {"iv": 4, "VI": 4, "v6": 2, "iiø65": 2, "VII": 2},
    "V": {"i": 50, "i6": 8, "V7": 9, "V42": 5, "VI": 5, "iv6": 3, "V7/iv": 2},
    "V6": {"i": 60, "V7/iv": 4, "v6": 5, "i6": 2},
    "V7": {"i": 60, "i6": 4, "VI": 8, "VImaj7": 3, "V7/iv": 3},
    "V65": {"i": 60, "V7/iv": 4},
    "V43": {"i": 30, "i6": 35},
    "V42": {"i6": 60},
    "Vb9": {"i": 60, "VI": 8},
    "Cad64": {"V7": 45, "V": 30, "Vb9": 12},
    "iv": {"i": 18, "i6": 7, "V": 15, "Cad64": 12, "V7": 11, "iiø65": 6, "vii°7": 4, "V7/V": 2, "bII6": 2, "iv6": 4},
    "iv6": {"V": 30, "V7": 8, "Cad64": 8, "i6": 5, "iiø65": 4, "Ger6": 3, "It6": 3},
    "iv7": {"V": 12, "VII": 8, "iiø65": 8, "V7": 8},
    "ii°6": {"V": 22, "V7": 25, "Cad64": 16, "i6": 5, "vii°7": 4, "III+": 1},
    "iiø7": {"V": 20, "V7": 24, "V43": 6},
    "iiø65": {"V": 22, "V7": 25, "Cad64": 16, "vii°7": 4, "Vb9": 4, "i6": 4},
    "iiø42": {"V65": 25, "V6": 10, "i": 8},
    "vii°7": {"i": 48, "V7": 12, "V65": 6, "V7/iv": 4},
    "vii°43": {"i6": 40},
    "VI": {"V": 10, "iiø65": 12, "ii°6": 5, "iv": 9, "iv6": 3, "Cad64": 6, "bII6": 5, "i6": 6, "Ger6": 3, "III": 3,
           "vii°7/V": 3, "VII": 2},
    "VImaj7": {"iiø65": 10, "iv": 8, "bII6": 4, "V": 6, "iv7": 4},
    "v": {"iv6": 10, "iv": 8, "VI": 8, "i": 10},
    "v6": {"iv6": 26, "VI": 8, "IV6": 5, "iv": 4},
    "III": {"iv": 12, "VI": 14, "iiø65": 8, "V43": 6, "i": 6, "VII6": 3},
    "III+": {"i": 40, "VI": 15},
    "VII": {"III": 16, "i": 6, "VI": 6, "v6": 4},
    "VII6": {"III": 16, "i6": 4},
    "bII6": {"Cad64": 28, "V7": 16, "V": 10, "vii°7/V": 10, "Vb9": 6},
    "bII": {"V7": 12, "Cad64": 14},
    "It6": {"V": 40, "Cad64": 12},
    "Ger6": {"Cad64": 45, "V": 8},
    "V7/iv": {"iv": 50, "iv6": 8, "IV": 4, "VI": 4},
    "V65/iv": {"iv": 60},
    "V7/V": {"V": 40, "V7": 12, "Cad64": 10},
    "V65/V": {"V": 45, "Cad64": 12},
    "vii°7/V": {"V": 30, "Cad64": 26, "V7": 8},
    "IV": {"iv": 12, "V7": 8, "V": 6, "i": 4},
    "IV6": {"iv6": 30, "V65": 6},
    "i(maj7)": {"i7": 40},
    "i(6)": {"VI": 12, "iv": 10, "iiø65": 6},
    "VI6": {"iv": 8, "iiø65": 6, "V43": 5},
    "iv64": {"i": 30, "iiø42": 6},
    "III6": {"VI": 8, "iv": 6},
    "i5": {"VI": 4, "iv": 4, "V": 4},
}  # fmt: skip

CHORALE: dict[str, dict[str, float]] = {
    **LIED,
    "i": {"V": 25, "V6": 10, "ii°6": 14, "iv": 9, "iv6": 6, "vii°43": 6, "VI": 7, "v6": 6, "i6": 8, "VII6": 3},
    "V": {"V7": 30, "i": 40, "i6": 6, "iv6": 5, "V42": 6},
    "V7": {"i": 69, "VI": 12},
    "iv": {"V": 34, "i6": 8, "Cad64": 8, "ii°6": 9, "V7": 9, "VII": 4},
    "ii°6": {"V": 55, "V7": 16, "Cad64": 7},
    "VI": {"ii°6": 36, "iv": 18, "V": 6, "VII": 5},
    "v6": {"VI": 23, "iv6": 24, "IV6": 8},
}

# Major keys with a sad turn: 6467 chords of the same Lieder; iv, iiø65 and bVI are the borrowed ones.
MAJOR: dict[str, dict[str, float]] = {
    "I": {"V7": 18, "V43": 5, "V65": 4, "V": 17, "IV": 11, "ii65": 5, "ii6": 4, "vi": 6, "I6": 6, "Cad64M": 4,
          "V7/V": 3, "V7/IV": 2, "V7/ii": 1, "Imaj7": 2, "iii": 2, "iv": 0.9},
    "I6": {"IV": 10, "ii65": 8, "ii6": 7, "V": 5, "V43": 3},
    "Imaj7": {"IV": 6, "vi": 5, "ii65": 4},
    "Iadd9": {"IV": 5, "vi": 5, "ii65": 4},
    "V7": {"I": 75, "vi": 6, "I6": 4, "bVI": 0.8},
    "V": {"I": 50, "V7": 16, "vi": 6, "I6": 8, "V42": 4},
    "V65": {"I": 60},
    "V43": {"I": 30, "I6": 30},
    "V42": {"I6": 60},
    "IV": {"I": 24, "I6": 5, "Cad64M": 18, "V7": 15, "V": 9, "ii65": 7, "iv": 2},
    "IV6": {"V65": 10, "I": 5},
    "IV64": {"I": 30},
    "ii": {"V7": 27, "V": 13, "V7/V": 9, "V43": 4},
    "ii6": {"V7": 24, "Cad64M": 15, "V": 13},
    "ii65": {"V7": 27, "Cad64M": 15, "V": 13},
    "iii": {"vi": 20, "IV": 14},
    "vi": {"ii65": 9, "ii": 6, "IV": 11, "I6": 8, "V": 8, "V7": 8, "V7/V": 9, "Cad64M": 5, "iii": 3},
    "vi7": {"ii65": 9, "IV": 8, "V7/V": 4},
    "iv": {"I": 29, "V7": 19, "Cad64M": 12},
    "iiø65": {"V7": 37, "Cad64M": 16, "I6": 10},
    "Cad64M": {"V7": 45, "V": 30},
    "V7/V": {"V": 36, "V7": 14, "Cad64M": 12},
    "V7/ii": {"ii": 40, "ii6": 10},
    "V7/IV": {"IV": 40, "iv": 6},
    "bVI": {"iv": 10, "V7": 8, "Cad64M": 6},
}  # fmt: skip

# The major of remembered music: sevenths and ninths, thirds that follow one another, and a subdominant that darkens
# (by hand: modern film and parlour harmony stands in no open corpus).
SWEET: dict[str, dict[str, float]] = {
    **MAJOR,
    "I": {"Imaj7": 7, "IVmaj7": 7, "vi7": 7, "ii65": 6, "iii": 6, "V7": 8, "V43": 4, "V65": 4, "I6": 5, "IV64": 3,
          "V7/ii": 1.5, "iv": 1.5},
    "Imaj7": {"IVmaj7": 9, "vi7": 7, "iii": 4, "ii65": 4, "I6": 3},
    "Iadd9": {"IVmaj7": 6, "vi7": 5, "iii": 4, "ii65": 4},
    "I6": {"IVmaj7": 8, "ii65": 7, "IV": 5, "ii6": 4, "V43": 3},
    "IV": {"I": 16, "Iadd9": 6, "I6": 6, "Cad64M": 12, "V7": 12, "iii": 5, "iv": 5},
    "IVmaj7": {"iii": 8, "ii65": 6, "V7": 6, "I6": 5, "Iadd9": 5, "iv": 3},
    "iii": {"vi7": 10, "IVmaj7": 8, "vi": 6},
    "vi": {"ii65": 8, "IVmaj7": 8, "iii": 5, "V7": 6, "V7/V": 4},
    "vi7": {"ii65": 9, "IVmaj7": 7, "ii": 4, "V7/V": 3},
    "V7": {"I": 45, "Iadd9": 14, "Imaj7": 9, "vi": 6, "bVI": 1.5},
    "iv": {"I": 16, "Iadd9": 8, "I6": 7, "V7": 10, "Cad64M": 6},
}  # fmt: skip

# Harmony that hardly moves: fifths and seconds over the tonic, the subdominant above it, and seldom a step away
# (by hand, as above).
STILL: dict[str, dict[str, float]] = {
    **LIED,
    "i": {"i5": 8, "isus2": 8, "iv64": 6, "i9": 5, "VI6": 4, "i7": 3, "VImaj7": 2, "v6": 2, "iv": 1.5, "iiø65": 1},
    "i5": {"isus2": 8, "iv64": 7, "VI6": 5, "i9": 4, "VImaj7": 3, "v": 2, "iv": 2, "V": 1},
    "isus2": {"i5": 7, "i": 6, "iv64": 5, "VI6": 4, "VImaj7": 3, "iv7": 2},
    "i9": {"i5": 6, "iv64": 6, "VImaj7": 4, "v6": 2, "iv": 2},
    "i7": {"iv64": 5, "VI6": 5, "VImaj7": 4, "iv7": 3},
    "iv64": {"i5": 10, "isus2": 8, "i": 8},
    "VI6": {"i5": 6, "iv64": 6, "isus2": 5, "iv": 3},
    "VImaj7": {"isus2": 6, "i9": 5, "v": 3, "iv7": 2, "iv": 2},
    "v": {"i5": 8, "i": 6, "VImaj7": 4, "iv7": 2},
}  # fmt: skip

# Songs whose harmony finds no ground: every diminished chord is that many times as likely as in a song.
DIMINISHED = ("vii°7", "vii°43", "ii°6", "iiø7", "iiø65", "iiø42", "vii°7/V")
SO_MUCH_LIKELIER = 15.0
ANGUISH: dict[str, dict[str, float]] = {
    chord: {after: weight * (SO_MUCH_LIKELIER if after in DIMINISHED else 1) for after, weight in row.items()}
    for chord, row in LIED.items()
}

# What each dialect draws from; the key's own songs where it has no table of its own.
TABLES = {"minor": {"anguish": ANGUISH, "chorale": CHORALE, "still": STILL}, "major": {"sweet": SWEET}}
SONGS = {"minor": LIED, "major": MAJOR}

# Ground basses: chord, bars. Lament: the bass falls 1, b7, b6, 5, or by semitones.
LAMENTS = (
    (("i", 1), ("v6", 1), ("iv6", 1), ("V", 1)),
    (("i", 1), ("i42", 1), ("VImaj7", 1), ("V", 1)),
    (("i", 0.5), ("V6", 0.5), ("v6", 0.5), ("IV6", 0.5), ("iv6", 1), ("V", 1)),
    (("i", 1), ("V6", 0.5), ("v6", 0.5), ("IV6", 0.5), ("iv6", 0.5), ("V7", 1)),
    (("i", 0.5), ("i(maj7)", 0.5), ("i7", 0.5), ("i(6)", 0.5), ("VI", 1), ("V", 1)),
)
LOOPS = (
    (("i", 1), ("VI", 1), ("III", 1), ("VII", 1)),
    (("i", 1), ("iv", 1), ("VI", 1), ("V", 1)),
    (("i", 1), ("VII", 1), ("VI", 1), ("V", 1)),
    (("VImaj7", 1), ("VII", 1), ("i", 1), ("i7", 1)),
    (("i9", 1), ("v6", 1), ("VImaj7", 1), ("iv", 1)),
)
DIALECTS = ("lied", "anguish", "chorale", "lament", "pop-loop", "sweet", "still")

# How a phrase ends: its last chords, the last of them on the last bar; and the degrees its last note may take.
CADENCES: dict[str, tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]] = {
    "authentic": ((("iiø65", "V7", "i"), ("Cad64", "V7", "i"), ("iv", "V7", "i"), ("ii°6", "V7", "i")), (0,)),
    "imperfect": ((("iiø65", "V7", "i"), ("iv", "V43", "i6"), ("VI", "V7", "i"), ("vii°7", "i")), (3, 7)),
    "half": ((("iv", "V"), ("iv6", "V"), ("iiø65", "V"), ("i6", "V"), ("VI", "V"), ("i", "V")), (2, 7, 11)),
    "deceptive": ((("iiø65", "V7", "VI"), ("Cad64", "V7", "VImaj7"), ("iv", "V7", "VI")), (0, 3)),
    "plagal": ((("iv", "i"), ("iiø42", "i"), ("iv64", "i"), ("iv7", "i9")), (0, 7, 3)),
}
# The same closes by way of a chord from outside the key: Neapolitan, augmented sixth, applied dominant.
COLOURED: dict[str, tuple[tuple[str, ...], ...]] = {
    "authentic": (("bII6", "V7", "i"), ("bII6", "Cad64", "V7", "i"), ("Ger6", "Cad64", "V7", "i")),
    "imperfect": (("bII6", "V7", "i"), ("vii°7/V", "V7", "i")),
    "half": (("Ger6", "V"), ("It6", "V"), ("vii°7/V", "V"), ("V7/V", "V")),
    "deceptive": (("bII6", "V7", "VI"), ("vii°7/V", "V7", "VI")),
    "plagal": (("V7/iv", "iv", "i"), ("IV6", "iv6", "i")),
}
CADENCES_MAJOR: dict[str, tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]] = {
    "authentic": ((("ii65", "V7", "I"), ("Cad64M", "V7", "I"), ("IV", "V7", "I")), (0,)),
    "imperfect": ((("ii65", "V7", "I"), ("IV", "V43", "I6"), ("vi", "V7", "I")), (4, 7)),
    "half": ((("IV", "V"), ("ii6", "V"), ("vi", "V")), (2, 7, 11)),
    "deceptive": ((("ii65", "V7", "vi"), ("IV", "V7", "vi")), (0, 4)),
    "plagal": ((("IV", "I"), ("IV64", "I")), (0, 7, 4)),
}
COLOURED_MAJOR: dict[str, tuple[tuple[str, ...], ...]] = {
    "authentic": (("iv", "V7", "I"), ("iiø65", "V7", "I")),
    "imperfect": (("iiø65", "V7", "I"),),
    "half": (("V7/V", "V"), ("bVI", "V")),
    "deceptive": (("ii65", "V7", "bVI"),),
    "plagal": (("iv", "I"), ("iiø65", "I")),
}
BROKEN = "breaks-off"  # the ending that never comes: the tune stops, and a subdominant stays over the tonic
ENDINGS = {
    "minor": {"minor": "i", "added-ninth": "i9", "fifth": "i5", BROKEN: "iv64"},
    "major": {"minor": "I", "added-ninth": "Iadd9", "fifth": "i5", BROKEN: "IV64"},
}
HOME = {"minor": ("i", "i6", "VI"), "major": ("I", "I6", "vi")}  # what a phrase may begin with; the first is likeliest
