"""A token classifier of the real class (XLM-RoBERTa), small, whose answers are known.

Its tokenizer knows a few words, and letters. Its weights are set by hand, so that the label of a token is that of the
word it belongs to: "end" and "stop" end a sentence, "why" asks, "pause" is before a comma. But the last tokens of a
full stretch get another, as with a real one that cannot see what follows.
"""

from pathlib import Path

from octavia_dag.resources.weights import seal

LABELS = ("0", ".", ",", "?", "-", ":")
SUFFIX = "stop"  # also a piece behind others
ENDS = {"end": ".", "stop": ".", "why": "?", "pause": ","}
FILLERS = ("one", "two", "three", "walking", "night")
HEARD = 64  # tokens at once
_WIDTH = 16


def sealed_segmenter(folder: Path, labels: tuple[str, ...] = LABELS) -> str:
    """The reference of weights in `folder`, made and sealed."""
    from transformers import XLMRobertaConfig, XLMRobertaForTokenClassification

    folder.mkdir(parents=True)
    pieces = _tokenizer(folder)
    config = XLMRobertaConfig(
        vocab_size=len(pieces),
        hidden_size=_WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=514,
        type_vocab_size=1,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    model = XLMRobertaForTokenClassification(config)
    _set_by_hand(model, pieces, labels)
    model.save_pretrained(folder)
    seal(folder, str(folder), "tiny")
    return str(folder)


def _tokenizer(folder: Path) -> dict[str, int]:
    """Saves a tokenizer to which each of our words is one piece, and others are spelled; returns its vocabulary."""
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace
    from tokenizers.processors import TemplateProcessing
    from transformers import XLMRobertaTokenizerFast

    words = [f"\u2581{word}" for word in (*FILLERS, *ENDS)]
    letters = ["\u2581", *"abcdefghijklmnopqrstuvwxyz"]
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces = (
        [(one, 0.0) for one in special] + [(one, -1.0) for one in (*words, SUFFIX)] + [(one, -9.0) for one in letters]
    )
    tokenizer = Tokenizer(Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.post_processor = TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    XLMRobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=HEARD).save_pretrained(folder)
    return {piece: index for index, (piece, _) in enumerate(pieces)}


def _set_by_hand(model: object, pieces: dict[str, int], labels: tuple[str, ...]) -> None:
    """Nothing but a token's own embedding reaches the classifier, and that names the label."""
    import torch
    from transformers import XLMRobertaForTokenClassification

    assert isinstance(model, XLMRobertaForTokenClassification)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.zero_()
        embedding = model.roberta.embeddings.word_embeddings.weight
        embedding[:, 0] = 1.0
        for word, mark in ENDS.items():
            if mark in labels:
                embedding[pieces[f"\u2581{word}"]] = torch.eye(_WIDTH)[labels.index(mark)]
        if "-" in labels:
            positions = model.roberta.embeddings.position_embeddings.weight
            positions[HEARD - 6 : HEARD + 2, labels.index("-")] = 9.0
        if "." in labels:
            embedding[pieces[SUFFIX]] = torch.eye(_WIDTH)[labels.index(".")]
        model.classifier.weight[: len(labels)] = torch.eye(_WIDTH)[: len(labels)]
