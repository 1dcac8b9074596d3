"""What starts runs by itself: a pure decision each, and a thin wrapper around it."""
