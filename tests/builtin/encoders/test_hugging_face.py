"""Networks of Hugging Face, on tiny random ones saved to a temporary folder."""

import builtins
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from mmbench import Modality, SpecError, WeightsError, conformance
from mmbench.builtin.encoders.hugging_face import Transformers
from mmbench.builtin.encoders.low_rank import LowRank

transformers = pytest.importorskip("transformers")

TEXT = Modality("text", "text", ())
SPEECH = Modality("speech", "audio", (1, None), rate=8000.0)
CUT = Modality("speech", "audio", (1, 900), rate=8000.0)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bert")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    config = transformers.BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=20,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizerFast(vocab=vocabulary).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def wav2vec(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("wav2vec")
    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24, conv_dim=(8, 8),
        conv_kernel=(10, 3), conv_stride=(5, 2), num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=8000, do_normalize=True).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("params", [{}, {"pool": "none"}, {"tune": "lora", "rank": 2}, {"tune": "full", "layers": 2}])
def test_a_text_network_keeps_the_contract(bert: str, params: dict) -> None:
    for check in conformance.check_encoder(Transformers, TEXT, model=bert, **params):
        check()


@pytest.mark.parametrize("modality", [SPEECH, CUT], ids=["open", "fixed"])
@pytest.mark.parametrize("params", [{"pool": "none"}, {"tune": "lora"}, {"tune": "full", "pool": "first"}])
def test_a_waveform_network_keeps_the_contract(wav2vec: str, modality: Modality, params: dict) -> None:
    for check in conformance.check_encoder(Transformers, modality, model=wav2vec, **params):
        check()


def test_states_are_those_of_the_network(bert: str) -> None:
    encoder = Transformers(TEXT, model=bert, pool="none")
    tokens, mask = encoder(["abc", "a"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(bert)
    network = transformers.AutoModel.from_pretrained(bert).eval()
    with torch.no_grad():
        expected = network(**tokenizer("abc", return_tensors="pt")).last_hidden_state[0]
    torch.testing.assert_close(tokens[0], expected)
    assert mask.sum(dim=1).tolist() == [5, 3]
    assert torch.equal(Transformers(TEXT, model=bert, pool="first")(["abc"])[0, 0], tokens[0, 0])
    torch.testing.assert_close(Transformers(TEXT, model=bert)(["a"])[0, 0], tokens[1, :3].mean(dim=0))


def test_long_texts_are_read_in_pieces(bert: str) -> None:
    encoder = Transformers(TEXT, model=bert, pool="none")
    _, mask = encoder(["a " * 40, "b"])
    assert mask.sum(dim=1).tolist() == [18 + 18 + 4 + 3 * 2, 3]  # 40 pieces, and two marks around each part
    other, _ = encoder(["a " * 39 + "z"])
    first, _ = encoder(["a " * 40])
    assert torch.equal(first[0, :20], other[0, :20])
    assert not torch.allclose(first[0, -4:], other[0, -4:])


def test_fewer_layers_are_those_of_the_start(bert: str) -> None:
    encoder = Transformers(TEXT, model=bert, layers=1, pool="none")
    whole = transformers.AutoModel.from_pretrained(bert).eval()
    inputs = transformers.AutoTokenizer.from_pretrained(bert)("abc", return_tensors="pt")
    with torch.no_grad():
        expected = whole(**inputs, output_hidden_states=True).hidden_states[1][0]
    torch.testing.assert_close(encoder(["abc"])[0][0], expected)
    with pytest.raises(SpecError, match="has 3 layers"):
        Transformers(TEXT, model=bert, layers=4)


def test_low_rank_adapters_start_as_the_network_and_are_all_that_is_trained(bert: str) -> None:
    frozen, adapted = Transformers(TEXT, model=bert), Transformers(TEXT, model=bert, tune="lora", rank=2).eval()
    torch.testing.assert_close(adapted(["hello"]), frozen(["hello"]))
    trained = {name.rpartition(".")[2] for name, each in adapted.named_parameters() if each.requires_grad}
    assert trained == {"up", "down"}
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


def test_a_low_rank_adapter_adds_a_product() -> None:
    layer = LowRank(torch.nn.Linear(3, 4), rank=2)
    torch.nn.init.normal_(layer.up)
    x = torch.randn(5, 3)
    torch.testing.assert_close(layer(x), layer.layer(x) + 2 * x @ (layer.up @ layer.down).T)


def test_another_rate_is_refused(wav2vec: str) -> None:
    with pytest.raises(SpecError, match="reads waveforms of 8000 Hz, but speech has 16000 Hz"):
        Transformers(Modality("speech", "audio", (1, None), rate=16000.0), model=wav2vec)


def test_a_text_network_does_not_hear(bert: str) -> None:
    with pytest.raises(SpecError, match="reads input_ids, not waveforms"):
        Transformers(SPEECH, model=bert)


def test_models_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such folder"):
        Transformers(TEXT, model="./nowhere")
    with pytest.raises(WeightsError, match=r"it is not in the cache.*model=FOLDER"):
        Transformers(TEXT, model="nobody/no-such-model", download=False)
    with pytest.raises(WeightsError, match=r"has no config\.json"):
        Transformers(TEXT, model=str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no-such-type"}))
    with pytest.raises(WeightsError, match="its model cannot be loaded"):
        Transformers(TEXT, model=str(tmp_path))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_file_in_the_folder_that_holds_no_weights_is_named_with_the_reason(bert: str, tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    shutil.copytree(bert, folder)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-20])
    with pytest.raises(WeightsError, match=r"model\.safetensors: is truncated or damaged — copy or download it again"):
        Transformers(TEXT, model=str(folder))
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"embeddings": [1.0]}))
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin: is a plain pickle, not a file of torch\.save"):
        Transformers(TEXT, model=str(folder))


def test_without_a_network_the_hub_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", no_network)
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(WeightsError, match=r"cannot be downloaded \(no network, and they are not in the cache\)"):
        Transformers(TEXT, model="nobody/no-such-model")


def test_without_transformers_the_remedy_is_an_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name == "transformers":
            raise ImportError("No module named 'transformers'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SpecError, match=r'pip install "mmbench\[transformers\]"'):
        Transformers(TEXT)
