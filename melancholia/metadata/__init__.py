"""What an audio file says beside its sound: tags, pictures, chunks; read from one file and put into another."""

from melancholia.metadata.carry import carried, read_metadata, write_metadata
from melancholia.metadata.tags import Picture
from melancholia.metadata.value import Metadata

__all__ = ["Metadata", "Picture", "carried", "read_metadata", "write_metadata"]
