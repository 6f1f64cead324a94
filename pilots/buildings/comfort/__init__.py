"""How people feel: warm, cold, drowsy; by the models and categories that standards have agreed on."""
