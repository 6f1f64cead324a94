"""A city's trees and green areas within a run: read from its pack, lived through, summed up."""
