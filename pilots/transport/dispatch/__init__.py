"""Which vehicle takes whom, decided while the day goes on, in compiled code on flat arrays."""
