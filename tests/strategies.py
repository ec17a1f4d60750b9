"""Our values as hypothesis draws them."""

from hypothesis import strategies as st

from melancholia.piece import TICKS, Chord, Key, Note, Part, Phrase, Piece, Section, TempoMap

ticks = st.integers(0, 200 * TICKS).map(lambda tick: tick / TICKS)
lengths = st.integers(1, 16 * TICKS).map(lambda tick: tick / TICKS)
notes = st.builds(Note, ticks, lengths, st.integers(0, 127), st.integers(1, 127))
curves = st.dictionaries(
    st.sampled_from(["expression", "pedal", "vibrato"]),
    st.lists(st.tuples(ticks, st.integers(0, 127)), min_size=1, max_size=8).map(tuple),
    max_size=3,
)
names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=12)


@st.composite
def parts(draw):
    found = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    roles = st.sampled_from(["melody", "counter", "harmony", "bass", "texture", "percussion"])
    return tuple(
        Part(
            name,
            draw(roles),
            draw(st.sampled_from(["felt_piano", "cello", "rain"])),
            tuple(draw(st.lists(notes, max_size=12))),
            draw(curves),
        )
        for name in found
    )


tempos = st.lists(st.tuples(ticks, st.integers(200_000, 2_000_000)), max_size=6).map(
    lambda changes: TempoMap(((0.0, 900_000), *[c for c in changes if c[0] > 0]))
)
pieces = st.builds(
    Piece,
    parts=parts(),
    tempo=tempos,
    metre=st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 4)]),
    key=st.builds(Key, st.integers(0, 11), st.sampled_from(["minor", "major"])),
    sections=st.lists(st.builds(Section, names, st.integers(0, 40), st.integers(1, 16)), max_size=4).map(tuple),
    chords=st.lists(
        st.builds(
            Chord,
            ticks,
            lengths,
            names,
            st.lists(st.integers(0, 11), min_size=1, max_size=5).map(tuple),
            st.integers(0, 11),
        ),
        max_size=4,
    ).map(tuple),
    phrases=st.lists(st.builds(Phrase, ticks, ticks, ticks, names), max_size=3).map(tuple),
    arc=st.lists(st.tuples(ticks, st.floats(0, 1)), max_size=4).map(tuple),
    fixed_tempo=st.booleans(),
)
