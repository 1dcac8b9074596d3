"""The craft, pure: arrays, numbers and documents in and out; no files, processes, models or Dagster."""
