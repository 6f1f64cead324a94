"""The four pilots of the FinEst Twins programme, each a plug-in like any outsider's."""
