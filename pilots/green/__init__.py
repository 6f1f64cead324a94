"""Trees and green areas that grow and change with the season."""
