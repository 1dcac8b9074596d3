"""A speaker embedding of pyannote's own kind with a network that a CPU runs in no time.

Its checkpoint names this module, so that it is loaded as any checkpoint is. Only where torch is installed.
"""

from typing import Any

from pyannote.audio.models.embedding.wespeaker import BaseWeSpeakerResNet
from pyannote.audio.models.embedding.wespeaker.resnet import BasicBlock, ResNet


class TinyVoiceNet(BaseWeSpeakerResNet):
    """WeSpeaker's front and pooling around one block per stage, four channels wide."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.resnet = ResNet(
            BasicBlock, [1, 1, 1, 1], m_channels=4, feat_dim=80, embed_dim=256, pooling_func="TSTP", two_emb_layer=False
        )
