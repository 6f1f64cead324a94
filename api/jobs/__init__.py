"""Runs in processes of their own: accepted, watched, stopped, brought to an end after a crash."""
