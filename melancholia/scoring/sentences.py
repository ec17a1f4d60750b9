"""What a row of the verdict says to a person."""

from collections.abc import Sequence

from melancholia.bands import Band, plain
from melancholia.cues import Cue
from melancholia.profile import Profile
from melancholia.scoring.fits import MoodFit, within

# what a value below and above its band sounds like
WORDS = {
    "mode": ("too much major", "minor throughout"),
    "event_rate": ("sparser", "busier"),
    "register": ("lower", "higher"),
    "brightness": ("darker", "brighter"),
    "articulation": ("more even", "more broken up"),
    "legato": ("more detached", "more legato"),
    "fast_modulation": ("smoother", "more restless"),
    "slow_modulation": ("fewer long swells", "longer swells"),
    "persistence": ("quicker to change", "slower to change"),
    "flux": ("stiller", "more changeable"),
    "contrast": ("more veiled", "barer"),
    "high_energy": ("with fewer highs", "with more highs"),
    "peaks": ("thinner", "thicker"),
    "level_range": ("more level", "wider from soft to loud"),
    "chord_clarity": ("less plain in its chords", "plainer in its chords"),
    "chroma_entropy": ("of fewer tones", "of more tones"),
    "tonal_clarity": ("less sure of its key", "surer of its key"),
    "roughness": ("smoother", "rougher"),
    "space": ("drier", "further away"),
    "stereo_width": ("narrower", "wider"),
    "loudness": ("quieter", "louder"),
}


def sentence(cue: Cue, value: float, band: Band | None, mood: str) -> str:
    """One sentence on a cue: as wanted, or how it differs."""
    about = cue.about[0].upper() + cue.about[1:]
    said = f"{about}: {plain(value)} {cue.unit}"
    if band is None:
        return f"{said}."
    wanted = band.wanted(cue)
    if band.low <= value <= band.high:
        return f"{said}, as {mood} wants ({wanted})."
    below, above = WORDS.get(cue.name, ("lower", "higher"))
    return f"{said}, {below if value < band.low else above} than {mood} wants ({wanted})."


def why_not(wanted: Profile, sadness: float, outside: Sequence[str], best: MoodFit) -> str:
    """In one sentence what of a profile a recording does not match, and which mood fits it best."""
    asked = wanted.sadness
    parts = []
    if not within(sadness, asked):
        than = "less sad" if sadness < asked.low else "sadder"
        named = f"{wanted.mood} at {wanted.intensity:g}"
        near = asked.low if sadness < asked.low else asked.high
        digits = next(d for d in range(2, 18) if f"{sadness:.{d}f}" != f"{near:.{d}f}")
        shown = f"{asked.low:.{digits}f} to {asked.high:.{digits}f}"
        parts.append(f"it is {than} ({sadness:.{digits}f}) than {named} wants ({shown})")
    if outside:
        lies = "lies outside its band" if len(outside) == 1 else "lie outside their bands"
        parts.append(f"{listed([name.replace('_', ' ') for name in outside])} {lies}")
    said = ", and ".join(parts)
    fits = f"; {best.mood} at {best.intensity:.2g} fits best" if best.mood != wanted.mood else ""
    if not best.matched:
        fits += "; no mood is matched" if not fits else ", and is not matched either"
    return f"{said[0].upper()}{said[1:]}{fits}."


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
