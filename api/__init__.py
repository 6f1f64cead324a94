"""The ways in: HTTP, after the OGC's and the IETF's standards, and the command line."""
