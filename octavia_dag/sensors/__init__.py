"""What starts runs by itself; nothing does yet: dubs are asked for by the command and in the UI."""
