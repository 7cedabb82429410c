"""The service's operations as data: each function describes one call, and sends nothing."""
