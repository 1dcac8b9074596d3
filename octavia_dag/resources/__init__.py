"""What touches the world: files, ffmpeg, models, and the engines behind their roles."""
