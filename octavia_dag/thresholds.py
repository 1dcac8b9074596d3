"""How far a dub may be off before a promise counts as broken: one threshold per promise that has a degree.

Only the report reads them, so a threshold that is changed makes nothing again but the report. What is either so or not
(the picture is the same packets, the dub is the default track) has none, and neither has what another setting says
(the fastest line: `sync.max_rate`). Whether a broken promise holds a delivery back is no setting: see
dubbing/promises.py.
"""

from pydantic import Field

from octavia_dag.slicing import Slice


class Checks(Slice):
    """How far each promise may be off."""

    length_s: float = Field(
        default=0.022, ge=0.001, le=2.0, description="The dub's length may differ from the source's by so much."
    )
    peak_dbtp: float = Field(
        default=-1.0, ge=-12.0, le=3.0, description="No true peak above this, or above the source's where it is higher."
    )
    bed_level_db: float = Field(
        default=0.5, ge=0.05, le=12.0, description="Outside speech the bed's level may change by so much."
    )
    bed_correlation: float = Field(
        default=0.98, ge=0.0, le=1.0, description="Outside speech the bed resembles the source's at least so much."
    )
    bed_width_db: float = Field(
        default=2.0, ge=0.1, le=60.0, description="What sets the bed's channels apart may change its share by so much."
    )
    depth_db: float = Field(
        default=1.0,
        ge=0.1,
        le=12.0,
        description="How far the bed steps back may differ from mix.duck_depth_db by this.",
    )
    silence_dbfs: float = Field(
        default=-70.0, ge=-120.0, le=0.0, description="Where there is no music, or none is wanted, no gap is louder."
    )
    words_in_bed: float = Field(
        default=0.05, ge=0.0, le=1.0, description="At most this share of the original's words is heard in the bed."
    )
    voice_in_dub_db: float = Field(
        default=-26.0, ge=-60.0, le=0.0, description="The original voice is at most this loud in the dub, 0 as it was."
    )
    onset_median_s: float = Field(
        default=0.1, ge=0.01, le=5.0, description="Half of the lines start within this of the person's start."
    )
    onset_largest_s: float = Field(
        default=0.4, ge=0.01, le=30.0, description="Every line starts within this of the person's start."
    )
    # Human dubs: about 0.70 (Brannon et al. 2023, after the IWSLT dubbing track).
    speech_overlap: float = Field(
        default=0.70, ge=0.0, le=1.0, description="Speech of dub and source: shared time over joint time, at least."
    )
    hurried_share: float = Field(
        default=0.1,
        ge=0.0,
        le=1.0,
        description="At most this share of the lines, or one, is faster than sync.free_rate.",
    )
    round_trip: float = Field(
        default=0.20, ge=0.0, le=2.0, description="Word error rate of what is heard in the lines, at most."
    )
    empty_lines: int = Field(default=0, ge=0, le=1000, description="So many lines may be without a word.")
    line_words: float = Field(
        default=0.6,
        ge=0.0,
        le=1.0,
        description="Of each line's words at least this share is heard; less is a cut line.",
    )
    line_in_file: float = Field(
        default=0.9, ge=0.0, le=1.0, description="At least this share of every line's sound is found in the dub."
    )
    # A tenth of a line is a word: what is cut at its end must be seen although the rest is there.
    line_end_in_file: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="At least this share of the last quarter of a second of every line too.",
    )
    speech_loudness_lu: float = Field(
        default=1.0, ge=0.1, le=30.0, description="The dub speaks as loud as the original, within this."
    )
    # Twice as loud is about 10 LU: at 6 a dub is softer or louder than the scene by what nobody takes for intended.
    speech_far_off_lu: float = Field(
        default=6.0, ge=0.1, le=60.0, description="Farther from the original's loudness than this no dub is delivered."
    )
    shared_voices: int = Field(default=0, ge=0, le=20, description="So many people may speak in another one's voice.")
    voice_cosine: float = Field(
        default=0.75, ge=0.0, le=1.0, description="Two people's voices resemble each other at most so much (cosine)."
    )
    own_voice_share: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="At least this share of the lines is nearest to its own speaker's voice.",
    )
    other_class: int = Field(
        default=0, ge=0, le=20, description="So many people may be heard as the other voice class than their own."
    )
