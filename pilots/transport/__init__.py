"""On-demand shared transport."""
