"""MOABB's datasets by name, with their arguments, and what MOABB knows about them."""

import difflib
import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mmbench import Card, SpecError
from mmbench_datasets.moabb_bridge.settings import plain_name

INSTALL = 'pip install "mmbench-datasets[moabb]"'
PAGES = "https://moabb.neurotechx.com/docs/dataset_summary.html"
_KINDS = {
    "imagery": "motor imagery",
    "p300": "P300",
    "ssvep": "SSVEP",
    "cvep": "c-VEP",
    "rstate": "resting state",
}


def moabb_version() -> str:
    """The version of MOABB, without importing it; SpecError where it is not installed."""
    try:
        return version("moabb")
    except PackageNotFoundError as error:
        raise SpecError("MOABB is not installed", where="moabb", remedy=INSTALL) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of MOABB and MNE about their own interfaces, and MNE's log."""
    try:
        import mne
    except ImportError as error:
        raise SpecError("MNE is not installed", where="moabb", remedy=INSTALL) from error
    with warnings.catch_warnings(), mne.use_log_level("ERROR"):
        warnings.simplefilter("ignore")
        yield


def make_dataset(name: str, arguments: Mapping[str, Any]) -> Any:
    """The dataset ``name`` of MOABB, a class or a code, made with ``arguments``.

    All channel types are kept where a reader can choose, and simulated datasets get seed 0 unless ``arguments`` have
    one, so that every export is equal. SpecError for an unknown name and for arguments that the class refuses.
    """
    with quiet():
        cls = _find_class(name)
        accepted = _find_arguments(cls)
        chosen = ({"seed": 0} if is_simulated(cls) else {}) | dict(arguments)
        if strange := [key for key in arguments if key not in accepted]:
            near = difflib.get_close_matches(strange[0], accepted, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(accepted)}"
            raise SpecError(f"{cls.__name__} has no argument {strange[0]!r}", where="moabb[options]", remedy=remedy)
        try:
            dataset = cls(**chosen)
        except Exception as error:  # the classes check their arguments each in its own way
            message = f"{cls.__name__} refuses its arguments: {type(error).__name__}: {error}"
            raise SpecError(message, where="moabb[options]", remedy=f"see the class on {PAGES}") from error
    if "return_all_modalities" not in arguments:  # not all classes pass it on
        dataset.return_all_modalities = True
    return dataset


def _find_arguments(cls: type) -> list[str]:
    """The names of a class's arguments, and of those that it passes on to the classes that it extends."""
    names: dict[str, None] = {}
    for each in cls.__mro__:
        if "__init__" not in vars(each):
            continue
        parameters = list(inspect.signature(each).parameters.values())
        names.update(
            dict.fromkeys(one.name for one in parameters if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL))
        )
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            break
    return [name for name in names if name != "subjects"]


def is_simulated(cls: type) -> bool:
    """Whether a class of MOABB makes its recordings up."""
    from moabb.datasets.fake import FakeDataset

    return issubclass(cls, FakeDataset)


def _find_class(name: str) -> Any:
    classes = _all_classes()
    wanted = plain_name(name)
    by_name = {plain_name(each): cls for each, cls in classes.items()}
    if wanted in by_name:
        return by_name[wanted]
    for cls in classes.values():
        with suppress(Exception):  # a class that cannot be made without arguments has no code to compare
            if plain_name(cls().code) == wanted:
                return cls
    near = difflib.get_close_matches(wanted, by_name, n=3, cutoff=0.5)
    shown = " or ".join(repr(by_name[each].__name__) for each in near)
    remedy = f"did you mean {shown}?" if near else f"see the {len(classes)} names on {PAGES}"
    raise SpecError(f"MOABB has no dataset {name!r}", where="moabb[name]", remedy=remedy)


def _all_classes() -> Mapping[str, Any]:
    moabb_version()
    try:
        from moabb.datasets.utils import dataset_dict
    except ImportError as error:
        raise SpecError(f"MOABB cannot be imported: {error}", where="moabb", remedy=INSTALL) from error
    return dict(dataset_dict)


@dataclass(frozen=True)
class About:
    """What MOABB says about a dataset: texts of a card, ``unknown`` where it says nothing."""

    title: str
    licence: str
    url: str
    citation: str

    def card(self, base: Card, simulated: bool) -> Card:
        """The card of the dataset's recordings, or of those that MOABB simulates."""
        access = "simulated" if simulated else "open"
        return Card(self.title, access, self.licence, self.url, self.citation, base.request, base.notes)  # type: ignore[arg-type]


def describe(dataset: Any) -> About:
    """What MOABB's metadata say about a dataset."""
    name = type(dataset).__name__
    kind = _KINDS.get(dataset.paradigm, dataset.paradigm)
    if is_simulated(type(dataset)):
        return About(f"Simulated by MOABB: {name} ({kind})", "BSD-3-Clause, as MOABB", PAGES, "simulated by MOABB")
    metadata = dataset.metadata
    texts = getattr(metadata, "documentation", None)
    doi = str(dataset.doi or getattr(texts, "doi", None) or "").removeprefix("https://doi.org/")
    url = f"https://doi.org/{doi}" if doi else getattr(texts, "data_url", None) or PAGES
    licence = getattr(texts, "license", None)
    unknown = not licence or licence.casefold() == "unknown"
    return About(
        f"{name} of MOABB ({kind})",
        "unknown to MOABB: see the publication" if unknown else str(licence),
        str(url),
        _cite(texts, doi) or f"unknown to MOABB: see {PAGES}",
    )


def _cite(texts: Any, doi: str) -> str:
    people = list(getattr(texts, "investigators", None) or ())
    year = getattr(texts, "publication_year", None)
    authors = f"{people[0]}{' et al.' if people[1:] else ''}" if people else ""
    return ", ".join(part for part in (authors, str(year or ""), f"doi:{doi}" if doi else "") if part)
