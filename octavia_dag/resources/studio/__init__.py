"""The studio engines, for a GPU; none is here yet. One file per role, the mirror of `embedded`."""
