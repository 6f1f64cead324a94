"""The OGC's standards over HTTP: Features, EDR, Records, Processes; each module declares what it conforms to."""  # noqa: E501
