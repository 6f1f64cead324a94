"""A plain HTML view of every resource, for people and search engines."""
