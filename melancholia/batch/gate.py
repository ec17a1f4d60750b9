"""A gate at the end of a batch: each output is listened to, and is what a mood wants, or is not."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melancholia.errors import InputError
from melancholia.recipe import versions

if TYPE_CHECKING:
    from melancholia.profile import Profile
    from melancholia.scoring import Score


@dataclass(frozen=True, slots=True)
class Gate:
    """What outputs are judged by, and the hash of all that the verdict depends on beside the output."""

    profile: "Profile"
    settings: str

    def __call__(self, output: Path, dry: Path | None) -> dict[str, Any]:
        """The verdict on an output; `dry` is its source where effects went over it, in which the music is heard.

        What cannot be judged does not match, and says why.
        """
        from melancholia.scoring import score

        asked = {"mood": self.profile.mood, "intensity": self.profile.intensity}
        try:
            found = score(output, self.profile, dry=dry)
        except InputError as error:
            said = {**asked, "sadness": None, "matched": False, "why": str(error), "cues": {}}
        else:
            said = verdict(found)
        return {**said, "settings": self.settings}


def verdict(found: "Score") -> dict[str, Any]:
    """What a row says of a score, as ``score.json`` does."""
    said = found.to_dict()
    kept = {name: said[name] for name in ("mood", "intensity", "sadness", "matched", "why")}
    return {**kept, "cues": {cue["name"]: cue["value"] for cue in said["cues"]}}


def gate(mood: str, intensity: float = 0.7) -> Gate:
    """A gate for a mood (a name, a mood file, or a blend as ``despair:0.5,loss:0.5``) at an intensity, 0 to 1.

    Raises
    ------
    InputError
        There is no such mood.
    """
    from melancholia.profile import profile

    wanted = profile(mood, intensity)
    said = json.dumps({"wanted": repr((wanted.sadness, wanted.bands)), "versions": versions()})
    return Gate(wanted, hashlib.sha256(said.encode()).hexdigest())
