"""The OGC's standards over HTTP: Features, EDR, Records, Processes; each declares its conformance."""
