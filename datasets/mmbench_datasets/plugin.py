"""Entry point of the plugin: registers the datasets."""

from collections.abc import Callable

from mmbench import Dataset, hookimpl


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    """Register every dataset of this distribution."""
    from mmbench_datasets.amigos import Amigos, AmigosSim
    from mmbench_datasets.cremad import Cremad, CremadSim
    from mmbench_datasets.deap import Deap, DeapSim
    from mmbench_datasets.dreamer import Dreamer, DreamerSim
    from mmbench_datasets.eav import Eav, EavSim
    from mmbench_datasets.eegmat import Eegmat
    from mmbench_datasets.fsdd import Fsdd
    from mmbench_datasets.icons import Icons
    from mmbench_datasets.image_folder import ImageFolder
    from mmbench_datasets.mahnob_hci import MahnobHci, MahnobHciSim
    from mmbench_datasets.mfeat import Mfeat
    from mmbench_datasets.mm_imdb import MmImdb, MmImdbSim
    from mmbench_datasets.mmsa import Mmsa, MmsaSim
    from mmbench_datasets.moabb_bridge import Moabb
    from mmbench_datasets.mosi import Mosi
    from mmbench_datasets.ravdess import Ravdess, RavdessSim
    from mmbench_datasets.seed_iv import SeedIv, SeedIvSim
    from mmbench_datasets.seed_v import SeedV, SeedVSim
    from mmbench_datasets.stress_predict import StressPredict
    from mmbench_datasets.utd_mhad import UtdMhad
    from mmbench_datasets.wesad import Wesad, WesadSim

    for dataset in (
        Amigos,
        AmigosSim,
        Cremad,
        CremadSim,
        Deap,
        DeapSim,
        Dreamer,
        DreamerSim,
        Eav,
        EavSim,
        Eegmat,
        Fsdd,
        Icons,
        ImageFolder,
        MahnobHci,
        MahnobHciSim,
        Mfeat,
        MmImdb,
        MmImdbSim,
        Mmsa,
        MmsaSim,
        Moabb,
        Mosi,
        Ravdess,
        RavdessSim,
        SeedIv,
        SeedIvSim,
        SeedV,
        SeedVSim,
        StressPredict,
        UtdMhad,
        Wesad,
        WesadSim,
    ):
        register(dataset)
