"""Entry point of the plugin: registers the datasets."""

from collections.abc import Callable

from mmbench import Dataset, hookimpl


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    """Register every dataset of this distribution."""
    from mmbench_datasets.amigos import Amigos, AmigosSim
    from mmbench_datasets.deap import Deap, DeapSim
    from mmbench_datasets.dreamer import Dreamer, DreamerSim
    from mmbench_datasets.eegmat import Eegmat
    from mmbench_datasets.fsdd import Fsdd
    from mmbench_datasets.icons import Icons
    from mmbench_datasets.image_folder import ImageFolder
    from mmbench_datasets.mahnob_hci import MahnobHci, MahnobHciSim
    from mmbench_datasets.mfeat import Mfeat
    from mmbench_datasets.mosi import Mosi
    from mmbench_datasets.seed_iv import SeedIv, SeedIvSim
    from mmbench_datasets.seed_v import SeedV, SeedVSim
    from mmbench_datasets.stress_predict import StressPredict
    from mmbench_datasets.utd_mhad import UtdMhad
    from mmbench_datasets.wesad import Wesad, WesadSim

    for dataset in (
        *(Deap, DeapSim, Dreamer, DreamerSim, Eegmat, Fsdd, Icons, ImageFolder, Mfeat, Mosi, StressPredict, UtdMhad),
        *(Amigos, AmigosSim, MahnobHci, MahnobHciSim, SeedIv, SeedIvSim, SeedV, SeedVSim, Wesad, WesadSim),
    ):
        register(dataset)
