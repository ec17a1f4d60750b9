"""The effects that a rack may use: pedalboard's own, with the range of every parameter (pedalboard checks little).

`fixed` marks what is linear and does not change in time: only such effects may stand in a send, for a send is taken
as its impulse response. Left out are effects that cannot be streamed (PitchShift, GSM), that shift in time (limiters,
MP3, resampling), and pedalboard's Limiter, which is none.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """Range of one parameter; `log`: it moves by equal ratios."""

    low: float
    high: float
    unit: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect: its parameters, and whether it is linear and fixed in time."""

    parameters: dict[str, Parameter]
    fixed: bool = False


HZ = Parameter(20, 20_000, "Hz", True)
DB = Parameter(-60, 24, "dB")
SHARE = Parameter(0, 1)
MS = Parameter(0.1, 5000, "ms", True)
Q = Parameter(0.1, 18, "", True)

EFFECTS: dict[str, Effect] = {
    "Gain": Effect({"gain_db": DB}, fixed=True),
    "Invert": Effect({}, fixed=True),
    "LowpassFilter": Effect({"cutoff_frequency_hz": HZ}, fixed=True),
    "HighpassFilter": Effect({"cutoff_frequency_hz": HZ}, fixed=True),
    "LowShelfFilter": Effect({"cutoff_frequency_hz": HZ, "gain_db": DB, "q": Q}, fixed=True),
    "HighShelfFilter": Effect({"cutoff_frequency_hz": HZ, "gain_db": DB, "q": Q}, fixed=True),
    "PeakFilter": Effect({"cutoff_frequency_hz": HZ, "gain_db": DB, "q": Q}, fixed=True),
    "Reverb": Effect(
        {
            "room_size": SHARE,
            "damping": SHARE,
            "wet_level": SHARE,
            "dry_level": SHARE,
            "width": SHARE,
        },
        fixed=True,
    ),
    "Delay": Effect(
        {"delay_seconds": Parameter(0.001, 5, "s", True), "feedback": Parameter(0, 0.9), "mix": SHARE}, fixed=True
    ),
    "Chorus": Effect(
        {
            "rate_hz": Parameter(0.01, 20, "Hz", True),
            "depth": SHARE,
            "centre_delay_ms": Parameter(1, 100, "ms", True),
            "feedback": Parameter(0, 0.9),
            "mix": SHARE,
        }
    ),
    "Phaser": Effect(
        {
            "rate_hz": Parameter(0.01, 20, "Hz", True),
            "depth": SHARE,
            "centre_frequency_hz": HZ,
            "feedback": Parameter(0, 0.9),
            "mix": SHARE,
        }
    ),
    "LadderFilter": Effect({"cutoff_hz": HZ, "resonance": Parameter(0, 0.95), "drive": Parameter(1, 20)}),
    "Compressor": Effect(
        {"threshold_db": Parameter(-60, 0, "dB"), "ratio": Parameter(1, 50), "attack_ms": MS, "release_ms": MS}
    ),
    "NoiseGate": Effect(
        {"threshold_db": Parameter(-100, 0, "dB"), "ratio": Parameter(1, 50), "attack_ms": MS, "release_ms": MS}
    ),
    "Distortion": Effect({"drive_db": Parameter(0, 60, "dB")}),
    "Clipping": Effect({"threshold_db": Parameter(-40, 0, "dB")}),
    "Bitcrush": Effect({"bit_depth": Parameter(2, 32, "bits")}),
}
