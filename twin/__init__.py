"""The core: programme and rule, plug-in contract, world, runs, results, store."""
