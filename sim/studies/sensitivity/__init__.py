"""What the answer hangs on: screening, indices and a tornado over rates and arrivals."""
