"""Trees and green areas for other people's tools: CityJSON, glTF and 3D Tiles, GeoParquet."""
