"""Sensors and their observations over HTTP: SensorThings for reading and writing, Sentilo for publishing."""
