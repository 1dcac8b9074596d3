"""octavia-dag: a video in, the same video in another language out, every step a Dagster asset."""
