"""Every built-in encoder of text, audio, video, tables and open lengths keeps the contract, with its options."""

import pytest

from mmbench import Modality, conformance
from mmbench.builtin.encoders.audio_statistics import AudioStatistics
from mmbench.builtin.encoders.conv1d import Conv1d
from mmbench.builtin.encoders.curves import Curves
from mmbench.builtin.encoders.de import DifferentialEntropy
from mmbench.builtin.encoders.frames import Frames
from mmbench.builtin.encoders.hashing import Hashing
from mmbench.builtin.encoders.logmel import LogMel
from mmbench.builtin.encoders.recurrent import Gru
from mmbench.builtin.encoders.spectrum import Spectrum
from mmbench.builtin.encoders.words import Words

UNTIMED = Modality("untimed", "timeseries", (3, None))
STEREO = Modality("stereo", "audio", (2, None), rate=16000.0)
NUMBERS = Modality("numbers", "table", (1,), columns=(conformance.encoders.COLUMNS[0],))
LEVELS = Modality("levels", "table", (1,), columns=(conformance.encoders.COLUMNS[-1],))
FILM = Modality("clip", "video", (None, 3, 32, 48), rate=5.0)
TINY = "timm[model=test_resnet]"

OPTIONS = [
    *conformance.check_encoder(Hashing, buckets=64, words=0),
    *conformance.check_encoder(Hashing, characters=0),
    *conformance.check_encoder(Words, pool="mean"),
    *conformance.check_encoder(Curves, UNTIMED, points=2),
    *conformance.check_encoder(Conv1d, UNTIMED, depth=0),
    *conformance.check_encoder(Conv1d, UNTIMED, depth=5),
    *conformance.check_encoder(Gru, UNTIMED, pool="none", depth=2),
    *conformance.check_encoder(Gru, pool="none"),
    *conformance.check_encoder(Spectrum, UNTIMED, octaves=3),
    *conformance.check_encoder(
        DifferentialEntropy, Modality("eeg", "timeseries", (3, None), rate=128.0), per="channel", bands="four"
    ),
    *conformance.check_encoder(LogMel, STEREO, pool="mean"),
    *conformance.check_encoder(LogMel, pool="none"),
    *conformance.check_encoder(LogMel, depth=0, mask=0.0, warp=0.0, dropout=0.0),
    *conformance.check_encoder(AudioStatistics, STEREO, coefficients=13),
    *conformance.check_encoder(Frames, FILM, encoder="pixels[side=4]", head="mean"),
    *conformance.check_encoder(Frames, FILM, encoder="pixels[side=4]", head="conv", dim=8),
    *conformance.check_encoder(Frames, FILM, encoder="timm[model=test_resnet,frozen=true]", head="gru"),
    *conformance.check_encoder(Frames, encoder=TINY, head="conv"),
    *conformance.check_encoder(Frames, FILM, encoder=TINY, head="mean"),
]


@pytest.mark.parametrize("check", OPTIONS, ids=str)
def test_options(check: conformance.Check) -> None:
    check()
