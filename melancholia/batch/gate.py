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

        asked = {"mood": self.profile.mood, "intensity": self.profile.intensity, "settings": self.settings}
        try:
            found = score(output, self.profile, dry=dry)
        except InputError as error:
            return {**asked, "sadness": None, "matched": False, "why": str(error), "cues": {}}
        cues = {row.name: row.value for row in found.cues}
        said = {"sadness": found.sadness, "matched": found.matched is True, "why": found.why, "cues": cues}
        return {**asked, **said}


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
