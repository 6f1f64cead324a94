"""Trees that grow: size by age, leaf area, biomass, and what can happen to them in a year."""
