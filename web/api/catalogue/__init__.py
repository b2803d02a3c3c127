"""The merchant's part of the API: products, imports and webhooks of the shop whose secret key is shown."""
