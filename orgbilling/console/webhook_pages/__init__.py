"""Pages about webhooks: an organization's endpoints, what was sent to them and what came back."""
