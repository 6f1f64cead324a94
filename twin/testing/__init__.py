"""What pilot teams test their plug-ins with: the contract check, a pytest plug-in, a scaffold."""
