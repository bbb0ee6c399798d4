"""Names of CREMA-D: folders, fields of a file name, clips with faults, and the published split."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from mmbench import read_csv

FOLDERS = {"speech": "AudioWAV", "video": "VideoFlash"}
ENDINGS = {"speech": ".wav", "video": ".flv"}
EMOTIONS = {"NEU": "neutral", "HAP": "happy", "SAD": "sad", "FEA": "fear", "DIS": "disgust", "ANG": "anger"}
SENTENCES = ("IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI")
LEVELS = ("LO", "MD", "HI", "XX")
FIELDS = re.compile(
    rf"(?P<actor>1\d{{3}})_(?P<sentence>{'|'.join(SENTENCES)})_(?P<emotion>{'|'.join(EMOTIONS)})_({'|'.join(LEVELS)})"
)
ACTORS = range(1001, 1092)
FAULTY = {
    "1064_IEO_DIS_MD": "holds several emotions, a minute long",
    "1064_TIE_SAD_XX": "has hardly any frames",
    "1076_MTI_NEU_XX": "has hardly any frames",
    "1076_MTI_SAD_XX": "has no sound",
}
"""Published clips that are known to be faulty, each with the fault."""

OGM_GE = Path(__file__).parent / "splits" / "ogm-ge.csv"
"""The split of OGM-GE: ids of all 7,442 clips, each in ``train`` or ``test``."""


@cache
def load_split() -> Mapping[str, Literal["train", "test"]]:
    """The part of each published clip in the split of OGM-GE."""
    return {name: "test" if part == "test" else "train" for name, part in read_csv(OGM_GE).rows}
