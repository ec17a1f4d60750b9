"""What a row of the verdict says to a person."""

from melancholia.cues import Cue
from melancholia.profile import Band

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
    wanted = f"{plain(band.low)} to {plain(band.high)}"
    if band.low <= value <= band.high:
        return f"{said}, as {mood} wants ({wanted})."
    below, above = WORDS.get(cue.name, ("lower", "higher"))
    return f"{said}, {below if value < band.low else above} than {mood} wants ({wanted})."


def plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
