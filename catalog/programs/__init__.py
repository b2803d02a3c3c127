"""What programs of merchants use: products as JSON, keys, webhooks, answers given once."""
