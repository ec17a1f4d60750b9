"""What an audio file holds, whatever its header says: found before it is decoded.

Headers are promises made before the sound was there. Recorders that were switched off, streams and pipes leave them
unfinished; MP3 has none at all. So each container is walked by its own rules, and its sound is found to be whole, to be
cut off (refused), or to differ from what the header says: then the decoder is shown the file with the header put right.
"""

from melancholia.containers.found import AS_IT_IS, CutOff, Found, Mixed
from melancholia.containers.look import look
from melancholia.containers.view import opened

__all__ = ["AS_IT_IS", "CutOff", "Found", "Mixed", "look", "opened"]
