"""What persona says about itself, and the acts that it takes: once for every way of asking."""
