"""Cleaning: how rows of a source become rows of a dataset, with an account of every one of them.

Like the checking of goods at a shop's back door: each crate is counted in, some are mended, some sent back,
and the delivery note says which and why.
"""
