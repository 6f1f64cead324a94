"""Heat in buildings: from walls, windows and weather to room temperatures and heating power."""
