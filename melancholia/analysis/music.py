"""Whether what is heard is music: tones that lie in one tuning, more than one of them, for long enough."""

from collections.abc import Mapping

import numpy as np

from melancholia.analysis.features import Frames

SHORTEST_S = 5.0
# How much of what stands out of the spectrum lies at one place within the semitone: recordings of all genres .26 in
# the median, one in ten less than .08 (drums, rap, old voices); songs on our instruments .19 and more; noise to .035,
# speech to .09. Where it is little, other cues decide.
SURELY_TUNED, HARDLY_TUNED, BARELY_TUNED = 0.2, 0.1, 0.04
NOISE_CLARITY = 0.546  # chords of noise fit no triad better; of recordings so little tuned, half do
# Speech and clicks begin anew all the time, and pause: flux .195 and more, level 24 dB and more from soft to loud, in a
# hall 17; and speech has no beat. Of 720 recordings five do all that, all with rap
BROKEN_FLUX, PAUSING_DB, RINGING_DB, BEAT = 0.19, 22.0, 17.0, 0.35
# The share of the first principal axis of its tones: recordings at most .85; of one tone, held or repeated, nearly 1
MOST_ALIKE = 0.87


def no_music(found: Frames, cues: Mapping[str, float]) -> str:
    """Why nothing that sounds here can be sad, as the end of a sentence; "" where it is music."""
    if found.seconds < SHORTEST_S:
        return f"{found.seconds:.1f} s of sound are too few, sadness is heard in {SHORTEST_S:g} s or more"
    tuning = tuned(found)
    if tuning < BARELY_TUNED and cues["chord_clarity"] < NOISE_CLARITY:
        return "it has no tones, as noise has none"
    spoken = tuning < HARDLY_TUNED and cues["level_range"] > RINGING_DB and cues["pulse_clarity"] < BEAT
    broken = tuning < SURELY_TUNED and cues["level_range"] > PAUSING_DB
    if cues["flux"] > BROKEN_FLUX and (spoken or broken):
        return "its tones lie in no tuning and break off all the time, as those of speech and of clicks do"
    if alike(found) > MOST_ALIKE:
        return "it is one tone or chord that never changes"
    return ""


def tuned(found: Frames) -> float:
    """How plainly tones lie on one lattice of semitones, 0 to 1, whatever its pitch."""
    return float(abs(found.lattice.sum()) / max(float(found.strong.sum()), 1e-12))


def alike(found: Frames) -> float:
    """The share of what all loud frames have in common: the first of the principal axes of their tones."""
    shares = np.linalg.eigvalsh(found.sameness.sum(axis=0))
    return float(shares[-1] / max(float(shares.sum()), 1e-12))
