"""Local grids with storage."""
