"""Folders as transformers writes them become bases that transformers loads again, unchanged."""

from __future__ import annotations

import pytest
from model_parts import CHATML, HEADS, HIDDEN, KEY_HEADS, LAYERS, VOCABULARY, tokenizer

from persona.base import prepare_base
from persona.paths import Home
from store.records import Message

SHAPE = {
    "hidden_size": HIDDEN,
    "intermediate_size": 64,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KEY_HEADS,
    "num_hidden_layers": LAYERS,
    "max_position_embeddings": 128,
    "vocab_size": VOCABULARY,
    "eos_token_id": 2,
    "bos_token_id": 1,
    "pad_token_id": 0,
}


@pytest.mark.parametrize("kind", ["Llama", "Qwen2", "Qwen3"])
def test_a_saved_model_is_a_base(tmp_path, kind):
    """Same weights, same logits, same tokens for the text that our template renders."""
    torch = pytest.importorskip("torch")
    import transformers

    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}ForCausalLM")(
        getattr(transformers, f"{kind}Config")(**SHAPE)
    ).eval()
    speaker = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer(), eos_token="<|im_end|>")
    speaker.chat_template = CHATML
    folder = tmp_path / kind
    model.save_pretrained(folder)
    speaker.save_pretrained(folder)

    base = prepare_base(Home(tmp_path / "home"), str(folder))

    assert kind.lower() == base.architecture
    loaded = transformers.AutoModelForCausalLM.from_pretrained(
        base.weights, local_files_only=True, trust_remote_code=False, dtype="auto"
    ).eval()
    text = base.template.render([Message(role="user", content="Hi the")], add_generation_prompt=True)
    ids = transformers.AutoTokenizer.from_pretrained(base.weights)(text, add_special_tokens=False).input_ids
    assert tokenizer().encode(text, add_special_tokens=False).ids == ids
    with torch.no_grad():
        expected, actual = (m(torch.tensor([ids])).logits for m in (model, loaded))
    assert torch.equal(expected, actual)
    assert (
        speaker.apply_chat_template(
            [{"role": "user", "content": "Hi the"}], tokenize=False, add_generation_prompt=True
        )
        == text
    )
