"""Names and shapes of EAV."""

import re
from typing import Literal

EMOTIONS = ("neutral", "sadness", "anger", "happiness", "calmness")
CONDITIONS = ("listening", "speaking")
Condition = Literal["speaking", "listening", "both"]
"""Rows of the labels are emotions, in this order, and within each the two conditions."""

N_PEOPLE = 42
RATE = 500  # Hz
N_CHANNELS = 30
SECONDS = 20.0  # of a trial
N_TIMES = round(SECONDS * RATE)
MOST_TRIALS = 200
EEG_KEYS = ("seg1", "seg")

PERSON = re.compile(r"subject0*([1-9]\d?)", re.IGNORECASE)
MEDIA = re.compile(
    rf"(?P<trial>\d{{3}})_TRIAL_\d+_(?P<condition>{'|'.join(CONDITIONS).upper()})_"
    rf"(?P<emotion>{'|'.join(EMOTIONS).upper()})(_AUD)?"
)
"""The name of a sound or a film in capitals, such as 002_TRIAL_02_SPEAKING_NEUTRAL_AUD."""
