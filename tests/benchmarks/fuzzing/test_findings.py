"""Each file that a reader once stumbled over is read or refused in one clear line."""

import hashlib
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest

from mmbench import DataError, PluginError, RecordError, SpecError, StorageError, TrainingError, WeightsError
from mmbench.errors import UserError
from mmbench.storage.json_toml import load_object, load_toml, parse_json
from mmbench_datasets.shared.mat5 import load_mat

pytestmark = pytest.mark.filterwarnings("ignore")  # libraries wonder about damaged files

DEEP = b"[" * 5000
DEEP_TOML = b"a = " + b"{a=" * 500


def changed(bench, name, **values):
    """The first valid document of a reader with some values at its top exchanged."""
    return json.dumps({**json.loads(bench.seeds(name)[0]), **values}).encode()


def of_run(bench, **values):
    run = {**json.loads(bench.seeds("record")[0])["run"], **values}
    return changed(bench, "record", run={key: value for key, value in run.items() if value is not ...})


def refused(bench, name, content, kind=UserError, match=""):
    bench.seeds(name)
    with pytest.raises(kind, match=match):
        bench.read(name, content)
    assert bench.judge(name, content) is None


@pytest.mark.parametrize("name", ["record", "comparison", "ablation", "failure", "tuning", "audit", "folds"])
@pytest.mark.parametrize("content", [DEEP, b'{"a":' * 5000, b"1", b"null", b'{"a": "\\ud800"}', b"\xff"])
def test_invalid_documents_are_refused(bench, name, content):
    refused(bench, name, content, RecordError)


@pytest.mark.parametrize("name", ["preset", "card"])
def test_toml_within_toml(bench, name):
    refused(bench, name, DEEP_TOML, SpecError, match="cannot be read")


def test_names_with_line_breaks_stay_on_one_line(bench):
    refused(bench, "preset", b'[encoders]\n"new\\nline" = 1\n', SpecError, match=r"new\\nline")
    refused(bench, "comparison", b'{"runs": ["a\\u001b[2J"], "seeds": 1}', RecordError, match=r"a\\x1b\[2J")


@pytest.mark.parametrize(
    "values",
    [
        {"labels": [10**12] * 8},
        {"labels": [-1] * 8},
        {"ids": [[1]] * 8},
        {"units": [{}] * 8},
        {"logits": [[0.0, 1.0]] * 7 + [[0.0]]},
        {"logits": [[0.0, float("nan")]] * 8},
        {"scores": {"chosen": {}}},
        {"scores": {"chosen": None}},
        {"seed": []},
        {"seconds": None},
        {"seconds": float("inf")},
        {"parameters": {"total": "many"}},
        {"parameters": {}},
        {"cost": 1.5},
        {"epochs": {"chosen": 0, "last": 0}},
        {"epochs": {"chosen": 0, "last": 0, "oracle": -1}},
        {"history": [{"train_loss": 0.5}]},
        {"environment": {"packages": 3}},
        {"environment": {"packages": {"mmbench": []}}},
        {"cost": {"flops": []}},
        {"tuning": {"trials": 3}},
        {"ids": [], "labels": [], "units": [], "logits": []},
    ],
    ids=lambda values: str(values)[:40],
)
def test_records_with_impossible_values(bench, values):
    n = len(json.loads(bench.seeds("record")[0])["ids"])
    fitting = (
        {key: value[:1] * n if len(value) == 8 and key != "logits" else value for key, value in values.items()}
        if all(isinstance(value, list) for value in values.values())
        else values
    )
    refused(bench, "record", changed(bench, "record", **fitting), RecordError)


@pytest.mark.parametrize(
    "values",
    [
        {"protocol": "none"},
        {"preset": ...},
        {"preset": {"fusion": {}}},
        {"classes": "ab"},
        {"classes": ["a"]},
        {"straddling": 1},
        {"encoders": {"signal": 3}},
        {"training": {"epochs": []}},
        {"folds": None},
        {"card": {}},
        {"offered": {"a": 1.5, "b": []}, "modalities": 3},
        {"gaps": {"signal": {"present": 0, "inferred": 1, "without": 0}}},
        {"tuning": {"trials": 3}},
        {"dataset": "another"},
    ],
    ids=str,
)
def test_records_of_runs_that_cannot_be(bench, values):
    refused(bench, "record", of_run(bench, **values), RecordError)


def test_a_diagnosis_of_which_one_level_of_noise_is_missing(bench):
    diagnosis = json.loads(bench.seeds("record")[0])["diagnosis"]
    noise = diagnosis["noise"]["facts"]
    noise["4294967295"] = noise.pop("-10")
    assert bench.judge("record", changed(bench, "record", diagnosis=diagnosis)) is None


@pytest.mark.parametrize(
    "content",
    [
        b'{"runs": [], "seeds": 1}',
        b'{"runs": {}, "seeds": 1}',
        b'{"runs": [1], "seeds": 1}',
        b'{"runs": ["../runs"], "seeds": 1}',
        b'{"runs": ["x"], "seeds": Infinity}',
        b'{"runs": ["x"], "seeds": true}',
        ('{"runs": ["' + "x" * 5000 + '"], "seeds": 1}').encode(),
        ('{"runs": ["' + "é" * 200 + '"], "seeds": 1}').encode(),
    ],
)
def test_comparisons_of_nothing(bench, content):
    refused(bench, "comparison", content, RecordError, match="is not a comparison")


@pytest.mark.parametrize(
    "values", [{"seeds": float("inf")}, {"default": 3}, {"tables": [1]}, {"tables": [{"rows": []}]}]
)
def test_ablations_of_nothing(bench, values):
    refused(bench, "ablation", changed(bench, "ablation", **values), RecordError, match="is not an ablation")


def test_a_row_of_an_ablation_is_text(bench):
    tables = json.loads(bench.seeds("ablation")[0])["tables"]
    tables[0]["rows"][0]["value"] = 3
    refused(bench, "ablation", changed(bench, "ablation", tables=tables), RecordError, match="rows.0.value")


@pytest.mark.parametrize("values", [{"strictest": "none"}, {"protocols": []}, {"classes": []}])
def test_audits_of_nothing(bench, values):
    audit = json.loads(bench.seeds("audit")[0])["audit"]
    refused(bench, "audit", json.dumps({"audit": {**audit, **values}}).encode(), RecordError, match="is not an audit")


@pytest.mark.parametrize("footer", [b"null", b"{}", b'{"kind": 1}', DEEP, b"\x98"])
def test_footers_of_another_version_are_refused(bench, footer):
    content = bench.seeds("prepared")[0]
    end = len(content) - 56
    body = content[: end - int.from_bytes(content[end : end + 8], "big")]
    forged = body + footer + len(footer).to_bytes(8, "big") + hashlib.sha256(footer).digest() + content[-16:]
    refused(bench, "prepared", forged, DataError, match="incomplete or has another version")


@pytest.mark.parametrize(
    "change", [{"made_from": {}}, {"extents": [[0.5, 1]]}, {"extents": [[0, 10**12]], "blocks": [[1]]}, {"blocks": []}]
)
def test_footers_of_another_file_are_refused(bench, change):
    content = bench.seeds("prepared")[0]
    end = len(content) - 56
    start = end - int.from_bytes(content[end : end + 8], "big")
    footer = json.dumps({**json.loads(content[start:end]), **change}).encode()
    forged = content[:start] + footer + len(footer).to_bytes(8, "big") + hashlib.sha256(footer).digest() + content[-16:]
    assert bench.judge("prepared", forged) is None


def test_a_pickle_that_asks_for_room(bench):
    asks = b"\x80\x05\x96" + struct.pack("<Q", 10**12) + b"."
    refused(bench, "dat", asks, DataError, match="it is truncated")


def test_pickle_with_unknown_names_is_an_error_of_one_line(bench):
    refused(bench, "dat", b"c\xc2\x9a\x1b\n\xc2\xb0\n.", DataError, match="not part of an array of numbers")


def test_matlab_files_of_another_level(bench):
    refused(
        bench,
        "mat",
        bytes.fromhex("00c43686c803c1fa3fc2aa2c541406204005a51e"),
        DataError,
        match="is not a MATLAB file of level 5",
    )


@pytest.mark.parametrize("at", range(128, 700, 37))
def test_matlab_files_with_sizes_that_are_not_there(bench, at):
    for content in bench.seeds("mat")[:2]:
        bench.judge("mat", content)
        spoilt = content[:at] + b"\xff\xff\xff\x7f" + content[at + 4 :]
        assert bench.judge("mat", spoilt) is None


def test_a_matlab_file_that_unpacks_to_more_than_it_may(tmp_path):
    import io

    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, {"data": np.zeros(2**20)}, do_compression=True)
    assert load_mat(file.getvalue(), ("data",), 2**24)["data"].shape == (1, 2**20)
    with pytest.raises(ValueError, match="larger"):
        load_mat(file.getvalue(), ("data",), 2**20)


@pytest.mark.parametrize("kind", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("packed", [False, True])
def test_matlab_arrays_are_those_that_scipy_wrote(kind, packed):
    import io

    from scipy.io import loadmat, savemat

    arrays = {"labels": np.array([[3]], kind), "data": np.arange(24).reshape(2, 3, 4).astype(kind)}
    file = io.BytesIO()
    savemat(file, {"x": "text", "data": arrays["data"], "cell": np.array([1, "a"], object), "labels": arrays["labels"]},
            do_compression=packed)  # fmt: skip
    found, wanted = load_mat(file.getvalue(), ("data", "labels"), 2**20), loadmat(file)
    for name in arrays:
        assert found[name].dtype == wanted[name].dtype == np.dtype(kind)
        assert np.array_equal(found[name], arrays[name])


def test_two_channels_of_one_name(bench):
    content = bench.seeds("bdf")[0]
    assert bench.judge("bdf", content.replace(b"Fp2             ", b"Pz              ", 1)) is None


def test_weights_that_say_nothing(bench):
    refused(bench, "pt", b"\x8a\x80", WeightsError, match="is no file of weights")


def test_weights_that_ask_for_room(bench):
    refused(bench, "pt", bytes.fromhex("8a0afc9c46f9206aa850192e80285871014de9"), WeightsError)


def test_compressed_weights_are_refused(bench, tmp_path):
    import io

    bench.seeds("pt")
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(bench.seeds("pt")[0])) as whole,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as to,
    ):
        for name in whole.namelist():
            to.writestr(name, whole.read(name) + bytes(10**6 if name.endswith("/0") else 0))
    refused(bench, "pt", file.getvalue(), WeightsError, match="compressed or claims a larger size than it has")


def test_weights_that_call_code(bench):
    class Evil:
        def __reduce__(self):
            return exec, ("import antigravity",)

    refused(bench, "pt", pickle.dumps({"weight": Evil()}), WeightsError)


def test_sizes_beyond_any_memory(bench):
    wide, wider = b"[fusion]\ndim = 100000000\n", b"[fusion]\ndim = 1000000000000\n"
    refused(bench, "preset", wide, TrainingError, match="its weights alone need .* GB, available are")
    refused(bench, "preset", wider, SpecError, match="does not fit into memory")
    wide, wider = (b'[encoders]\nvector = "mlp[dim=%d]"\n' % dim for dim in (10**9, 10**19))
    refused(bench, "preset", wide, TrainingError, match="its weights alone need .* GB, available are")
    refused(bench, "preset", wider, SpecError, match="does not fit into memory")


def test_an_image_with_a_chunk_that_is_not_there(bench):
    claims = bytes.fromhex("89504e470d0a1a0a0000000d494844520000000a0000000c0802000000d409bbf74000017f49444154ae42")
    refused(bench, "image", claims, DataError, match="cannot be read as an image")


def test_long_and_unusual_names_on_the_command_line(bench):
    refused(bench, "spec", b"eegmat[" + b"9" * 5000 + b"]", SpecError, match=r"\.\.\.")
    refused(bench, "spec", b"deap[window=-13]", SpecError, match="deap: window=-13 s")
    refused(bench, "spec", b"image-folder[person=^(S[none-9]+)]", SpecError, match="the syntax of Python's re")


@pytest.mark.parametrize("entry", [3, [], {"a": 1}, [1, 2]])
def test_digest_cache_with_invalid_entries(bench, entry):
    known = json.loads(bench.seeds("memory")[0])
    assert bench.judge("memory", json.dumps(dict.fromkeys(known, entry)).encode()) is None


@pytest.mark.parametrize(
    "change",
    [
        {"train": None}, {"test": 3}, {"validation": [True]}, {"train": [[]]}, {"train": [[0, 10**9]]}, {"name": 3},
        {"name": None}, {"test": ...},
    ],
    ids=str,
)  # fmt: skip
def test_invalid_folds_of_a_board_are_refused(bench, change):
    file = json.loads(bench.seeds("board-folds")[0])
    first, *others = file["folds"]
    first = {key: value for key, value in {**first, **change}.items() if value is not ...}
    spoilt = json.dumps({**file, "folds": [first, *others]}).encode()
    for name in ("board-folds", "added-folds"):
        refused(bench, name, spoilt, RecordError, match="does not list the folds")


@pytest.mark.parametrize("name", ["board-folds", "added-folds"])
def test_folds_of_a_board_that_are_no_text(bench, name):
    refused(bench, name, b"\x80", RecordError, match="does not list the folds")


def test_audit_of_a_board_with_invalid_random_labels(bench):
    audit = json.loads(bench.seeds("board-audit")[0])["audit"]
    for one in audit["protocols"]:
        one["probe"]["control"] = {"draws": 0, "score": None, "expected": None, "p_value": None}
    assert bench.judge("board-audit", json.dumps({"audit": audit}).encode()) is None


def test_a_page_of_a_board_that_is_no_text(bench):
    bench.seeds("board-page")
    assert any("README.md: differs" in fault for fault in bench.read("board-page", b"\xff").faults)


@pytest.mark.parametrize(
    "change",
    [
        {"fusion": ...},
        {"fusion": {"name": "concat"}},
        {"encoders": {"signal": {"name": "mean", "params": {}}}},
        {"encoders": {"else": {"name": "mean", "params": {}, "tokens": None}}},
        {"training": {"epochs": 2, "patience": 3, "odd": 1}},
        {"training": {"epochs": 2, "patience": 3, "lr": "fast"}},
        {"modalities": [1]},
        {"modalities": ["signal", "else"], "encoders": {}},
        {"threads": True},
        {"threads": "3"},
        {"threads": 10**12},
        {"prepared": 3},
        {"task": "else"},
        {"method": ...},
    ],
    ids=str,
)
def test_records_that_do_not_describe_their_model(bench, change):
    plain = json.loads(bench.seeds("trained")[0])
    run = {key: value for key, value in {**plain["run"], **change}.items() if value is not ...}
    refused(
        bench, "trained", json.dumps({**plain, "run": run}).encode(), RecordError, match="does not describe|other data"
    )


@pytest.mark.parametrize("tuning", [{}, {"chosen": 3}, {"chosen": {"training.odd": 1}}], ids=str)
def test_records_of_trials_that_chose_nothing(bench, tuning):
    content = changed(bench, "trained", tuning=tuning)
    refused(bench, "trained", content, RecordError, match="does not describe how its model was built")


def test_a_network_larger_than_the_weights_that_are_kept_of_it(bench):
    run = json.loads(bench.seeds("trained")[0])["run"]
    run["fusion"]["params"]["dim"] = 10**8
    refused(bench, "trained", changed(bench, "trained", run=run), RecordError, match="is too small for the network")


def test_a_network_with_layers_without_end(bench):
    run = json.loads(bench.seeds("trained")[0])["run"]
    run["encoders"]["facts"]["params"]["depth"] = 2**32
    refused(bench, "trained", changed(bench, "trained", run=run), SpecError, match="more than 10,000 tensors")
    refused(bench, "preset", b'[encoders]\nvector = "mlp[depth=4294967295]"\n', SpecError, match="10,000 tensors")


def test_setting_outside_the_search_space(bench):
    content = changed(bench, "trained", tuning={"chosen": {"training.lr": "fast"}})
    refused(bench, "trained", content, SpecError, match="invalid value 'fast'")


@pytest.mark.parametrize("seed", [True, -1, 10**12, 2**64, "1"])
def test_invalid_seeds_are_refused(bench, seed):
    refused(bench, "record", changed(bench, "record", seed=seed), RecordError, match="seed")


def spoil_fold(bench, name):
    plain = json.loads(bench.seeds(name)[-1])
    units = ["nobody", *plain["units"][1:]]
    return json.dumps({**plain, "fold": "else", "units": units}).encode()


def test_a_fold_that_the_splits_have_not(bench):
    refused(bench, "report", spoil_fold(bench, "report"), RecordError, match="has more folds than")


def test_a_board_with_a_fold_that_the_splits_have_not(bench):
    """`leaderboard verify` names it among the faults, and looks at the other boards."""
    (fault,) = bench.read("board-record", spoil_fold(bench, "board-record")).faults
    assert "has more folds than" in fault


def test_a_command_with_a_quote_that_does_not_end(bench):
    assert bench.judge("report", changed(bench, "report", command="mmbench run 'a toy")) is None


def test_study_storage_with_invalid_text(bench):
    (content,) = bench.seeds("study")
    broken = content.replace(b"tablestudiesstudies", b"table\xfftudiesstudies").replace(
        b"CREATE TABLE st", b"CREATE TABLE (t"
    )
    refused(bench, "study", broken, StorageError, match="text that is not UTF-8")


def test_a_mark_of_a_simulation_that_is_no_text(bench):
    refused(bench, "mark", b"\xff", DataError, match="was simulated with other options")


def test_invalid_pins_are_refused(bench):
    refused(bench, "pins", b"\xff", PluginError, match="cannot be read as a list of files")
    away = bench.seeds("pins")[0].split()[0] + b" 3 /etc/x\n"
    refused(bench, "pins", away, PluginError, match="ask the author of the plugin")


@pytest.mark.parametrize("text", ["import (", "  x\n y", "\0", "# coding: odd", "(" * 5000, "import " + "é" * 300])
def test_a_module_beside_a_component_that_is_no_python(bench, text):
    bench.seeds("source")
    assert bench.judge("source", text.encode()) is None
    assert "kit/beside.py" in bench.read("source", text.encode()).files


def test_documents(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DEEP)
    with pytest.raises(ValueError, match="nested too deeply"):
        load_object(path)
    path.write_bytes(b"a." * 40_000 + b"a = 1")
    with pytest.raises(ValueError, match="larger than 64 KiB"):
        load_toml(path)
    path.write_bytes(DEEP_TOML)
    with pytest.raises(ValueError, match="nested too deeply"):
        load_toml(path)
    path.write_text("[1]")
    with pytest.raises(ValueError, match="a list, not an object"):
        load_object(path)
    with pytest.raises(ValueError, match="surrogates"):
        parse_json(r'"\ud800"')
    assert parse_json(r'"\ud83d\ude00"') == "😀"


BELL = "a\x1b]0;renamed\x07\x9b2J"  # renames the window and clears the screen of a terminal


def test_texts_that_move_a_terminal_are_no_records(bench):
    for values in ({"method": BELL}, {"classes": ["a", BELL]}, {"preset": {"name": "x", BELL: 1}}):
        refused(bench, "record", of_run(bench, **values), RecordError, "control characters")
    units = json.loads(bench.seeds("record")[0])["units"]
    spoilt = changed(bench, "record", units=[BELL] * len(units))
    refused(bench, "record", spoilt, RecordError, "control characters")
    audit = json.loads(bench.seeds("audit")[0])
    refused(bench, "audit", json.dumps({"audit": {**audit["audit"], "method": BELL}}).encode(), RecordError, "control")


def test_audio_whose_header_states_hours_takes_no_memory(bench):
    flac = "664c6143000000221000100000011100011103e800f080000000fff875080002577f44000004bb0967b4"
    refused(bench, "audio", bytes.fromhex(flac), DataError, "voice ")


def test_audio_at_an_impossible_rate_is_not_resampled(bench):
    content = bytearray(bench.seeds("audio")[0])
    at = content.index(b"fmt ") + 12
    for rate in (1, 2**30):
        content[at : at + 4] = rate.to_bytes(4, "little")
        refused(bench, "audio", bytes(content), DataError, f"at {rate} Hz, too far from 8000 Hz")
