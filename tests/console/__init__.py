"""Pages of the console, by Django's test client."""
