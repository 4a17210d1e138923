"""The brand's regular order webhooks: endpoints that it makes, changes and deletes."""
