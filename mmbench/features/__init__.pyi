from .cache import FROZEN_SEED as FROZEN_SEED
from .cache import Encoding as Encoding
from .cache import count_parameters as count_parameters
from .cache import describe_tokens as describe_tokens
from .cache import encode as encode
from .cache import find_nearest_tokens as find_nearest_tokens
from .cache import read_encoder_size as read_encoder_size
from .cache import token_path as token_path
