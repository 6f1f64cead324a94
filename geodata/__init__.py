"""Cities and their data: kinds of dataset, packs, readers, recipes, checks, streets.

A *city pack* is a folder that holds what one city shares of itself: its outline, districts, streets,
schools, trees, weather. Pilots are built on packs; a pack knows no pilot.
"""
