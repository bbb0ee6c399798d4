"""Names of RAVDESS: the seven numbers of a file name."""

import re

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""The emotions by number, from 1; songs lack the last two."""

CHANNELS = {"speech": "01", "song": "02"}
ARCHIVES = {"speech": "Audio_{}_Actors_01-24.zip", "video": "Video_{}_Actor_01.zip to 24"}
"""Names of the published archives by modality, with a place for the channel."""

N_ACTORS, N_SINGERS = 24, 23  # actor 18 does not sing
SOUND = "03"
FILMS = ("02", "01")
"""Numbers of films, in order of precedence: without sound, and with it; both are the same recording."""

FIELDS = re.compile(
    r"(?P<modality>0[1-3])-(?P<channel>0[12])-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<statement>0[12])-"
    r"(?P<repetition>0[12])-(?P<actor>0[1-9]|1\d|2[0-4])"
)


def clip_of(name: str) -> str:
    """The clip of a file name: all its numbers but the first, that of the modality."""
    return name.partition("-")[2]
