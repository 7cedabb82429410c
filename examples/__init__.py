"""Programs that use the service as its callers do: over HTTP, with the client."""
