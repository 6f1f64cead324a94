"""What trees and green areas do for a city, each service from its cited method."""
