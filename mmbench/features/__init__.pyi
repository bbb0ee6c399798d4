from .cache import FROZEN_SEED as FROZEN_SEED
from .cache import Encoding as Encoding
from .cache import count_parameters as count_parameters
from .cache import describe as describe
from .cache import encode as encode
from .cache import encoder_size as encoder_size
from .cache import find_relative as find_relative
from .cache import token_path as token_path
