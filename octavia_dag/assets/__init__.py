"""The assets, one file per group of the Dagster UI.

A partitioned check is a preview feature of the pinned Dagster; it is wanted, so the notice about it is kept from
operators, who would see it at every start.
"""

import warnings

import dagster as dg

warnings.filterwarnings("ignore", message=".*partitions_def on an AssetCheckSpec", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", message=".*observable_source_asset", category=dg.BetaWarning)
