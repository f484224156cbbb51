"""Webhook deliveries as they arrived."""
