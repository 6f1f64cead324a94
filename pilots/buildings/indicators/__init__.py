"""Indicators: from temperatures, air and power to figures that can be compared, rated and defended."""
