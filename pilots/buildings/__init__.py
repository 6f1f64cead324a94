"""Indoor environment and energy of educational buildings."""
