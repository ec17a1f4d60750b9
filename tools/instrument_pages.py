"""Draw each instrument beside the same notes of a SoundFont, and print how both measure.

python -m tools.instrument_pages strings cello -o pages [--font /usr/share/sounds/sf2/TimGM6mb.sf2] [--no-pages]

Every page (PNG) shows spectrogram and waveform of three pitches at three velocities, ours left, the font's right. The
measures are those of `tests/instruments/test_contract.py`; to see a further instrument, add its General MIDI program.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from melancholia.instruments import render
from melancholia.instruments.events import hertz
from melancholia.instruments.felt_piano import inharmonicity
from melancholia.orchestra import INSTRUMENTS
from melancholia.piece import Note, Part, Piece, TempoMap
from tests.instruments.test_contract import ONSET_S, RATE, between_partials, centroid, db, likeness, rms

FONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
VELOCITIES = (30, 60, 105)
HELD_S, GAP_S = 2.0, 1.2


@dataclass(frozen=True)
class Sampled:
    """Where to find an instrument's like: General MIDI program, the pitch measured, and how its partials lie."""

    program: int
    pitch: int
    partials: str = "harmonic"  # "stiff": as a piano's strings; "" neither: the noise between them is not measured


PROGRAMS = {
    "felt_piano": Sampled(0, 60, "stiff"),
    "strings": Sampled(48, 69),
    "cello": Sampled(42, 50),
    "solo_violin": Sampled(40, 69),
    "clarinet": Sampled(71, 62),
    "flute": Sampled(73, 74),
    "choir": Sampled(52, 62),
    "bowed_glass": Sampled(92, 69, ""),  # 'Bowed Glass'
    "warm_pad": Sampled(89, 57),
    "sub_bass": Sampled(38, 36),
    "nylon_guitar": Sampled(24, 57),
    "harp": Sampled(46, 60),
    "celesta": Sampled(8, 77, ""),
    "music_box": Sampled(10, 79, ""),
}


def heard(instrument: str, notes: list[tuple[float, float, int, int]]) -> np.ndarray:
    """Notes (start s, length s, pitch, velocity) as (2, frames) at RATE."""
    part = Part("p", "melody", instrument, tuple(Note(*note) for note in notes))
    made = render(Piece((part,), TempoMap.steady(60)), rate=RATE, seed=1, jobs=1)
    return next(iter(made.values())).sound.samples


def decay_db(x: np.ndarray, at_s: float) -> float:
    """Energy of 0.2 s at `at_s` after the onset against the loudest 0.2 s of the first 0.3 s, both channels."""
    energy = np.convolve((x.astype(np.float64) ** 2).sum(axis=0), np.ones(RATE // 5), "valid")
    onset = int(ONSET_S * RATE)
    loudest = energy[onset : onset + RATE // 10].max()
    return float(10 * np.log10(max(energy[onset + int(at_s * RATE)], 1e-20) / loudest))


def measures(instrument: str, sustains: bool, pitch: int, partials: str) -> list[str]:
    """One row of the table, from the level's span on."""
    held = 3.0 if sustains else 8.0
    taken = {v: heard(instrument, [(ONSET_S, held, pitch, v)]) for v in VELOCITIES}
    a, b = (0.6, 2.4) if sustains else (0.0, 0.5)
    levels = [db(rms(taken[v][:, int((ONSET_S + a) * RATE) : int((ONSET_S + b) * RATE)])) for v in (30, 105)]
    row = [f"{levels[1] - levels[0]:.1f}"]
    row.append(" ".join(f"{centroid(taken[v], 1.0 if sustains else 0.02):.0f}" for v in VELOCITIES))
    row.append("-" if sustains else f"{decay_db(taken[60], 2.0):.1f} / {decay_db(taken[60], 6.0):.1f}")
    n = np.arange(1, 16)
    b_string = inharmonicity(pitch) if partials == "stiff" else 0.0
    lines = n * hertz(pitch) * np.sqrt((1 + b_string * n * n) / (1 + b_string))
    row.append(f"{between_partials(taken[60], lines):.0f}" if partials else "-")
    first = taken[60][:, int(ONSET_S * RATE) :][:, : 2 * RATE].astype(np.float64)
    side, mid = rms(first[0] - first[1]), rms(first[0] + first[1])
    row.append(f"{db(side / mid):.1f}" if side > 1e-9 * mid else "mono")
    if sustains:
        held = heard(instrument, [(ONSET_S, 6.0, pitch, 75)]).mean(axis=0)[int(1.5 * RATE) : int(6 * RATE)]
        row.append(f"{np.median(likeness(held)):.3f}")
    else:
        row.append("-")
    return row


def table(names: list[str], font: Path) -> Iterator[str]:
    """The lines of the Markdown table."""
    yield "| instrument, key | source | dL dB | centroid v 30, 60, 105 Hz | 2 s / 6 s dB | floor dB | S/M dB | loop |"
    yield "|---|---|---|---|---|---|---|---|"
    for name in names:
        like, sustains = PROGRAMS[name], INSTRUMENTS[name].sustains
        for source, instrument in (("own", name), ("sampled", f"soundfont:{font}#0,{like.program}")):
            row = measures(instrument, sustains, like.pitch, like.partials)
            yield f"| {name} {like.pitch} | {source} | " + " | ".join(row) + " |"


def page(name: str, font: Path, target: Path) -> None:
    """Draw one instrument's page."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    row = INSTRUMENTS[name]
    low, high = row.written
    keys = [round(p) for p in np.linspace(low + 2, high - 4, 3)]
    notes = [
        (ONSET_S + k * (HELD_S + GAP_S), HELD_S, pitch, velocity)
        for k, (pitch, velocity) in enumerate((p, v) for p in keys for v in VELOCITIES)
    ]
    end = notes[-1][0] + HELD_S + GAP_S
    figure, axes = pyplot.subplots(2, 2, figsize=(22, 10), height_ratios=(3, 1), layout="constrained")
    program = PROGRAMS[name].program
    sources = {name: name, f"{font.name}, program {program}": f"soundfont:{font}#0,{program}"}
    for column, (title, instrument) in enumerate(sources.items()):
        x = heard(instrument, notes)[:, : int(end * RATE)]
        mono = x.mean(axis=0) / np.abs(x).max()
        above, below = axes[0][column], axes[1][column]
        dithered = mono + 1e-9 * np.random.default_rng(0).standard_normal(len(mono))
        above.specgram(dithered, NFFT=4096, noverlap=3072, Fs=RATE, vmin=-160, vmax=-40, cmap="magma")
        above.set_yscale("symlog", linthresh=1000)
        above.set_ylim(30, 20_000)
        above.set_title(f"{title}: keys {keys} at {VELOCITIES}")
        below.plot(np.arange(len(mono)) / RATE, mono, linewidth=0.3)
        below.set_xlim(0, end)
        below.set_ylim(-1, 1)
    figure.savefig(target, dpi=70)
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="instruments; all that have a program when left out")
    parser.add_argument("-o", dest="folder", type=Path, default=Path("pages"))
    parser.add_argument("--font", type=Path, default=FONT)
    parser.add_argument("--no-pages", action="store_true", help="print the table alone")
    asked = parser.parse_args()
    names = asked.names or list(PROGRAMS)
    if lost := [name for name in names if name not in PROGRAMS]:
        parser.error(f"{lost[0]} has no sampled twin; known: {', '.join(PROGRAMS)}. A row in PROGRAMS names one.")
    if not asked.no_pages:
        asked.folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            page(name, asked.font, asked.folder / f"{name}.png")
    for line in table(names, asked.font):
        print(line, flush=True)


if __name__ == "__main__":
    main()
